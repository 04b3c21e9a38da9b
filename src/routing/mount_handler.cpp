#include "routing/mount_handler.hpp"

#include <algorithm>

#include "http/target.hpp"

namespace tandem::routing {

MountHandler::MountHandler(const service::Handler& application, const Pattern& pattern)
    : application_(application), prefix_segments_(pattern.ends_in_rest() ? pattern.segments.size() - 1 : 0) {}

service::Outcome MountHandler::handle(http::Request& request, service::Call& call) const {
  std::size_t end = 0;
  for (std::size_t i = 0; i < prefix_segments_; ++i) end = std::min(request.path.find('/', end + 1), request.path.size());
  const auto prefix = request.path.substr(0, end);
  call.root_path = prefix;
  if (prefix.find('%') != std::string_view::npos)
    if (const auto decoded = http::percent_decode(prefix)) {
      const auto start = request.decoded.size();
      request.decoded.append(*decoded);
      call.root_path = std::string_view(request.decoded).substr(start);
    }
  return application_.handle(request, call);
}

}  // namespace tandem::routing
