// What the commands that speak to a running server's admin side have in common. The token, if one is needed, is
// TANDEM_ADMIN_TOKEN.
#pragma once

#include <string>
#include <string_view>

#include "admin/admin_client.hpp"
#include "base/result.hpp"

namespace tandem::app {

admin::AdminClientOptions client_options(const std::string& url);

// Says it on standard error; the exit code.
int complain(const std::string& message);

// To standard output, or to that file; the exit code.
int deliver(const std::string& text, const std::string& file);

void print_document(const std::string& document);

// Prints what a page says: as it is, or as a table.
int show(const admin::AdminClientOptions& options, const std::string& path, bool json,
         Result<std::string> (*format)(std::string_view));

}  // namespace tandem::app
