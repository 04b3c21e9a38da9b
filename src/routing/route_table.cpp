#include "routing/route_table.hpp"

#include <algorithm>

#include "http/target.hpp"

namespace tandem::routing {

bool Route::allows(std::string_view method) const {
  return methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end();
}

// State of one match: the path's decoded segments and what has been tried.
struct RouteTable::Search {
  http::Request& request;
  const std::vector<std::string_view>& segments;
  std::vector<const Route*> refused;  // right path, wrong method
  const Route* found = nullptr;
};

namespace {

// Decodes into request.decoded, whose memory was reserved for all of it so that earlier views stay valid.
std::string_view decode(http::Request& request, std::string_view text) {
  if (text.find('%') == std::string_view::npos) return text;
  const auto decoded = http::percent_decode(text);
  if (!decoded) return text;
  const auto start = request.decoded.size();
  request.decoded.append(*decoded);
  return std::string_view(request.decoded).substr(start);
}

// The percent-encoded path from segment `index` on, without the slash before it.
std::string_view rest_of(std::string_view path, std::size_t index) {
  for (; index > 0; --index) path.remove_prefix(path.find('/', 1));
  return path.substr(1);
}

bool overlap(const Route& a, const Route& b) {
  if (a.methods.empty() || b.methods.empty()) return true;
  return std::any_of(a.methods.begin(), a.methods.end(), [&](const std::string& method) { return b.allows(method); });
}

}  // namespace

Result<void> RouteTable::add(Route added) {
  for (const auto& route : routes_)
    if (route->pattern.shape() == added.pattern.shape() && overlap(*route, added))
      return Error("route.conflict",
                   "\"" + added.pattern.text + "\" can't be told apart from \"" + route->pattern.text + "\"");
  routes_.push_back(std::make_unique<Route>(std::move(added)));
  const Route& route = *routes_.back();
  Node* node = &root_;
  for (const auto& segment : route.pattern.segments) {
    if (segment.kind == Segment::Kind::rest) {
      node->rest.push_back(&route);
      if (route.is_mount) node->mounts.push_back(&route);
      return {};
    }
    auto& next = segment.kind == Segment::Kind::param ? node->param : node->literals[segment.text];
    if (!next) next = std::make_unique<Node>();
    node = next.get();
  }
  node->here.push_back(&route);
  return {};
}

bool RouteTable::lists_method(std::string_view method) const {
  return std::any_of(routes_.begin(), routes_.end(),
                     [&](const auto& route) { return !route->methods.empty() && route->allows(method); });
}

bool RouteTable::accept(const std::vector<const Route*>& candidates, Search& search) const {
  for (const Route* route : candidates) {
    if (!route->allows(search.request.method_text)) {
      search.refused.push_back(route);
      continue;
    }
    search.found = route;
    const auto& pattern = route->pattern.segments;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i].kind == Segment::Kind::param)
        search.request.path_params.push_back({pattern[i].text, search.segments[i]});
      else if (pattern[i].kind == Segment::Kind::rest)
        search.request.path_params.push_back(
            {pattern[i].text.empty() ? std::string_view("*") : pattern[i].text,
             i < search.segments.size() ? decode(search.request, rest_of(search.request.path, i)) : std::string_view{}});
    }
    return true;
  }
  return false;
}

bool RouteTable::search(const Node& node, Search& search, std::size_t depth) const {
  if (depth == search.segments.size()) return accept(node.here, search) || accept(node.mounts, search);
  const auto segment = search.segments[depth];
  if (const auto literal = node.literals.find(segment); literal != node.literals.end())
    if (this->search(*literal->second, search, depth + 1)) return true;
  if (node.param && !segment.empty() && this->search(*node.param, search, depth + 1)) return true;
  return accept(node.rest, search);
}

Match RouteTable::match(http::Request& request) const {
  Match match;
  if (request.path.empty() || request.path.front() != '/') return match;
  // Segments, the rest and the prefix of a mount are decoded at most once each.
  if (request.path.find('%') != std::string_view::npos) request.decoded.reserve(3 * request.path.size());
  static thread_local std::vector<std::string_view> segments;  // keeps its memory from match to match
  segments.clear();
  for (auto rest = request.path.substr(1);;) {
    const auto slash = rest.find('/');
    segments.push_back(decode(request, rest.substr(0, slash)));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  Search search{request, segments, {}, nullptr};
  this->search(root_, search, 0);
  match.route = search.found;
  if (search.found || search.refused.empty()) return match;
  std::vector<std::string> methods;
  for (const Route* route : search.refused)
    for (const auto& method : route->methods)
      if (std::find(methods.begin(), methods.end(), method) == methods.end()) methods.push_back(method);
  if (std::find(methods.begin(), methods.end(), "OPTIONS") == methods.end()) methods.push_back("OPTIONS");
  for (const auto& method : methods) match.allow += (match.allow.empty() ? "" : ", ") + method;
  match.options = request.method == http::Method::options;
  return match;
}

}  // namespace tandem::routing
