// What viewers of the dashboard are told every second, as server-sent events (WHATWG HTML, "Server-sent events"): made once
// for all of them, and only while somebody watches. A viewer that reads slowly misses events instead of piling them up.
// Thread: the admin thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/recent_arms.hpp"
#include "admin/server_view.hpp"
#include "base/timer_wheel.hpp"
#include "http/response.hpp"
#include "service/call.hpp"

namespace tandem::admin {

class EventFeed final : TimerWheel::Timer {
 public:
  static constexpr std::size_t kMaxViewers = 32;
  static constexpr Milliseconds kInterval{1000};
  // The verdicts of one experiment take their time, so they are asked for less often.
  static constexpr unsigned kTicksPerReport = 10;

  // `server` outlives it.
  explicit EventFeed(const ServerView& server) : server_(server), link_(std::make_shared<Link>(Link{this})) {}
  ~EventFeed() override { link_->feed = nullptr; }

  // The stream for one more viewer; 503 when there are enough. The feed and the call outlive the response. All calls have
  // one loop.
  http::Response watch(service::Call& call);

  std::size_t viewers() const { return viewers_; }

 private:
  class Viewer;
  struct Event {
    std::shared_ptr<const std::string> text;
    std::uint64_t number = 0;  // of all events; the newest has the greatest
  };
  // What an answer from another thread finds its way back by, when there still is a feed.
  struct Link {
    EventFeed* feed;
  };

  void expired() override { tick(); }
  void tick();
  void ask(ExperimentsRequest question, void (EventFeed::*told)(const std::string& json));
  void told_experiments(const std::string& json);
  void told_report(const std::string& json);
  void ask_reports();
  void publish(const std::string& key, std::string_view json);
  // Unless it was published last; says whether it was not.
  bool publish_new(const std::string& key, const std::string& json);
  // The oldest event that is newer than `seen`, which becomes its number; null: there is none.
  std::shared_ptr<const std::string> next(std::uint64_t& seen) const;
  void leave();

  const ServerView& server_;
  std::shared_ptr<Link> link_;
  Loop* loop_ = nullptr;  // while somebody watches
  std::size_t viewers_ = 0;
  unsigned ticks_ = 0;
  TimePoint due_{};  // when the next tick is
  std::optional<RecentArms> arms_;
  unsigned generation_ = 0;                    // whose routes were published; 0: none
  std::map<std::string, Event> events_;        // the newest of each kind: "status", "report fib-port"
  std::map<std::string, std::string> newest_;  // what of it was published, where only changes are
  std::uint64_t number_ = 0;
  unsigned asked_ = 0;                              // questions under way
  std::vector<std::string> experiments_;            // ids
  std::vector<std::function<void(bool)>> waiting_;  // viewers that have seen everything
};

}  // namespace tandem::admin
