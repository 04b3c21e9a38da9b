// Which route answers a request, of a table that serves nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "routing/route_table.hpp"

namespace tandem::app {

// Marks an endpoint's place in a table that is only looked at.
const service::Handler& signpost();

class RouteLookup {
 public:
  struct Entry {
    std::string name;
    std::string path;
    std::vector<std::string> methods;  // {"*"}: any
  };
  // Errors: a path that is no pattern, two that can't be told apart.
  static Result<RouteLookup> make(const std::vector<Entry>& entries);

  // The entry's index; `target` is a path with its query.
  std::optional<std::size_t> find(const std::string& method, const std::string& target) const;

 private:
  routing::RouteTable table_;
};

}  // namespace tandem::app
