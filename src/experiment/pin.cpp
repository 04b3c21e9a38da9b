#include "experiment/pin.hpp"

#include <charconv>

#include "base/constant_time.hpp"
#include "base/hmac.hpp"

namespace tandem::experiment {

bool PinRule::allows(const http::Request& request, const service::Call& call) const {
  return allows(request, call, request.headers.find("tandem-override"));
}

bool PinRule::allows(const http::Request& request, const service::Call& call, std::string_view shown_token) const {
  if (policy_ == PinPolicy::open) return true;
  if (policy_ == PinPolicy::off) return false;
  if (!token_.empty() && equal_in_constant_time(shown_token, token_)) return true;
  return policy_ == PinPolicy::loopback && call.peer.is_loopback &&
         request.headers.find(http::Field::forwarded).data() == nullptr &&
         request.headers.find(http::Field::x_forwarded_for).data() == nullptr;
}

std::string_view PinRule::read_signed(std::string_view text, std::string_view experiment,
                                      std::chrono::system_clock::time_point now) const {
  if (token_.empty() || policy_ == PinPolicy::off) return {};
  const auto before_signature = text.rfind('.');
  if (before_signature == std::string_view::npos) return {};
  const auto message = text.substr(0, before_signature);
  const auto before_expiry = message.rfind('.');
  if (before_expiry == std::string_view::npos) return {};
  const auto digits = message.substr(before_expiry + 1);
  std::int64_t expiry = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), expiry);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  const auto expected = format_digest(hmac_sha256(token_, std::string(experiment) + "/" + std::string(message)));
  if (!equal_in_constant_time(text.substr(before_signature + 1), expected)) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return seconds < expiry ? message.substr(0, before_expiry) : std::string_view();
}

}  // namespace tandem::experiment
