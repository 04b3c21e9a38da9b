// Route patterns and matching. Input: lines, the last one a request path, the others patterns of one table.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "http/target.hpp"
#include "routing/pattern.hpp"
#include "routing/route_table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  routing::RouteTable table;
  std::size_t added = 0;
  for (auto end = text.find('\n'); end != std::string_view::npos && added < 64; end = text.find('\n')) {
    auto pattern = routing::parse_pattern(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!pattern) {
      if (pattern.error().message.empty()) std::abort();
      continue;
    }
    if (pattern->segments.empty()) std::abort();
    routing::Route route;
    route.name = pattern->text;
    route.methods = {"GET", "HEAD"};
    route.pattern = std::move(*pattern);
    const bool is_same_twice = !table.routes().empty() && table.routes().back()->pattern.shape() == route.pattern.shape();
    const auto result = table.add(std::move(route));
    if (is_same_twice && result) std::abort();
    added += result.ok();
  }
  // As the connection hands it over: only targets that passed the parser reach a route table.
  const auto target = http::parse_target(text, false, false);
  if (!target) return 0;
  http::Request request;
  request.method_text = "GET";
  request.path = target->path;
  const auto match = table.match(request);
  if (!match.route) return 0;
  for (const auto& param : request.path_params) {
    std::string copy(param.name);  // touches every byte under AddressSanitizer
    copy += param.value;
    if (copy.size() != param.name.size() + param.value.size()) std::abort();
  }
  return 0;
}
