#include "top/watch.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <memory>
#include <utility>
#include <vector>

#include "admin/event_client.hpp"
#include "top/terminal.hpp"

namespace tandem::top {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kAskAgain{2};
// Reports come a second after the first look; where there is no second, what there is will do.
constexpr std::size_t kEnoughLooks = 4;

bool has_everything(const News& news) {
  for (const auto* name : {"status", "routes", "workers", "experiments"})
    if (news.document(name).is_null()) return false;
  if (news.looks < 2) return false;
  const auto experiments = pages_of(View::differences, news).size();
  const auto first_report = news.documents.lower_bound("report ");
  std::size_t reports = 0;
  for (auto at = first_report; at != news.documents.end() && at->first.starts_with("report "); ++at) ++reports;
  return reports >= experiments || news.looks >= kEnoughLooks;
}

class Watch {
 public:
  Watch(const admin::AdminClientOptions& options, bool with_colors)
      : options_(options),
        with_colors_(with_colors),
        client_(
            context_, options, [this](std::string_view name, std::string_view data) { told(name, data); },
            [this](const Error& error) { lost(error); }),
        signals_(context_),
        keys_(context_),
        timer_(context_) {}

  Result<void> run() {
    client_.start();
    context_.run();
    terminal_.reset();  // before a page that is still asked for is waited for
    pages_.join();
    return result_;
  }

 private:
  void told(std::string_view name, std::string_view data) {
    news_.tell(std::string(name), data, std::chrono::steady_clock::now());
    if (!terminal_) begin();
    draw_soon();
  }

  void lost(const Error& error) {
    news_.lose(error);
    if (!terminal_) return leave(error);
    draw_soon();
  }

  void begin() {
    auto opened = Terminal::open(with_colors_);
    if (!opened) return leave(opened.error());
    terminal_ = std::move(*opened);
    // After ncurses, which catches some itself.
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) signals_.add(number);
    wait_for_signals();
    keys_.assign(::dup(STDIN_FILENO));
    wait_for_keys();
    tick();
  }

  void leave(Result<void> result) {
    result_ = std::move(result);
    context_.stop();
  }

  void wait_for_signals() {
    signals_.async_wait([this](error_code error, int number) {
      if (error || number != SIGWINCH) return leave({});
      terminal_->take_size();
      draw_soon();
      wait_for_signals();
    });
  }

  void wait_for_keys() {
    keys_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code error) {
      if (error) return leave({});
      bool is_any = false;
      while (const auto key = terminal_->read()) {
        is_any = true;
        const auto view = choices_.view;
        if (!press(choices_, *key, extent_)) return leave({});
        draw();  // the next key finds the extent of what it sees
        if (choices_.view != view) ask();
      }
      // Ready without a key, twice: the terminal is gone.
      if (!is_any && std::exchange(was_empty_, true)) return leave({});
      if (is_any) was_empty_ = false;
      wait_for_keys();
    });
  }

  void tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](error_code) {
      if (std::chrono::steady_clock::now() - asked_ >= kAskAgain) ask();
      draw();
      tick();
    });
  }

  // What the events do not tell. Asked on a thread of its own, for it may take its time; one question at a time, and none
  // while nobody answers.
  void ask() {
    const auto now = std::chrono::steady_clock::now();
    auto pages = pages_of(choices_.view, news_);
    if (is_asking_ || pages.empty() || now - news_.last > 2 * kTick) return;
    is_asking_ = true;
    asked_ = now;
    asio::post(pages_, [this, pages = std::move(pages)] {
      for (const auto& [name, path] : pages)
        asio::post(context_, [this, name = name, answer = admin::admin_get(options_, path)] { answered(name, answer); });
      asio::post(context_, [this] { is_asking_ = false; });
    });
  }

  void answered(const std::string& name, const Result<std::string>& answer) {
    if (!answer) return lost(answer.error());
    news_.tell(name, *answer, std::chrono::steady_clock::now());
    draw_soon();
  }

  // Several events come at once.
  void draw_soon() {
    if (std::exchange(is_due_, true)) return;
    asio::post(context_, [this] { draw(); });
  }

  void draw() {
    is_due_ = false;
    auto screen = top::draw(news_, choices_, terminal_->size(), options_.url, std::chrono::steady_clock::now());
    extent_ = screen.extent;
    terminal_->draw(screen);
  }

  const admin::AdminClientOptions options_;
  const bool with_colors_;
  News news_;
  Choices choices_;
  Extent extent_;
  Result<void> result_;
  bool is_due_ = false;
  bool is_asking_ = false;
  bool was_empty_ = false;
  TimePoint asked_{};

  asio::io_context context_;
  asio::thread_pool pages_{1};
  admin::EventClient client_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor keys_;
  asio::steady_timer timer_;
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace

Result<void> watch(const admin::AdminClientOptions& options, bool with_colors) { return Watch(options, with_colors).run(); }

Result<std::string> look(const admin::AdminClientOptions& options) {
  asio::io_context context;
  News news;
  Result<std::string> result = std::string();
  admin::EventClient client(
      context, options,
      [&](std::string_view name, std::string_view data) {
        news.tell(std::string(name), data, std::chrono::steady_clock::now());
        if (!news.loss.empty()) result = Error("command.bad_document", news.loss);
        if (has_everything(news)) result = print(news);
        if (has_everything(news) || !result) context.stop();
      },
      [&](const Error& error) {
        result = error;
        context.stop();
      });
  client.start();
  context.run();
  return result;
}

}  // namespace tandem::top
