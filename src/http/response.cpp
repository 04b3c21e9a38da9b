#include "http/response.hpp"

#include <boost/beast/http/status.hpp>

namespace tandem::http {

std::string_view reason_phrase(int status) {
  if (status == 103) return "Early Hints";  // RFC 8297, not in Beast's list
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  if (known == boost::beast::http::status::unknown) return {};
  const auto phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

}  // namespace tandem::http
