#include "routing/mount_handler.hpp"

#include <gtest/gtest.h>

#include "routing/route_table.hpp"

namespace tandem::routing {
namespace {

class Listener final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call& call) const override {
    heard = call.root_path;
    return http::Response(204);
  }
  mutable std::string heard;
};

// What an application on `path` hears as its root path when `asked` is requested, as the router has it.
std::string root_path(const char* path, const char* asked) {
  const Listener application;
  const auto pattern = *parse_pattern(path);
  const MountHandler mount(application, pattern);
  RouteTable table;
  Route route;
  route.pattern = pattern;
  route.handler = &mount;
  route.is_mount = true;
  EXPECT_TRUE(table.add(std::move(route)).ok());
  http::Request request;
  request.method_text = "GET";
  request.path = asked;
  EXPECT_NE(table.match(request).route, nullptr) << path << " " << asked;
  std::vector<std::string> params;  // views that must outlive the decoding of the prefix
  for (const auto& param : request.path_params) params.emplace_back(param.value);
  Loop loop(0);
  const service::Peer peer{};
  service::Call call(loop, peer);
  mount.handle(request, call);
  for (std::size_t i = 0; i < params.size(); ++i) EXPECT_EQ(request.path_params[i].value, params[i]);
  return application.heard;
}

TEST(MountHandler, TellsThePrefix) {
  EXPECT_EQ(root_path("/shop/*", "/shop/items/7"), "/shop");
  EXPECT_EQ(root_path("/shop/*", "/shop/"), "/shop");
  EXPECT_EQ(root_path("/shop/*", "/shop"), "/shop");
  EXPECT_EQ(root_path("/a/b/{rest*}", "/a/b/c"), "/a/b");
}

TEST(MountHandler, DecodesThePrefix) {
  EXPECT_EQ(root_path("/shop/*", "/sh%6Fp/a%20b"), "/shop");
  EXPECT_EQ(root_path("/caf%C3%A9/*", "/caf%C3%A9/x"), "/caf\xC3\xA9");
  EXPECT_EQ(root_path("/caf%C3%A9/*", "/caf%C3%A9"), "/caf\xC3\xA9");
  EXPECT_EQ(root_path("/t/{name}/*", "/t/a%2Fb/%41"), "/t/a/b");
}

TEST(MountHandler, FollowsParametersOfThePrefix) {
  EXPECT_EQ(root_path("/t/{name}/*", "/t/acme/x/y"), "/t/acme");
  EXPECT_EQ(root_path("/t/{name}/*", "/t/acme"), "/t/acme");
}

TEST(MountHandler, HasNoneAtTheTopOrWithoutARest) {
  EXPECT_EQ(root_path("/*", "/a/b"), "");
  EXPECT_EQ(root_path("/*", "/"), "");
  EXPECT_EQ(root_path("/health", "/health"), "");
}

}  // namespace
}  // namespace tandem::routing
