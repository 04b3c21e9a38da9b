// Who the client is behind proxies: believes X-Forwarded-For, -Proto and -Host (the proxies' custom) or else Forwarded
// (RFC 7239) of those proxies that are trusted, and of nobody else. Rules and reasons: docs/deploy.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/network.hpp"
#include "service/handler.hpp"

namespace tandem::pipeline {

class TrustedProxies {
 public:
  // Networks, addresses, and "unix" for whoever comes through a Unix socket; checked by the config.
  explicit TrustedProxies(const std::vector<std::string>& texts);

  // `address` as in service::Peer.
  bool contains(std::string_view address) const;

 private:
  std::vector<Network> networks_;
  bool unix_ = false;
};

// Sets Call::client and the request's scheme and authority for everything behind it.
class Forwarded final : public service::Handler {
 public:
  Forwarded(const service::Handler& next, TrustedProxies trusted) : next_(next), trusted_(std::move(trusted)) {}
  service::Outcome handle(http::Request& request, service::Call& call) const override;

 private:
  const service::Handler& next_;
  const TrustedProxies trusted_;
};

}  // namespace tandem::pipeline
