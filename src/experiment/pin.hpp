// Who may choose an arm of a twin route, and which one he chose.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/request.hpp"
#include "service/call.hpp"

namespace tandem::experiment {

// Who may choose an arm with the request field Tandem-Arm.
enum class PinPolicy : std::uint8_t {
  loopback,  // clients on this machine whose request came through no proxy, or who show the token
  token,     // who shows the token
  open,      // anybody
  off,       // nobody
};

class PinRule {
 public:
  // `token` is sent by clients as Tandem-Override; empty: no token is right.
  PinRule(PinPolicy policy, std::string token) : policy_(policy), token_(std::move(token)) {}

  // With the token that the request shows, if it shows one.
  bool allows(const http::Request& request, const service::Call& call) const;
  bool allows(const http::Request& request, const service::Call& call, std::string_view shown_token) const;

  // "NAME.EXPIRY.SIGNATURE": the name of an arm, seconds since 1970, and HMAC-SHA256 of "EXPERIMENT/NAME.EXPIRY" with the
  // token as key, in hexadecimal digits. The name, a view into `text`; empty when the signature is wrong or was good until
  // now.
  std::string_view read_signed(std::string_view text, std::string_view experiment,
                               std::chrono::system_clock::time_point now) const;

 private:
  PinPolicy policy_;
  std::string token_;
};

}  // namespace tandem::experiment
