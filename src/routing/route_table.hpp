// The routes of one configuration: immutable once built, matched without allocation for paths that hold no '%'.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "routing/pattern.hpp"
#include "service/handler.hpp"

namespace tandem::routing {

struct Route {
  std::string name;
  Pattern pattern;
  std::vector<std::string> methods;  // upper-case tokens, HEAD already added where GET stands; empty: any method
  const service::Handler* handler = nullptr;
  std::uint64_t body_bytes = 1024 * 1024;
  bool is_mount = false;  // an application under a prefix: "/shop/*" takes "/shop" as well

  bool allows(std::string_view method) const;
};

struct Match {
  const Route* route = nullptr;  // nullptr: no route for that method
  std::string allow;             // methods of the routes on that path when the method is not among them; empty: unknown path
  bool options = false;          // OPTIONS on a path whose routes don't list it: answer 204 with `allow`
};

class RouteTable {
 public:
  // Errors name both routes that can't be told apart.
  Result<void> add(Route route);

  // Finds the most specific route of that path and method: literal beats `{name}` beats the rest, segment by segment, with
  // backtracking. Sets request.path_params (and request.decoded).
  Match match(http::Request& request) const;

  // In the order they were added.
  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

  // Is there a route that lists this method by name?
  bool lists_method(std::string_view method) const;

 private:
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> param;
    std::vector<const Route*> here;    // routes that end at this segment
    std::vector<const Route*> rest;    // routes that take whatever follows
    std::vector<const Route*> mounts;  // those of them that take nothing, too
  };
  struct Search;

  bool search(const Node& node, Search& search, std::size_t depth) const;
  bool accept(const std::vector<const Route*>& candidates, Search& search) const;

  std::vector<std::unique_ptr<Route>> routes_;
  Node root_;
};

}  // namespace tandem::routing
