// The server's state as the JSON documents of the admin API. Field names: docs/admin.md.
#pragma once

#include <string>

#include "admin/server_view.hpp"

namespace tandem::admin {

std::string_view format_readiness(Readiness readiness);

std::string status_json(const ServerView& server);
std::string routes_json(const ServerView& server);
std::string workers_json(const ServerView& server);

}  // namespace tandem::admin
