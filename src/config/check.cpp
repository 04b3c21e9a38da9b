#include "config/check.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "config/listen.hpp"
#include "config/suggest.hpp"
#include "routing/pattern.hpp"

namespace tandem::config {
namespace {

bool is_any(const std::vector<std::string>& methods) { return methods.size() == 1 && methods.front() == "*"; }

// The methods a route answers without being asked twice: HEAD follows GET. {"*"} for any.
std::vector<std::string> served_methods(const RouteConfig& route) {
  auto methods = route.methods;
  if (methods.empty()) {
    const bool has_application = std::any_of(route.arms.begin(), route.arms.end(), [](const ArmConfig& arm) {
      return arm.endpoint.backend == Backend::asgi || arm.endpoint.backend == Backend::wsgi;
    });
    methods = {has_application ? "*" : "GET"};
  }
  const auto has = [&](std::string_view method) {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  };
  if (has("GET") && !has("HEAD")) methods.emplace_back("HEAD");
  return methods;
}

// A method both answer; empty when there is none.
std::string shared_method(const RouteConfig& a, const RouteConfig& b) {
  const auto of_a = served_methods(a), of_b = served_methods(b);
  if (is_any(of_a)) return is_any(of_b) ? "every method" : of_b.front();
  for (const auto& method : of_a)
    if (is_any(of_b) || std::find(of_b.begin(), of_b.end(), method) != of_b.end()) return method;
  return {};
}

std::string where(const Place& place) { return place.pointer + " in line " + std::to_string(place.line); }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

// Two routes that a request can't be told apart by.
void check_conflicts(const Config& config, Reader& reader) {
  std::map<std::string, std::vector<const RouteConfig*>> by_shape;
  for (const auto& route : config.routes) {
    if (route.path.empty()) continue;
    const auto pattern = routing::parse_pattern(route.path);
    if (!pattern) continue;
    auto& alike = by_shape[pattern->shape()];
    for (const auto* earlier : alike)
      if (const auto method = shared_method(*earlier, route); !method.empty()) {
        reader.report(reader.place(route.place.pointer + "/path"), "\"" + route.path + "\" can't be told apart from \"" +
                                                                       earlier->path + "\" of " + where(earlier->place) +
                                                                       ": both answer " + method);
        break;
      }
    alike.push_back(&route);
  }
}

// A route is called by its path, and by its methods too where several routes share the path.
void name_routes(Config& config, Reader& reader) {
  std::map<std::string, int> unnamed;
  for (const auto& route : config.routes)
    if (route.name.empty()) ++unnamed[route.path];
  std::map<std::string, const RouteConfig*> taken;
  for (auto& route : config.routes) {
    const bool is_given = !route.name.empty();
    if (!is_given)
      route.name = unnamed[route.path] > 1
                       ? joined(route.methods.empty() ? std::vector<std::string>{"GET"} : route.methods) + " " + route.path
                       : route.path;
    if (route.name.empty()) continue;
    const auto [earlier, is_new] = taken.emplace(route.name, &route);
    const bool both_conflict = !is_given && earlier->second->path == route.path;  // said by check_conflicts
    if (!is_new && !both_conflict)
      reader.report(
          reader.place(route.place.pointer + (is_given ? "/name" : "/path")),
          "the name \"" + route.name + "\" is taken by " + where(earlier->second->place) + ": names of routes are unique");
  }
}

// Experiments are known by their id; each learns the name of its route.
void name_experiments(Config& config, Reader& reader) {
  std::map<std::string, const RouteConfig*> taken;
  for (auto& route : config.routes) {
    if (!route.experiment) continue;
    route.experiment->route = route.name;
    const auto& id = route.experiment->id;
    const auto [earlier, is_new] = taken.emplace(id, &route);
    if (!is_new && !id.empty())
      reader.report(
          reader.place(route.place.pointer + "/experiment/id"),
          "the id \"" + id + "\" is taken by " + where(earlier->second->place) + ": ids of experiments are unique");
  }
}

std::string kind_of(Backend backend) {
  switch (backend) {
    case Backend::asgi:
      return "asgi";
    case Backend::wsgi:
      return "wsgi";
    case Backend::application:
      return "application";
    case Backend::native:
    case Backend::python:
      break;
  }
  return "function";
}

// Gives each pool the programs that routes ask of it.
void collect_endpoints(Config& config, Reader& reader, const std::vector<std::string>& native_endpoints) {
  std::vector<std::string> pool_names;
  for (const auto& [name, pool] : config.pools) pool_names.push_back(name);
  struct Use {
    bool stream;
    const EndpointConfig* endpoint;
  };
  std::map<std::pair<std::string, std::string>, Use> uses;
  for (const auto& route : config.routes)
    for (const auto& arm : route.arms) {
      const auto& endpoint = arm.endpoint;
      if (endpoint.backend == Backend::native) {
        if (!native_endpoints.empty() &&
            std::find(native_endpoints.begin(), native_endpoints.end(), endpoint.endpoint) == native_endpoints.end())
          reader.report(endpoint.place, "there is no native endpoint \"" + endpoint.endpoint + "\"" +
                                            did_you_mean(endpoint.endpoint, native_endpoints));
        continue;
      }
      const auto pool = config.pools.find(endpoint.pool);
      if (pool == config.pools.end()) {
        reader.report(endpoint.place,
                      "there is no pool \"" + endpoint.pool + "\"" + did_you_mean(endpoint.pool, pool_names));
        continue;
      }
      const bool is_application = endpoint.backend != Backend::python;
      const bool stream = route.stream || is_application;  // an application reads its body itself
      const auto [use, is_new] = uses.insert({{endpoint.pool, endpoint.endpoint}, Use{stream, &endpoint}});
      const auto& earlier = *use->second.endpoint;
      if (kind_of(earlier.backend) != kind_of(endpoint.backend))
        reader.report(endpoint.place, "\"" + endpoint.endpoint + "\" is used as " + kind_of(endpoint.backend) +
                                          " here and as " + kind_of(earlier.backend) + " by " + where(earlier.place) +
                                          ": an endpoint of a pool has one interface");
      else if (earlier.root_path != endpoint.root_path)
        reader.report(endpoint.place, "\"" + endpoint.endpoint + "\" has the root path \"" + earlier.root_path + "\" in " +
                                          where(earlier.place) + " and \"" + endpoint.root_path +
                                          "\" here: an application of a pool has one");
      else if (use->second.stream != stream)
        reader.report(endpoint.place, "\"" + endpoint.endpoint + "\" is used " + (stream ? "with" : "without") +
                                          " \"stream\" here and " + (stream ? "without" : "with") + " it by " +
                                          where(earlier.place) + ": an endpoint gets its body in one way");
      if (is_new)
        pool->second.endpoints.push_back({endpoint.endpoint, kind_of(endpoint.backend), stream, endpoint.root_path});
    }
}

std::string section_of(const std::string& pool) { return pool == "python" ? "/python" : child_pointer("/pools", pool); }

// A warm-up request goes to one application of the pool: it says which, where there are several.
void check_warmup(Reader& reader, const std::string& name, const pool::PoolOptions& pool) {
  std::vector<std::string> applications;
  for (const auto& endpoint : pool.endpoints) applications.push_back(endpoint.target);
  for (std::size_t i = 0; i < pool.warmup.size(); ++i) {
    const auto place = reader.place(section_of(name) + "/warmup/" + std::to_string(i));
    const auto& endpoint = pool.warmup[i].endpoint;
    if (endpoint && std::find(applications.begin(), applications.end(), *endpoint) == applications.end())
      reader.report(
          place, "the pool \"" + name + "\" has no endpoint \"" + *endpoint + "\"" + did_you_mean(*endpoint, applications));
    if (!endpoint && applications.size() > 1)
      reader.report(place, "the pool \"" + name + "\" has " + std::to_string(applications.size()) +
                               " endpoints: say which one answers, {\"path\": …, \"endpoint\": …}");
  }
}

void check_pools(const Config& config, Reader& reader) {
  const pool::PoolOptions* in_thread = nullptr;
  for (const auto& [name, pool] : config.pools) {
    if (pool.endpoints.empty()) continue;
    if (pool.mode == pool::Mode::thread) {
      if (in_thread)
        reader.report(
            reader.place(section_of(name) + "/mode"),
            "the pool \"" + in_thread->name + "\" is in thread mode too, and the server's process has one interpreter");
      in_thread = &pool;
    }
    check_warmup(reader, name, pool);
    // Directories that the file gives were looked at when they were read; this is the default one.
    if (const auto given = section_of(name) + "/path";
        !reader.has(given) && !std::filesystem::is_directory(pool.path.front()))
      reader.report(reader.place(given), "the directory \"" + pool.path.front() +
                                             "\" does not exist: say where the pool \"" + name + "\" has its modules");
  }
}

// WSGI applications expect several threads, and mostly wait; functions are written for one at a time.
void choose_threads(Config& config, const Reader& reader) {
  constexpr unsigned kApplicationThreads = 4;
  for (auto& [name, pool] : config.pools) {
    const bool may_be_wsgi = std::any_of(pool.endpoints.begin(), pool.endpoints.end(), [](const auto& endpoint) {
      return endpoint.kind == "wsgi" || endpoint.kind == "application";
    });
    if (may_be_wsgi && !reader.has(section_of(name) + "/threads")) pool.threads = kApplicationThreads;
  }
}

void check_pin_token(const Config& config, Reader& reader) {
  if (!config.pin_token.empty()) return;
  const auto report = [&](const std::string& pointer) {
    reader.report(reader.place(pointer), "\"token\" needs a \"pin_token_file\" at the top of the file");
  };
  if (config.pin == PinPolicy::token) report("/pin");
  for (const auto& route : config.routes)
    if (route.pin == PinPolicy::token) report(route.place.pointer + "/pin");
}

}  // namespace

Result<void> check_admin(const AdminConfig& admin) {
  if (!admin.listen || is_local(*admin.listen) || !admin.token.empty()) return {};
  return Error("other machines reach \"" + admin.listen->text +
               "\": that needs a \"token_file\", or an address of this machine only (127.0.0.1, [::1], unix:PATH)");
}

Result<void> check_addresses(const std::vector<net::ListenOptions>& listeners, const AdminConfig& admin) {
  if (admin.listen)
    for (const auto& listener : listeners)
      if (is_same_address(listener, *admin.listen))
        return Error("\"" + admin.listen->text +
                     "\" is also a listener of the server: the admin side needs an address of its own");
  return {};
}

void check(Config& config, Reader& reader, const std::vector<std::string>& native_endpoints) {
  // A token file that could not be read has been reported; its token is not missed a second time.
  if (!reader.has("/admin/token_file"))
    if (const auto checked = check_admin(config.admin); !checked)
      reader.report(reader.place("/admin/listen"), checked.error().message);
  if (const auto checked = check_addresses(config.listen, config.admin); !checked)
    reader.report(reader.place("/admin/listen"), checked.error().message);
  name_routes(config, reader);
  name_experiments(config, reader);
  check_conflicts(config, reader);
  collect_endpoints(config, reader, native_endpoints);
  check_pools(config, reader);
  choose_threads(config, reader);
  if (!reader.has("/pin_token_file")) check_pin_token(config, reader);
}

}  // namespace tandem::config
