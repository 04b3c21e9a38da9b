// Tells an application where it is mounted: the part of the path before the rest that its route's pattern takes becomes
// Call::root_path (ASGI's root_path, WSGI's SCRIPT_NAME), percent-decoded.
#pragma once

#include <cstddef>

#include "routing/pattern.hpp"
#include "service/handler.hpp"

namespace tandem::routing {

class MountHandler final : public service::Handler {
 public:
  // `application` outlives this. A pattern without a rest mounts nothing: its root path is empty.
  MountHandler(const service::Handler& application, const Pattern& pattern);

  // The root path is a view of the request's path or of its decoded memory.
  service::Outcome handle(http::Request& request, service::Call& call) const override;
  bool is_backed_up() const override { return application_.is_backed_up(); }

 private:
  const service::Handler& application_;
  std::size_t prefix_segments_;  // of the path, before the rest
};

}  // namespace tandem::routing
