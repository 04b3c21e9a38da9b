#include "comparison/pattern.hpp"

#include <stdexcept>
#include <utility>

namespace tandem::comparison {

Result<Pattern> Pattern::make(const std::string& text) {
  try {
    return Pattern(boost::regex(text));
  } catch (const boost::regex_error& error) {
    return Error("\"" + text + "\" is no regular expression: " + error.what());
  }
}

// Boost.Regex gives up with std::runtime_error when the number of states it has tried is out of proportion to the text.
bool Pattern::matches(const std::string& text) const {
  try {
    return boost::regex_match(text, regex_);
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::string Pattern::replaced(const std::string& text, const std::string& with) const {
  try {
    return boost::regex_replace(text, regex_, with);
  } catch (const std::runtime_error&) {
    return text;
  }
}

}  // namespace tandem::comparison
