#include <algorithm>

#include "base/ascii.hpp"
#include "config/application.hpp"
#include "config/parse.hpp"
#include "config/suggest.hpp"
#include "routing/pattern.hpp"

namespace tandem::config {
namespace {

struct BackendKey {
  std::string_view key;
  Backend backend;
};
constexpr BackendKey kBackends[] = {
    {"native", Backend::native}, {"python", Backend::python}, {"asgi", Backend::asgi}, {"wsgi", Backend::wsgi}};

bool is_application(Backend backend) { return backend != Backend::native && backend != Backend::python; }

void check_target(const Value& value, Backend backend, const std::string& target) {
  if (backend == Backend::native) {
    if (!ascii::is_token(target)) value.report("expected the name of a native endpoint, got \"" + target + "\"");
    return;
  }
  if (is_application(backend)) {
    if (const auto checked = check_application(target); !checked) value.report(checked.error().message);
    return;
  }
  const auto colon = target.find(':');
  if (colon == std::string::npos || !is_dotted_name(target.substr(0, colon)) || !is_dotted_name(target.substr(colon + 1)))
    value.report("expected \"module:function\", got \"" + target + "\"");
}

// Short form "greet:hello", or long form {"endpoint": "greet:hello", "timeout": "5s"}; applications have a "root_path" too.
std::optional<EndpointConfig> parse_endpoint(const Value& value, Backend backend) {
  EndpointConfig endpoint;
  endpoint.backend = backend;
  endpoint.place = value.place();
  if (value.is_string()) {
    const auto target = value.text();
    if (!target) return std::nullopt;
    endpoint.endpoint = *target;
    check_target(value, backend, *target);
    return endpoint;
  }
  if (!value.is_object()) {
    value.report_expected("the name of an endpoint, or an object with \"endpoint\"");
    return std::nullopt;
  }
  Object object(value, is_application(backend) ? "application" : "endpoint");
  const auto target = object.find("endpoint");
  if (target) {
    object.text("endpoint", endpoint.endpoint);
    if (target->is_string()) check_target(*target, backend, endpoint.endpoint);
    endpoint.place = target->place();
  }
  if (const auto timeout = object.find("timeout")) endpoint.timeout = parse_timeout(*timeout);
  if (is_application(backend)) {
    object.text("root_path", endpoint.root_path);
    if (const auto checked = check_root_path(endpoint.root_path); !checked)
      object.find("root_path")->report(checked.error().message);
  } else {
    object.refuse("root_path", "only applications (\"asgi\", \"wsgi\") have a root path");
  }
  if (object.close() && !target) object.report("the long form needs an \"endpoint\"");
  return target && target->is_string() ? std::optional(endpoint) : std::nullopt;
}

// The one backend key of a route or an arm. `count` is how many there are.
std::optional<EndpointConfig> parse_backend(Object& object, std::size_t& count) {
  std::optional<EndpointConfig> endpoint;
  count = 0;
  for (const auto& [key, backend] : kBackends) {
    const auto value = object.find(key);
    if (!value) continue;
    if (++count > 1) value->report("there is another backend key beside this one: an endpoint has one");
    auto parsed = parse_endpoint(*value, backend);
    if (count == 1) endpoint = std::move(parsed);
  }
  return endpoint;
}

// Names of arms travel in a header field and are metric labels.
bool is_arm_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '_' || c == '-' || c == '.';
  });
}

void set_pool(EndpointConfig& endpoint, const std::string& pool) {
  if (endpoint.backend != Backend::native) endpoint.pool = pool.empty() ? "python" : pool;
}

std::optional<ArmConfig> parse_arm(const std::string& name, const Value& value, const std::string& route_pool) {
  if (!is_arm_name(name))
    value.report("the name of an arm is made of letters, digits, \".\", \"-\" and \"_\", at most 64 of them");
  Object object(value, "arm");
  ArmConfig arm;
  arm.name = name;
  std::size_t backends = 0;
  auto endpoint = parse_backend(object, backends);
  if (const auto weight = object.find("weight")) arm.weight = weight->weight().value_or(arm.weight);
  std::string pool;
  const auto pool_value = object.find("pool");
  object.text("pool", pool);
  if (object.close() && backends == 0 && value.is_object())
    object.report("this arm names no endpoint: add \"native\", \"python\", \"asgi\" or \"wsgi\"");
  if (!endpoint) return std::nullopt;
  if (pool_value && endpoint->backend == Backend::native) pool_value->report("a native endpoint runs in no pool");
  set_pool(*endpoint, pool.empty() ? route_pool : pool);
  arm.endpoint = std::move(*endpoint);
  return arm;
}

std::vector<ArmConfig> parse_arms(const Value& value, const std::string& route_pool) {
  std::vector<ArmConfig> arms;
  double sum = 0;
  bool all_parsed = true;
  for (const auto& [name, arm_value] : value.members()) {
    auto arm = parse_arm(name, arm_value, route_pool);
    all_parsed = all_parsed && arm;
    if (!arm) continue;
    sum += arm->weight;
    arms.push_back(std::move(*arm));
  }
  if (value.is_object() && value.json().empty()) value.report("expected one arm or more");
  if (!arms.empty() && all_parsed && !(sum > 0)) value.report("the weights of the arms sum to 0: no arm would be chosen");
  if (sum > 1e300) value.report("the weights of the arms are too large");
  return arms;
}

