#include "pool/handshake.hpp"

#include <nlohmann/json.hpp>

#include "frames/frame.hpp"

namespace tandem::pool {
namespace {

using nlohmann::json;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string format_hello(const PoolOptions& options, std::string_view worker_name, std::size_t io_threads) {
  json hello{{"protocol", frames::kProtocolVersion},
             {"pool", options.name},
             {"name", worker_name},
             {"io_threads", io_threads},
             {"threads", options.threads},
             {"async_capacity", options.async_capacity},
             {"path", options.path},
             {"home", nullptr},
             {"mode", options.mode == Mode::process ? "process" : "thread"},
             {"debug", options.debug},
             {"lifespan", options.lifespan},
             {"warmup", json::array()},
             {"endpoints", json::array()}};
  if (options.home) hello["home"] = *options.home;
  for (const auto& endpoint : options.endpoints)
    hello["endpoints"].push_back({{"target", endpoint.target},
                                  {"kind", endpoint.kind},
                                  {"stream", endpoint.stream},
                                  {"root_path", endpoint.root_path}});
  for (const auto& request : options.warmup) {
    json one{{"method", request.method}, {"path", request.path}};
    if (request.endpoint) one["endpoint"] = *request.endpoint;
    hello["warmup"].push_back(std::move(one));
  }
  return hello.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Ready> parse_ready(std::string_view text, std::size_t endpoints) {
  const Error malformed("python.start_failed", "the worker's ready message is malformed");
  const auto message = json::parse(text, nullptr, false);
  if (!message.is_object()) return malformed;
  const auto list = message.find("endpoints");
  if (list == message.end() || !list->is_array() || list->size() != endpoints) return malformed;
  Ready ready;
  if (const auto pid = message.find("pid"); pid != message.end() && pid->is_number_integer()) ready.pid = pid->get<int>();
  ready.runtime = text_at(message, "python");
  for (const auto& endpoint : *list) {
    const auto executor = endpoint.is_object() ? text_at(endpoint, "executor") : std::string();
    if (executor != "sync" && executor != "async") return malformed;
    ready.kinds.push_back(executor == "sync" ? Kind::sync : Kind::async);
    const auto interface = text_at(endpoint, "interface");
    ready.interfaces.push_back(interface.empty() ? "function" : interface);
  }
  return ready;
}

std::string format_failure(std::string_view failed_message) {
  const auto message = json::parse(failed_message, nullptr, false);
  if (!message.is_object()) return std::string(failed_message);
  auto text = text_at(message, "step");
  const auto what = text_at(message, "message");
  if (!text.empty() && !what.empty()) text += ": ";
  text += what;
  if (const auto traceback = text_at(message, "traceback"); !traceback.empty()) text += "\n" + traceback;
  return text;
}

}  // namespace tandem::pool
