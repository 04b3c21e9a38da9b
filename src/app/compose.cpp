#include "app/compose.hpp"

#include <algorithm>

#include "config/problem.hpp"

namespace tandem::app {
namespace {

experiment::PinPolicy pin_policy(config::PinPolicy policy) {
  switch (policy) {
    case config::PinPolicy::loopback:
      return experiment::PinPolicy::loopback;
    case config::PinPolicy::token:
      return experiment::PinPolicy::token;
    case config::PinPolicy::open:
      return experiment::PinPolicy::open;
    case config::PinPolicy::off:
      break;
  }
  return experiment::PinPolicy::off;
}

bool is_application(const config::ArmConfig& arm) {
  return arm.endpoint.backend != config::Backend::native && arm.endpoint.backend != config::Backend::python;
}

}  // namespace

std::vector<std::string> effective_methods(const config::RouteConfig& route) {
  auto methods = route.methods;
  if (methods.empty()) {
    if (std::any_of(route.arms.begin(), route.arms.end(), is_application)) return {};
    methods = {"GET"};
  }
  if (std::find(methods.begin(), methods.end(), "*") != methods.end()) return {};
  const auto has = [&](std::string_view method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  if (has("GET") && !has("HEAD")) methods.insert(std::find(methods.begin(), methods.end(), "GET") + 1, "HEAD");
  return methods;
}

std::string_view format_backend(config::Backend backend) {
  switch (backend) {
    case config::Backend::native:
      return "native";
    case config::Backend::python:
      return "python";
    case config::Backend::asgi:
      return "asgi";
    case config::Backend::wsgi:
      return "wsgi";
    case config::Backend::application:
      break;
  }
  return "application";
}

Result<std::shared_ptr<const ComposedTable>> ComposedTable::make(const config::Config& config, const FindEndpoint& find,
                                                                 const PrepareExperiment& prepare,
                                                                 observe::Registry* registry) {
  static const SystemClock clock;
  std::shared_ptr<ComposedTable> composed(new ComposedTable);
  for (const auto& route_config : config.routes) {
    auto pattern = routing::parse_pattern(route_config.path);
    if (!pattern) return pattern.error();
    std::vector<experiment::Arm> arms;
    for (const auto& arm_config : route_config.arms) {
      const auto& endpoint = arm_config.endpoint;
      auto handler = find(endpoint, endpoint.timeout ? endpoint.timeout : route_config.timeout);
      if (!handler) {
        config::Problem problem;
        problem.place = endpoint.place;
        problem.message = handler.error().message;
        return Error(handler.error().code, config::format_problem(config.file, problem));
      }
      experiment::Arm arm;
      arm.name = arm_config.name;
      arm.weight = arm_config.weight;
      arm.backend = format_backend(endpoint.backend);
      arm.handler = is_application(arm_config) ? &composed->mounts_.emplace_back(**handler, *pattern) : *handler;
      if (registry) arm.metrics = &registry->arm(route_config.name, arm_config.name, format_backend(endpoint.backend));
      arms.push_back(std::move(arm));
    }
    routing::Route route;
    route.name = route_config.name;
    route.pattern = std::move(*pattern);
    route.is_mount = route.pattern.ends_in_rest() && route.pattern.segments.size() > 1 &&
                     std::all_of(route_config.arms.begin(), route_config.arms.end(), is_application);
    route.methods = effective_methods(route_config);
    route.body_bytes = route_config.body_bytes.value_or(config.net.limits.body_bytes);
    experiment::PinRule pins(pin_policy(route_config.pin.value_or(config.pin)), config.pin_token);
    if (const auto& settings = route_config.experiment)
      route.handler =
          &composed->experiments_.emplace_back(std::move(arms), std::move(pins), *settings, prepare(*settings), clock);
    else if (route_config.is_twin)
      route.handler = &composed->splits_.emplace_back(std::move(arms), std::move(pins));
    else
      route.handler = &composed->singles_.emplace_back(arms.front().handler, arms.front().metrics);
    if (auto added = composed->table_.add(std::move(route)); !added) {
      config::Problem problem;
      problem.place = route_config.place;
      problem.message = added.error().message;
      return Error(added.error().code, config::format_problem(config.file, problem));
    }
  }
  return std::shared_ptr<const ComposedTable>(std::move(composed));
}

}  // namespace tandem::app
