#include "app/route_lookup.hpp"

#include <algorithm>

#include "http/target.hpp"

namespace tandem::app {

namespace {

class Signpost final : public service::Handler {
 public:
  service::Outcome handle(http::Request&, service::Call&) const override { return http::Response(500); }
};

}  // namespace

const service::Handler& signpost() {
  static const Signpost handler;
  return handler;
}

Result<RouteLookup> RouteLookup::make(const std::vector<Entry>& entries) {
  RouteLookup lookup;
  for (const auto& entry : entries) {
    auto pattern = routing::parse_pattern(entry.path);
    if (!pattern) return pattern.error();
    routing::Route route;
    route.name = entry.name;
    route.pattern = std::move(*pattern);
    if (entry.methods != std::vector<std::string>{"*"}) route.methods = entry.methods;
    route.handler = &signpost();
    if (auto added = lookup.table_.add(std::move(route)); !added) return added.error();
  }
  return lookup;
}

std::optional<std::size_t> RouteLookup::find(const std::string& method, const std::string& target) const {
  http::Request request;
  request.method_text = method;
  request.method = http::parse_method(method);
  request.target = target;
  const auto parsed = http::parse_target(target, false, request.method == http::Method::options);
  if (!parsed) return std::nullopt;
  request.path = parsed->path;
  request.query = parsed->query;
  const auto* route = table_.match(request).route;
  const auto& routes = table_.routes();
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const auto& each) { return each.get() == route; });
  if (found == routes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - routes.begin());
}

}  // namespace tandem::app