std::vector<std::string> parse_methods(const Value& value) {
  static const std::vector<std::string> kUsual = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"};
  std::vector<std::string> methods;
  const auto elements = value.elements();
  if (value.json().is_array() && elements.empty()) value.report("expected one method or more; [\"*\"] means any");
  for (const auto& element : elements) {
    const auto method = element.text();
    if (!method) continue;
    const bool is_lower_case = std::any_of(method->begin(), method->end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!ascii::is_token(*method) || is_lower_case)
      element.report("expected a method in capitals, got \"" + *method + "\"" + did_you_mean(*method, kUsual));
    else if (*method == "CONNECT")
      element.report("CONNECT has no path: no route can serve it");
    else if (*method == "*" && elements.size() > 1)
      element.report("\"*\" means any method and stands alone");
    else if (std::find(methods.begin(), methods.end(), *method) != methods.end())
      element.report("the method " + *method + " is listed twice");
    else
      methods.push_back(*method);
  }
  return methods;
}

// Only the body has a limit per route: the others are about what comes before a route is known.
void parse_route_limits(Object& route_object, RouteConfig& route) {
  const auto value = route_object.find("limits");
  if (!value) return;
  static constexpr std::string_view kGlobal[] = {"header_bytes", "header_count",   "uri_bytes",
                                                 "connections",  "header_timeout", "body_timeout",
                                                 "idle_timeout", "write_timeout",  "drain_timeout"};
  Object limits(*value, "route_limits");
  if (const auto body = limits.find("body_bytes")) route.body_bytes = parse_body_bytes(*body);
  for (const auto key : kGlobal) limits.refuse(key, "this limit can't be set for one route, only in /limits for all");
  limits.close();
}

void parse_path(Object& object, RouteConfig& route) {
  const auto path = object.find("path");
  if (!path) return;
  const auto text = path->text();
  if (!text) return;
  const auto pattern = routing::parse_pattern(*text);
  if (!pattern)
    path->report(pattern.error().message);
  else
    route.path = *text;
}

RouteConfig parse_route(const Value& value) {
  Object object(value, "route");
  RouteConfig route;
  route.place = value.place();
  const bool has_path = object.find("path").has_value();
  parse_path(object, route);
  if (const auto name = object.find("name"))
    if (const auto text = name->text()) {
      if (text->empty() || text->size() > 200) name->report("the name of a route has 1 to 200 bytes");
      route.name = *text;
    }
  if (const auto methods = object.find("methods")) route.methods = parse_methods(*methods);
  std::string pool;
  const auto pool_value = object.find("pool");
  object.text("pool", pool);
  if (const auto timeout = object.find("timeout")) route.timeout = parse_timeout(*timeout);
  parse_pin(object, route.pin);
  const auto stream = object.find("stream");
  object.boolean("stream", route.stream);
  parse_route_limits(object, route);

  const auto experiment = object.find("experiment");
  const auto arms = object.find("arms");
  std::size_t backends = 0;
  auto endpoint = parse_backend(object, backends);
  if (arms) {
    route.is_twin = true;
    route.arms = parse_arms(*arms, pool);
    if (backends > 0) arms->report("a route has either \"arms\" or a backend of its own, not both");
  } else if (endpoint) {
    set_pool(*endpoint, pool);
    ArmConfig only;
    only.endpoint = std::move(*endpoint);
    route.arms.push_back(std::move(only));
  }
  if (const bool all_known = object.close(); all_known && value.is_object()) {
    if (!has_path) object.report("this route has no \"path\"");
    if (!arms && backends == 0)
      object.report("this route names no endpoint: add \"native\", \"python\", \"asgi\", \"wsgi\" or \"arms\"");
  }

  if (experiment) {
    auto whole = route;
    const bool has_all_arms = arms && arms->json().size() == route.arms.size();
    if (!has_all_arms) whole.arms.clear();  // what is wrong with them was reported: no name is taken for unknown
    route.experiment = parse_experiment(*experiment, whole);
  }

  const bool only_native =
      !route.arms.empty() && std::all_of(route.arms.begin(), route.arms.end(),
                                         [](const ArmConfig& arm) { return arm.endpoint.backend == Backend::native; });
  if (only_native && pool_value) pool_value->report("native endpoints run in no pool");
  if (only_native && stream && route.stream)
    stream->report("\"stream\" is for Python endpoints; a native one is listed as streamed in the catalog");
  return route;
}

}  // namespace

void parse_pin(Object& object, std::optional<PinPolicy>& target) {
  object.choice<std::optional<PinPolicy>>(
      "pin", target,
      {{"loopback", PinPolicy::loopback}, {"token", PinPolicy::token}, {"open", PinPolicy::open}, {"off", PinPolicy::off}});
}

std::vector<RouteConfig> parse_routes(Object& top) {
  std::vector<RouteConfig> routes;
  const auto value = top.find("routes");
  if (!value) {
    top.report("there are no \"routes\"");
    return routes;
  }
  for (const auto& element : value->elements()) routes.push_back(parse_route(element));
  return routes;
}

}  // namespace tandem::config
