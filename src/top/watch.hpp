// "tandem top": what a running server tells, on this terminal, until the user leaves.
#pragma once

#include <string>

#include "admin/admin_client.hpp"
#include "base/result.hpp"

namespace tandem::top {

// Errors: nobody answers at first, or the terminal is unknown. A server that goes away later is waited for.
Result<void> watch(const admin::AdminClientOptions& options, bool with_colors);

// What there is now, as text; takes about two seconds, for the rates.
Result<std::string> look(const admin::AdminClientOptions& options);

}  // namespace tandem::top
