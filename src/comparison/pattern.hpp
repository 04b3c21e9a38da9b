// Regular expressions of the config, applied to what clients and endpoints send: a match that takes too long is none,
// instead of taking the server's time.
#pragma once

#include <boost/regex.hpp>
#include <string>

#include "base/result.hpp"

namespace tandem::comparison {

class Pattern {
 public:
  // Perl's syntax, as in ECMAScript for all that is usual.
  static Result<Pattern> make(const std::string& text);

  // Does it match all of the text?
  bool matches(const std::string& text) const;
  // The text with every match replaced; as it is when that takes too long.
  std::string replaced(const std::string& text, const std::string& with) const;

 private:
  explicit Pattern(const boost::regex& regex) : regex_(regex) {}
  boost::regex regex_;
};

}  // namespace tandem::comparison
