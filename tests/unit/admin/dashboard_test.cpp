#include "admin/dashboard.hpp"

#include <gtest/gtest.h>

#include <array>

#include "admin/no_dashboard.hpp"
#include "fake_server.hpp"

namespace tandem::admin {
namespace {

constexpr std::array kFiles = {DashboardFile{"/", "text/html; charset=utf-8", "1a", "<html>", "zipped"},
                               DashboardFile{"/assets/index-8b3c.js", "text/javascript", "2b", "let a", "packed"}};

std::optional<http::Response> get(const std::string& path, const std::string& name = "", const std::string& value = "") {
  FakeRequest fake(path);
  if (!name.empty()) fake.set(name, value);
  return find_dashboard_file(kFiles, fake.request);
}

TEST(Dashboard, AFileHasItsTypeAndTag) {
  const auto response = get("/assets/index-8b3c.js");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "text/javascript");
  EXPECT_EQ(response->body_text(), "let a");
  EXPECT_EQ(response->headers.find("ETag"), "\"2b\"");
  EXPECT_EQ(response->headers.find("Vary"), "Accept-Encoding");
  EXPECT_FALSE(response->headers.contains("Content-Encoding"));
}

TEST(Dashboard, OtherPathsAreNoFiles) {
  for (const char* path : {"/assets", "/assets/", "/assets/index-8b3c.j", "/index.html", "/assets/../"})
    EXPECT_FALSE(get(path)) << path;
}

TEST(Dashboard, WhatHasAHashInItsNameIsKeptForEver) {
  EXPECT_EQ(get("/assets/index-8b3c.js")->headers.find("Cache-Control"), "private, max-age=31536000, immutable");
  EXPECT_EQ(get("/")->headers.find("Cache-Control"), "no-cache");
}

TEST(Dashboard, IsCompressedForThoseWhoTakeIt) {
  for (const char* accepted : {"gzip", "br, gzip", "deflate,GZip;q=0.5", "gzip;q=1.0 , identity"}) {
    const auto response = get("/", "Accept-Encoding", accepted);
    EXPECT_EQ(response->body_text(), "zipped") << accepted;
    EXPECT_EQ(response->headers.find("Content-Encoding"), "gzip") << accepted;
    EXPECT_EQ(response->headers.find("ETag"), "\"1a-gzip\"") << accepted;
  }
  for (const char* refused : {"", "br", "identity", "gzip;q=0", "gzip; q=0.000", "xgzip"})
    EXPECT_EQ(get("/", "Accept-Encoding", refused)->body_text(), "<html>") << refused;
}

TEST(Dashboard, WhoHasItIsNotSentItAgain) {
  for (const char* held : {"\"1a\"", "W/\"1a\"", "\"0\", \"1a\"", "*"}) {
    const auto response = get("/", "If-None-Match", held);
    EXPECT_EQ(response->status, 304) << held;
    EXPECT_EQ(response->body_text(), "") << held;
    EXPECT_EQ(response->headers.find("ETag"), "\"1a\"") << held;
    EXPECT_EQ(response->headers.find("Cache-Control"), "no-cache") << held;
  }
  for (const char* other : {"\"2b\"", "1a", "\"1a-gzip\"", ""})
    EXPECT_EQ(get("/", "If-None-Match", other)->status, 200) << other;
}

TEST(Dashboard, RunsNoScriptButItsOwn) {
  const std::string policy(get("/")->headers.find("Content-Security-Policy"));
  for (const char* part : {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                           "frame-ancestors 'none'", "base-uri 'none'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
}

TEST(NoDashboard, SaysHowToGetItAndWhatElseThereIs) {
  FakeRequest fake("/");
  fake.set("Accept-Encoding", "gzip").set("If-None-Match", "*");
  const auto response = find_dashboard_file(no_dashboard(), fake.request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->content_type, "text/html; charset=utf-8");
  EXPECT_FALSE(response->headers.contains("Content-Encoding"));
  EXPECT_FALSE(response->headers.contains("ETag"));
  EXPECT_NE(response->body_text().find("./tandem-dev install dashboard"), std::string_view::npos);
  for (const char* page : {"/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/routes", "/api/v1/workers",
                           "/api/v1/stacks", "/api/v1/requests", "/api/v1/experiments", "/api/v1/audit", "/api/v1/events"})
    EXPECT_NE(response->body_text().find("href=\"" + std::string(page) + "\""), std::string_view::npos) << page;
}

TEST(NoDashboard, HasNoOtherFile) {
  FakeRequest fake("/assets/index.js");
  EXPECT_FALSE(find_dashboard_file(no_dashboard(), fake.request));
}

}  // namespace
}  // namespace tandem::admin
