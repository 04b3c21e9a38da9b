// In the place of what web/make.sh makes, in a build without npm.
#include "admin/no_dashboard.hpp"

namespace tandem::admin {

std::span<const DashboardFile> dashboard_files() { return no_dashboard(); }

}  // namespace tandem::admin
