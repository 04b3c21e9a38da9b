// Finding a route among 100: a literal path, one with a parameter, a rest, an escaped segment, and a path that is not there.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "routing/route_table.hpp"

namespace tandem::routing {
namespace {

void add(RouteTable& table, const std::string& path) {
  Route route;
  route.name = path;
  route.pattern = *parse_pattern(path);
  route.methods = {"GET", "HEAD"};
  if (!table.add(std::move(route))) std::abort();
}

RouteTable make_table() {
  RouteTable table;
  for (const char* path : {"/plaintext", "/hello/{name}", "/users/{id}/orders/{order}", "/static/*"}) add(table, path);
  for (auto i = table.routes().size(); i < 100; ++i) add(table, "/api/v1/resource" + std::to_string(i));
  return table;
}

void match(benchmark::State& state, std::string_view path) {
  const RouteTable table = make_table();
  http::Request request;
  for (auto _ : state) {
    request.clear();
    request.method_text = "GET";
    request.path = path;
    benchmark::DoNotOptimize(table.match(request).route);
  }
}
BENCHMARK_CAPTURE(match, literal, "/plaintext");
BENCHMARK_CAPTURE(match, literal_of_many, "/api/v1/resource77");
BENCHMARK_CAPTURE(match, param, "/hello/Ada");
BENCHMARK_CAPTURE(match, two_params, "/users/4711/orders/12");
BENCHMARK_CAPTURE(match, escaped, "/hello/Ada%20Lovelace");
BENCHMARK_CAPTURE(match, rest, "/static/css/site.css");
BENCHMARK_CAPTURE(match, missing, "/nowhere");

}  // namespace
}  // namespace tandem::routing
