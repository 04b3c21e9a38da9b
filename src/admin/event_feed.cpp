#include "admin/event_feed.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "admin/reply.hpp"
#include "admin/snapshot.hpp"
#include "http/problem.hpp"

namespace tandem::admin {

namespace {

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::string_view kReport = "report ";

// An event is lines: JSON keeps its meaning without the line ends and indentation between its tokens.
void append_in_one_line(std::string& out, std::string_view json) {
  while (!json.empty()) {
    const auto line = json.substr(0, json.find('\n'));
    out += line.substr(std::min(line.find_first_not_of(' '), line.size()));
    json.remove_prefix(std::min(json.size(), line.size() + 1));
  }
}

}  // namespace

class EventFeed::Viewer final : public http::ResponseStream {
 public:
  Viewer(EventFeed& feed, service::Call& call) : feed_(feed), call_(call) {}
  ~Viewer() override { feed_.leave(); }

  Task<Result<std::string_view>> read() override {
    while (!call_.cancelled) {
      if ((event_ = feed_.next(seen_))) co_return std::string_view(*event_);
      Reply<bool> news(call_, [this](auto done) { feed_.waiting_.push_back(std::move(done)); });
      co_await news;
    }
    co_return Error("client.gone", "the viewer is gone, or the server stops");
  }

 private:
  EventFeed& feed_;
  service::Call& call_;
  std::uint64_t seen_ = 0;
  std::shared_ptr<const std::string> event_;
};

http::Response EventFeed::watch(service::Call& call) {
  if (viewers_ == kMaxViewers)
    return http::problem_response(
        http::Problem(503, "admin.too_many_viewers", std::to_string(kMaxViewers) + " dashboards watch already"), call.id());
  loop_ = &call.loop;
  if (++viewers_ == 1) {
    arms_.emplace();
    ticks_ = 0;
    due_ = {};
    tick();
  }
  http::Response response(200, kEventStream, std::make_unique<Viewer>(*this, call));
  response.headers.add("X-Accel-Buffering", "no");  // nginx, as a proxy, would gather them
  return response;
}

void EventFeed::leave() {
  if (--viewers_ > 0) return;
  disarm();
  arms_.reset();
  generation_ = 0;
  events_.clear();
  newest_.clear();
  experiments_.clear();
  waiting_.clear();
}

void EventFeed::tick() {
  const auto now = std::max(due_, loop_->coarse_now());
  due_ = now + kInterval;
  loop_->wheel().arm(*this, due_);
  arms_->look(*server_.registry, now);
  const auto status = server_.status();
  publish("status", live_status_json(server_, status, *arms_));
  publish("workers", workers_json(server_));
  if (std::exchange(generation_, status.generation) != status.generation) publish("routes", routes_json(server_));
  // Not again before the thread of the experiments has answered.
  if (asked_ == 0) {
    ask({}, &EventFeed::told_experiments);
    if (ticks_ % kTicksPerReport == 1) ask_reports();
    ++ticks_;
  }
}

void EventFeed::ask(ExperimentsRequest question, void (EventFeed::*told)(const std::string& json)) {
  ++asked_;
  server_.experiments(std::move(question), [link = link_, loop = loop_, told](const http::Response& response) {
    loop->post([link, told, is_ok = response.status == 200, text = std::string(response.body_text())] {
      auto* const feed = link->feed;
      if (feed == nullptr) return;
      --feed->asked_;
      if (feed->viewers_ > 0 && is_ok) (feed->*told)(text);
    });
  });
}

void EventFeed::told_experiments(const std::string& json) {
  if (!publish_new("experiments", json)) return;
  experiments_.clear();
  const auto document = nlohmann::json::parse(json, nullptr, false);
  if (!document.is_object()) return;
  for (const auto& one : document.at("experiments")) experiments_.push_back(one.at("id").get<std::string>());
  // What a reload has taken out is not told to those who come.
  std::erase_if(events_, [this](const auto& event) {
    return event.first.starts_with(kReport) &&
           std::find(experiments_.begin(), experiments_.end(), event.first.substr(kReport.size())) == experiments_.end();
  });
}

void EventFeed::ask_reports() {
  for (const auto& id : experiments_) {
    ExperimentsRequest question;
    question.kind = ExperimentsRequest::Kind::report;
    question.id = id;
    ask(std::move(question), &EventFeed::told_report);
  }
}

void EventFeed::told_report(const std::string& json) {
  const auto document = nlohmann::json::parse(json, nullptr, false);
  if (document.is_object()) publish_new(std::string(kReport) + document.at("experiment").get<std::string>(), json);
}

bool EventFeed::publish_new(const std::string& key, const std::string& json) {
  auto& newest = newest_[key];
  if (newest == json && events_.contains(key)) return false;
  publish(key, newest = json);
  return true;
}

void EventFeed::publish(const std::string& key, std::string_view json) {
  std::string text;
  text.reserve(json.size() + key.size() + 20);
  text.append("event: ").append(key, 0, key.find(' ')).append("\ndata: ");
  append_in_one_line(text, json);
  text += "\n\n";
  events_[key] = {std::make_shared<const std::string>(std::move(text)), ++number_};
  for (const auto& tell : std::exchange(waiting_, {})) tell(true);
}

std::shared_ptr<const std::string> EventFeed::next(std::uint64_t& seen) const {
  const Event* oldest = nullptr;
  for (const auto& [key, event] : events_)
    if (event.number > seen && (oldest == nullptr || event.number < oldest->number)) oldest = &event;
  if (oldest == nullptr) return nullptr;
  seen = oldest->number;
  return oldest->text;
}

}  // namespace tandem::admin
