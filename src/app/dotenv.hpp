// Files of environment variables as python-dotenv, Docker and the shell share them: NAME=value, "export", quotes, comments.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "config/environment.hpp"

namespace tandem::app {

// In the order of the text; a name given twice stands twice. Values may span lines inside quotes. "${NAME}" and
// "${NAME:-default}" are replaced outside single quotes: by an earlier value of the text, else by `environment`, else by
// nothing. An error says in which line.
Result<std::vector<std::pair<std::string, std::string>>> parse_dotenv(std::string_view text,
                                                                      const config::Environment& environment);

}  // namespace tandem::app
