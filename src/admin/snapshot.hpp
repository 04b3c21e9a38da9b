// The server's state as the JSON documents of the admin API. Field names: docs/admin.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/recent_arms.hpp"
#include "admin/server_view.hpp"
#include "http/response.hpp"

namespace tandem::admin {

std::string_view format_readiness(Readiness readiness);

std::string status_json(const ServerView& server);
// The same, and what each arm did recently: null before the second look.
std::string live_status_json(const ServerView& server, const StatusView& status, const RecentArms& arms);
std::string routes_json(const ServerView& server);
std::string workers_json(const ServerView& server);

// Which workers a client wants to see; nothing: all.
struct WorkerFilter {
  std::optional<std::string> pool;
  std::optional<std::string> pid;  // decimal
};

std::string stacks_json(const std::vector<StacksView>& pools, const WorkerFilter& filter);
// The same for people: each worker's text under its name.
std::string stacks_text(const std::vector<StacksView>& pools, const WorkerFilter& filter);
std::string requests_json(const std::vector<RequestsView>& pools, const WorkerFilter& filter);

// 200, or the problem that kept the old generation: 422, 409 for what needs a restart, 503 while the server stops.
http::Response reload_response(const ReloadReport& report);

}  // namespace tandem::admin
