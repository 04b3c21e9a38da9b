#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "handlers/arguments.hpp"
#include "http/target.hpp"
#include "service/handler.hpp"
#include "service/sleep.hpp"

namespace tandem::handlers {
namespace {

constexpr std::uint64_t kMaxEvents = 10'000;
constexpr std::uint64_t kMaxInterval = 60'000;

// Server-sent events (WHATWG HTML, "Server-sent events"): ticks from 1 to `count`, `interval` apart.
class Ticks final : public http::ResponseStream {
 public:
  Ticks(service::Call& call, std::uint64_t count, Milliseconds interval) : call_(call), count_(count), interval_(interval) {}

  Task<Result<std::string_view>> read() override {
    if (number_ == count_) co_return std::string_view{};
    if (number_ > 0) {
      service::sleep_for pause(call_, interval_);
      co_await pause;
      if (call_.cancelled) co_return Error("client.gone", "the client closed the connection");
    }
    ++number_;
    nlohmann::ordered_json data;
    data["n"] = number_;
    data["of"] = count_;
    event_ = "event: tick\nid: " + std::to_string(number_) + "\ndata: " + data.dump() + "\n\n";
    co_return std::string_view(event_);
  }

 private:
  service::Call& call_;
  const std::uint64_t count_;
  const Milliseconds interval_;
  std::uint64_t number_ = 0;
  std::string event_;
};

}  // namespace

Task<http::Response> events(http::Request& request, service::Call& call) {
  const auto count = parse_whole(request.path_param("n"), 0, kMaxEvents);
  if (!count) co_return not_whole("n", 0, kMaxEvents);
  const auto interval = parse_whole(http::find_query(request.query, "interval").value_or("100"), 0, kMaxInterval);
  if (!interval) co_return not_whole("interval", 0, kMaxInterval);
  http::Response response(200, "text/event-stream", std::make_unique<Ticks>(call, *count, Milliseconds(*interval)));
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Accel-Buffering", "no");
  co_return response;
}

}  // namespace tandem::handlers
