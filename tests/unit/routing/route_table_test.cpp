#include "routing/route_table.hpp"

#include <gtest/gtest.h>

namespace tandem::routing {
namespace {

class Nothing final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call&) const override { return http::Response(204); }
} nothing;

RouteTable table_of(const std::vector<std::pair<std::string, std::vector<std::string>>>& routes) {
  RouteTable table;
  for (const auto& [path, methods] : routes) {
    Route route;
    route.name = path;
    route.pattern = *parse_pattern(path);
    route.methods = methods;
    route.handler = &nothing;
    EXPECT_TRUE(table.add(std::move(route)).ok()) << path;
  }
  return table;
}

struct Asked {
  explicit Asked(std::string_view method, std::string_view path) {
    request.method_text = method;
    request.method = http::parse_method(method);
    request.path = path;
  }
  http::Request request;
};

std::string found(const RouteTable& table, std::string_view path, std::string_view method = "GET") {
  Asked asked(method, path);
  const auto match = table.match(asked.request);
  return match.route ? match.route->name : "(" + match.allow + ")";
}

TEST(RouteTable, PrefersLiteralToParameterToRestWhateverTheOrder) {
  const auto table = table_of({{"/*", {}}, {"/users/{id}", {}}, {"/users/me", {}}, {"/users/{id}/posts", {}}});
  EXPECT_EQ(found(table, "/users/me"), "/users/me");
  EXPECT_EQ(found(table, "/users/7"), "/users/{id}");
  EXPECT_EQ(found(table, "/users/me/posts"), "/users/{id}/posts");
  EXPECT_EQ(found(table, "/users/7/likes"), "/*");
  EXPECT_EQ(found(table, "/"), "/*");
}

TEST(RouteTable, AMountTakesItsPrefixToo) {
  RouteTable table;
  const auto add = [&](const char* path, bool is_mount, std::vector<std::string> methods = {}) {
    Route route;
    route.name = path;
    route.pattern = *parse_pattern(path);
    route.methods = std::move(methods);
    route.handler = &nothing;
    route.is_mount = is_mount;
    EXPECT_TRUE(table.add(std::move(route)).ok()) << path;
  };
  add("/shop/*", true);
  add("/shop/health", false);
  add("/files/*", false);
  add("/t/{name}/{rest*}", true);
  add("/{any}", false);
  add("/old/*", true);
  add("/old", false, {"GET"});
  EXPECT_EQ(found(table, "/shop"), "/shop/*");
  EXPECT_EQ(found(table, "/shop/"), "/shop/*");
  EXPECT_EQ(found(table, "/shop/a/b"), "/shop/*");
  EXPECT_EQ(found(table, "/shop/health"), "/shop/health");
  EXPECT_EQ(found(table, "/shopping"), "/{any}");
  EXPECT_EQ(found(table, "/files"), "/{any}");
  EXPECT_EQ(found(table, "/old"), "/old");
  EXPECT_EQ(found(table, "/old", "POST"), "/old/*");
  EXPECT_EQ(found(table, "/t/"), "()");
  Asked asked("GET", "/t/acme");
  ASSERT_NE(table.match(asked.request).route, nullptr);
  EXPECT_EQ(asked.request.path_param("name"), "acme");
  EXPECT_EQ(asked.request.path_param("rest"), "");
}

TEST(RouteTable, AParameterIsNeverEmpty) {
  const auto table = table_of({{"/users/{id}", {}}});
  EXPECT_EQ(found(table, "/users/"), "()");
  EXPECT_EQ(found(table, "/users"), "()");
}

TEST(RouteTable, DecodesSegmentsButNeverSplitsAtAnEncodedSlash) {
  const auto table = table_of({{"/files/{name}", {}}, {"/caf\xC3\xA9", {}}});
  Asked asked("GET", "/files/a%2Fb%20c");
  const auto match = table.match(asked.request);
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(asked.request.path_param("name"), "a/b c");
  EXPECT_EQ(found(table, "/caf%C3%A9"), "/caf\xC3\xA9");
}

TEST(RouteTable, GivesTheRestDecodedWithItsSlashes) {
  const auto table = table_of({{"/static/{path*}", {}}, {"/raw/*", {}}});
  Asked named("GET", "/static/css/a%20b.css");
  ASSERT_NE(table.match(named.request).route, nullptr);
  EXPECT_EQ(named.request.path_param("path"), "css/a b.css");
  Asked plain("GET", "/raw/");
  ASSERT_NE(table.match(plain.request).route, nullptr);
  EXPECT_EQ(plain.request.path_param("*"), "");
}

TEST(RouteTable, SameShapeIsFineForOtherMethodsAndAnErrorForTheSame) {
  auto table = table_of({{"/item/{id}", {"GET", "HEAD"}}, {"/item/{name}", {"POST"}}});
  EXPECT_EQ(found(table, "/item/1", "POST"), "/item/{name}");
  EXPECT_EQ(found(table, "/item/1", "PUT"), "(GET, HEAD, POST, OPTIONS)");
  Route third;
  third.pattern = *parse_pattern("/item/{other}");
  third.methods = {"POST"};
  const auto added = table.add(std::move(third));
  ASSERT_FALSE(added.ok());
  EXPECT_NE(added.error().message.find("/item/{name}"), std::string::npos);
}

TEST(RouteTable, FallsBackToALessSpecificRouteThatTakesTheMethod) {
  const auto table = table_of({{"/a/b", {"GET"}}, {"/a/{x}", {"POST"}}});
  EXPECT_EQ(found(table, "/a/b", "POST"), "/a/{x}");
  EXPECT_EQ(found(table, "/a/b", "GET"), "/a/b");
}

TEST(Pattern, SaysWhatIsWrong) {
  for (const char* path : {"", "users", "/a/*/b", "/{}", "/{1a}", "/x{id}", "/{a}/{a}", "/a?b", "/%zz", "/{rest*}/x"})
    EXPECT_FALSE(parse_pattern(path).ok()) << path;
  for (const char* path : {"/", "/a/", "/{id}", "/a/{b}/c/{d*}", "/*", "/caf%C3%A9"})
    EXPECT_TRUE(parse_pattern(path).ok()) << path;
}

}  // namespace
}  // namespace tandem::routing
