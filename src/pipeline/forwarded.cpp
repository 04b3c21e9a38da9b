#include "pipeline/forwarded.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/ascii.hpp"
#include "http/target.hpp"

namespace tandem::pipeline {
namespace {

// One proxy's word: from whom it had the request. Views into the fields; empty: not said.
struct Hop {
  std::string_view node;
  std::string_view proto;
  std::string_view host;
};

struct Node {
  std::string_view address;
  std::uint16_t port = 0;
};

// "192.0.2.7", "192.0.2.7:4711", "[2001:db8::1]:4711", and bare IPv6 as X-Forwarded-For has it.
std::optional<Node> parse_node(std::string_view text) {
  Node node;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    node.address = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (node.address.find(':') == std::string_view::npos) return std::nullopt;
  } else {
    const auto colon = text.find(':');
    const bool is_v6 = colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos;
    node.address = is_v6 ? text : text.substr(0, colon);
    port = text.substr(node.address.size());
  }
  if (!port.empty()) {
    port.remove_prefix(port.front() == ':' ? 1 : 0);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), node.port);
    if (error != std::errc() || end != port.data() + port.size()) node.port = 0;  // RFC 7239 §6.3: it may be obfuscated
  }
  if (!Address::parse(node.address)) return std::nullopt;
  return node;
}

// The elements of all fields of that name, in order.
std::vector<std::string_view> elements_of(const http::Request& request, std::string_view name) {
  std::vector<std::string_view> elements;
  for (const auto& field : request.headers)
    if (ascii::equal_ignoring_case(field.name, name))
      ascii::for_each_element(field.value, [&](std::string_view element) { elements.push_back(element); });
  return elements;
}

// Lists of different lengths are lined up at their ends: each proxy appends, or says it once for all.
std::string_view lined_up(const std::vector<std::string_view>& values, std::size_t index, std::size_t count) {
  if (values.empty()) return {};
  const auto from_end = count - index;
  return values[values.size() - std::min(from_end, values.size())];
}

std::vector<Hop> x_forwarded(const http::Request& request) {
  const auto nodes = elements_of(request, "x-forwarded-for");
  const auto protos = elements_of(request, "x-forwarded-proto");
  const auto hosts = elements_of(request, "x-forwarded-host");
  const auto count = std::max({nodes.size(), protos.size(), hosts.size()});
  std::vector<Hop> hops(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + nodes.size() >= count) hops[i].node = nodes[i + nodes.size() - count];
    hops[i].proto = lined_up(protos, i, count);
    hops[i].host = lined_up(hosts, i, count);
  }
  return hops;
}

// Takes a token or the inside of a quoted string off the front (RFC 9110 §5.6); nullopt when it is neither, or has escapes,
// which nothing here needs.
std::optional<std::string_view> take_value(std::string_view& text) {
  std::size_t size = 0;
  if (text.starts_with('"')) {
    size = text.find('"', 1);
    if (size == std::string_view::npos) return std::nullopt;
    const auto inside = text.substr(1, size - 1);
    text.remove_prefix(size + 1);
    if (inside.find('\\') != std::string_view::npos) return std::nullopt;
    return inside;
  }
  while (size < text.size() && ascii::is_token_char(text[size])) ++size;
  if (size == 0) return std::nullopt;
  const auto token = text.substr(0, size);
  text.remove_prefix(size);
  return token;
}

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

// Appends the hops of one Forwarded field; false when it is malformed.
bool take_hops(std::string_view text, std::vector<Hop>& hops) {
  hops.emplace_back();
  while (true) {
    skip_space(text);
    if (!text.empty() && text.front() != ',' && text.front() != ';') {
      const auto name = take_value(text);
      if (!name || !text.starts_with('=')) return false;
      text.remove_prefix(1);
      const auto value = take_value(text);
      if (!value) return false;
      if (ascii::equal_ignoring_case(*name, "for")) hops.back().node = *value;
      if (ascii::equal_ignoring_case(*name, "proto")) hops.back().proto = *value;
      if (ascii::equal_ignoring_case(*name, "host")) hops.back().host = *value;
      skip_space(text);
    }
    if (text.empty()) return true;
    if (text.front() == ',')
      hops.emplace_back();
    else if (text.front() != ';')
      return false;
    text.remove_prefix(1);
  }
}

std::vector<Hop> forwarded(const http::Request& request) {
  std::vector<Hop> hops;
  for (const auto& field : request.headers)
    if (field.id == http::Field::forwarded && !take_hops(field.value, hops)) return {};
  return hops;
}

// Static storage; empty for what is no scheme of ours.
std::string_view scheme_of(std::string_view proto) {
  if (ascii::equal_ignoring_case(proto, "https") || ascii::equal_ignoring_case(proto, "wss")) return "https";
  if (ascii::equal_ignoring_case(proto, "http") || ascii::equal_ignoring_case(proto, "ws")) return "http";
  return {};
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    if (text == "unix") {
      unix_ = true;
    } else if (auto network = Network::parse(text)) {
      networks_.push_back(*network);
    }
  }
}

bool TrustedProxies::contains(std::string_view address) const {
  if (address == "unix") return unix_;
  const auto parsed = Address::parse(address);
  return parsed && std::any_of(networks_.begin(), networks_.end(), [&](const auto& one) { return one.contains(*parsed); });
}

service::Outcome Forwarded::handle(http::Request& request, service::Call& call) const {
  if (trusted_.contains(call.peer.address)) {
    auto hops = x_forwarded(request);
    if (hops.empty()) hops = forwarded(request);
    // From the nearest proxy outwards: each word counts as long as a trusted one speaks it.
    Node client;
    for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
      if (const auto scheme = scheme_of(hop->proto); !scheme.empty()) request.scheme = scheme;
      if (http::is_authority(hop->host)) request.authority = hop->host;
      const auto node = parse_node(hop->node);
      if (!node) break;
      client = *node;
      if (!trusted_.contains(client.address)) break;
    }
    if (!client.address.empty()) {
      auto& peer = call.forwarded_client.emplace();
      peer.address = client.address;
      peer.port = client.port;
      peer.is_loopback = Address::parse(client.address)->is_loopback();
      call.client = &peer;
    }
  }
  return next_.handle(request, call);
}

}  // namespace tandem::pipeline
