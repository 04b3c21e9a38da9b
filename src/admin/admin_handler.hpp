// The root handler of the admin side's own listener: health, metrics, the JSON API and the dashboard, from a ServerView.
// What takes its time is waited for; other requests go on meanwhile. Thread: the admin thread.
#pragma once

#include <span>
#include <utility>

#include "admin/access_rules.hpp"
#include "admin/dashboard.hpp"
#include "admin/event_feed.hpp"
#include "admin/server_view.hpp"
#include "service/handler.hpp"

namespace tandem::admin {

class AdminHandler final : public service::Handler {
 public:
  // `files` outlive it.
  AdminHandler(AdminOptions options, ServerView server, std::span<const DashboardFile> files = dashboard_files())
      : rules_(std::move(options)), server_(std::move(server)), files_(files), feed_(server_) {}

  service::Outcome handle(http::Request& request, service::Call& call) const override;

  // Other names and tokens, from the next request on.
  void set_options(AdminOptions options) { rules_ = AccessRules(std::move(options)); }

 private:
  service::Outcome answer(const http::Request& request, service::Call& call) const;

  AccessRules rules_;
  const ServerView server_;
  const std::span<const DashboardFile> files_;
  mutable EventFeed feed_;
};

}  // namespace tandem::admin
