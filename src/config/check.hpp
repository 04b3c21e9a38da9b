// Rules that join sections of the config file: routes against each other, routes and pools, tokens and who may need them.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace tandem::config {

// Reports to `reader`, and completes what only the whole tells: the names of unnamed routes and each pool's endpoints.
// Parts that could not be read are left out. `native_endpoints` empty: any name will do.
void check(Config& config, Reader& reader, const std::vector<std::string>& native_endpoints);

// The admin side must not be open to other machines without a token.
Result<void> check_admin(const AdminConfig& admin);

// No listener may have the admin side's address.
Result<void> check_addresses(const std::vector<net::ListenOptions>& listeners, const AdminConfig& admin);

}  // namespace tandem::config
