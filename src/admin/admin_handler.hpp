// The root handler of the admin side's own listener: health, metrics and the JSON API. It answers at once, from a
// ServerView. Thread: the admin thread.
#pragma once

#include <utility>

#include "admin/access_rules.hpp"
#include "admin/server_view.hpp"
#include "service/handler.hpp"

namespace tandem::admin {

class AdminHandler final : public service::Handler {
 public:
  AdminHandler(AdminOptions options, ServerView server) : rules_(std::move(options)), server_(std::move(server)) {}

  service::Outcome handle(http::Request& request, service::Call& call) const override;

 private:
  http::Response answer(const http::Request& request, const service::Call& call) const;

  const AccessRules rules_;
  const ServerView server_;
};

}  // namespace tandem::admin
