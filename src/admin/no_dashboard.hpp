// What stands at "/" in a build without npm: a page that says so, and what else there is.
#pragma once

#include <span>

#include "admin/dashboard.hpp"

namespace tandem::admin {

// Static storage.
std::span<const DashboardFile> no_dashboard();

}  // namespace tandem::admin
