#include <algorithm>
#include <fstream>

#include "base/ascii.hpp"
#include "config/listen.hpp"
#include "config/parse.hpp"

namespace tandem::config {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

std::optional<net::ListenOptions> listen_of(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  auto listen = parse_listen(*text);
  if (listen) return std::move(*listen);
  value.report(listen.error().message);
  return std::nullopt;
}

// An address, or an object with one.
std::optional<net::ListenOptions> parse_listener(const Value& value) {
  if (!value.is_object()) {
    if (value.is_string()) return listen_of(value);
    value.report_expected("an address such as \"0.0.0.0:8080\" or an object with \"address\"");
    return std::nullopt;
  }
  Object object(value, "listener");
  std::optional<net::ListenOptions> listen;
  const auto address = object.find("address");
  if (address) listen = listen_of(*address);
  if (const auto tls = object.find("tls"))
    tls->report("TLS is not built yet: put a proxy that ends it in front, and leave \"tls\" out");
  if (object.close() && !address) object.report("a listener needs an \"address\"");
  return listen;
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::vector<net::ListenOptions> parse_listeners(Object& top) {
  std::vector<net::ListenOptions> listeners;
  const auto listen = top.find("listen");
  if (!listen) return {parse_listen("0.0.0.0:8080").value()};
  if (!listen->json().is_array()) {
    if (auto only = parse_listener(*listen)) listeners.push_back(std::move(*only));
    return listeners;
  }
  if (listen->json().empty()) listen->report("expected one address or more");
  for (const auto& element : listen->elements()) {
    auto listener = parse_listener(element);
    if (!listener) continue;
    for (const auto& earlier : listeners)
      if (is_same_address(earlier, *listener)) element.report("\"" + listener->text + "\" is listed twice");
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

std::string parse_token_file(Object& object, std::string_view key, const Files& files) {
  const auto value = object.find(key);
  if (!value) return {};
  const auto path = value->text();
  if (!path) return {};
  constexpr std::size_t kMaxBytes = 4096;
  std::string token(kMaxBytes + 1, '\0');
  std::ifstream file(files.absolute(*path), std::ios::binary);
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad() || token.size() > kMaxBytes) {
    value->report("the file \"" + *path + "\" can't be read as a token" + files.elsewhere(*path));
    return {};
  }
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  // It is compared with what a client sends in a header field.
  const bool is_visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (!token.empty() && is_visible) return token;
  value->report(token.empty() ? "the file \"" + *path + "\" is empty"
                              : "the file \"" + *path + "\" must hold one line of visible ASCII characters without spaces");
  return {};
}

AdminConfig parse_admin(Object& top, const Files& files) {
  AdminConfig admin;
  const auto value = top.find("admin");
  if (value && value->is_null()) return admin;  // no admin side
  admin.listen = parse_listen("127.0.0.1:9090").value();
  auto section = top.section("admin", "admin");
  if (const auto listen = section.find("listen"))
    if (auto parsed = listen_of(*listen)) admin.listen = std::move(*parsed);
  if (const auto hosts = section.find("hosts"))
    for (const auto& host : hosts->elements())
      if (auto name = host.text()) {
        if (!is_host_name(*name)) host.report("\"" + *name + "\" is no host name");
        admin.hosts.push_back(std::move(*name));
      }
  admin.token = parse_token_file(section, "token_file", files);
  admin.read_token = parse_token_file(section, "read_token_file", files);
  section.close();
  return admin;
}

std::optional<std::uint64_t> parse_body_bytes(const Value& value) {
  if (value.is_null()) return UINT64_MAX;
  return value.size(0, 1024 * kGiB);
}

net::Limits parse_limits(Object section) {
  net::Limits limits;
  section.size("header_bytes", limits.header_bytes, 256, 16 * kMiB);
  section.integer("header_count", limits.header_count, 1, 10'000);
  limits.uri_bytes = std::min(limits.uri_bytes, limits.header_bytes);
  if (const auto uri = section.find("uri_bytes"))
    if (const auto bytes = uri->size(16, kMiB)) {
      limits.uri_bytes = *bytes;
      if (*bytes > limits.header_bytes) uri->report("uri_bytes is part of header_bytes and can't be larger than it");
    }
  if (const auto body = section.find("body_bytes")) limits.body_bytes = parse_body_bytes(*body).value_or(limits.body_bytes);
  section.integer("connections", limits.connections, 1, 1'000'000);
  section.duration("header_timeout", limits.header_timeout, 1ms, 24h);
  section.duration("body_timeout", limits.body_timeout, 1ms, 24h);
  section.duration("idle_timeout", limits.idle_timeout, 1ms, 24h);
  section.duration("write_timeout", limits.write_timeout, 1ms, 24h);
  section.duration("drain_timeout", limits.drain_timeout, 0ms, 24h);
  section.close();
  return limits;
}

net::WebSocketOptions parse_websocket(Object section) {
  net::WebSocketOptions websocket;
  section.size("max_message", websocket.max_message, 1, kGiB);
  section.duration("ping_interval", websocket.ping_interval, 0ms, 24h);
  section.duration("ping_timeout", websocket.ping_timeout, 1ms, 24h);
  section.boolean("compression", websocket.compression);
  section.close();
  return websocket;
}

LogConfig parse_log(Object section, const Files& files) {
  LogConfig log;
  section.choice<std::string>("level", log.level,
                              {{"trace", "trace"},
                               {"debug", "debug"},
                               {"info", "info"},
                               {"warn", "warn"},
                               {"error", "error"},
                               {"critical", "critical"},
                               {"off", "off"}});
  section.choice<std::string>("format", log.format, {{"text", "text"}, {"json", "json"}});
  section.boolean("access", log.access);
  if (const auto file = section.find("file"); file && !file->is_null())
    if (const auto path = file->text()) {
      log.file = files.absolute(*path).string();
      if (path->empty() || !std::filesystem::is_directory(std::filesystem::path(log.file).parent_path()))
        file->report("the directory of \"" + *path + "\" does not exist" + files.elsewhere(*path));
    }
  section.close();
  return log;
}

void parse_auto(Object& object, std::string_view key, unsigned& target, unsigned automatic) {
  target = automatic;
  const auto value = object.find(key);
  if (!value) return;
  if (value->is_string())
    if (const auto text = value->text(); !text || *text == "auto") return;
  if (const auto number = value->integer(1, 1024, "\"auto\" or a whole number")) target = static_cast<unsigned>(*number);
}

Config parse_config(const Value& document, const Surroundings& surroundings) {
  Config config;
  Object top(document, "top");
  top.find("$schema");  // for editors
  config.listen = parse_listeners(top);
  parse_auto(top, "threads", config.threads, surroundings.cpus);
  config.admin = parse_admin(top, surroundings.files);
  config.net.limits = parse_limits(top.section("limits", "limits"));
  auto http = top.section("http", "http");
  http.boolean("strict", config.net.strict);
  http.close();
  config.net.websocket = parse_websocket(top.section("websocket", "websocket"));
  config.log = parse_log(top.section("log", "log"), surroundings.files);
  config.pin_token = parse_token_file(top, "pin_token_file", surroundings.files);
  std::optional<PinPolicy> pin;
  parse_pin(top, pin);
  config.pin = pin.value_or(config.pin);
  top.boolean("server_timing", config.server_timing);
  top.boolean("debug", config.debug);
  top.text("state_dir", config.state_dir);
  config.state_dir = surroundings.files.absolute(config.state_dir).string();
  if (const auto proxies = top.find("trusted_proxies"))
    for (const auto& proxy : proxies->elements())
      if (auto network = proxy.text()) {
        if (const auto checked = check_network(*network); !checked) proxy.report(checked.error().message);
        config.trusted_proxies.push_back(std::move(*network));
      }

  config.pools.emplace("python", parse_pool(top.section("python", "pool"), "python", surroundings));
  if (const auto pools = top.find("pools"))
    for (const auto& [name, section] : pools->members()) {
      if (name == "python")
        section.report("the pool \"python\" has its own section at the top of the file: /python");
      else if (!is_host_name(name) || name.size() > 64)
        section.report("the name of a pool is made of letters, digits, \".\", \"-\" and \"_\"");
      config.pools.emplace(name, parse_pool(Object(section, "pool"), name, surroundings));
    }
  for (auto& [name, pool] : config.pools) {
    pool.debug = config.debug;
    pool.drain_timeout = config.net.limits.drain_timeout;
  }
  config.routes = parse_routes(top);
  top.close();
  return config;
}

}  // namespace tandem::config
