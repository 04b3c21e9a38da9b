// Workers played by threads of the test, over the real sockets: each runs a behaviour that the test gives it, and the test
// can have any of them do something by post().
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "frames/frame.hpp"

namespace tandem::test {

struct ReceivedRequest {
  std::size_t lane = 0;
  std::uint64_t id = 0;
  std::uint8_t flags = 0;
  frames::RequestHead head;
  std::string path;
  std::string body;
};

class FakeWorker {
 public:
  // Called on the worker's thread.
  struct Behaviour {
    std::string ready =
        R"({"pid":1,"python":"fake","endpoints":[{"executor":"sync"},{"executor":"async"},{"executor":"sync"}]})";
    std::string failed;  // sent instead of ready
    std::function<void(FakeWorker&, const ReceivedRequest&)> on_request =
        [](FakeWorker& worker, const ReceivedRequest& request) { worker.answer(request.id, "for " + request.path); };
    std::function<void(FakeWorker&, std::uint64_t id, std::string_view bytes, bool last)> on_body;
    std::function<void(FakeWorker&, frames::Type, std::uint64_t id)> on_control;
    std::function<void(FakeWorker&, std::uint64_t id, std::uint32_t bytes)> on_credit;
    std::function<void(FakeWorker&, std::uint64_t id, std::string_view bytes, std::uint8_t flags)> on_message;
    std::function<void(FakeWorker&, std::uint64_t id, std::uint16_t code, std::string_view reason)> on_close;
  };

  FakeWorker(const Behaviour& behaviour, int number)
      : number(number), behaviour_(behaviour), poke_(::eventfd(0, EFD_CLOEXEC)) {}
  ~FakeWorker() { ::close(poke_); }

  const int number;  // of its start in the pool, from 0

  // Thread: any. Work for the worker's thread.
  void post(std::function<void(FakeWorker&)> work) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(poke_, &one, sizeof(one)), 8);
  }

  void answer(std::uint64_t id, std::string_view body, std::uint64_t handler_ns = 10'000) {
    frames::ResponseHead head;
    head.content_length = body.size();
    head.timing.handler_ns = handler_ns;
    respond(id, frames::kEnd, head, "Content-Type: text/plain; charset=utf-8\r\n", body);
  }
  void respond(std::uint64_t id, std::uint8_t flags, frames::ResponseHead head, std::string_view lines,
               std::string_view body) {
    head.fields_length = static_cast<std::uint32_t>(lines.size());
    std::string payload(frames::bytes_of(head));
    send(id, frames::Type::response_head, flags, payload.append(lines).append(body));
  }
  void fail(std::uint64_t id, std::uint16_t status, std::string_view code, std::string_view traceback = {}) {
    frames::ErrorHead head;
    head.status = status;
    std::string text;
    frames::Strings strings(text);
    head.code = strings.add(code);
    head.traceback = strings.add(traceback);
    send(id, frames::Type::error, 0, std::string(frames::bytes_of(head)) + text);
  }
  void end(std::uint64_t id) { send(id, frames::Type::response_end, 0, frames::bytes_of(frames::Timing())); }
  void send(std::uint64_t id, frames::Type type, std::uint8_t flags, std::string_view payload) {
    std::string out;
    frames::append_frame(out, type, flags, id, payload);
    write(lanes_[lane_of[id]], out);
  }
  void tell(frames::Type type, std::uint64_t id, std::string_view payload = {}) {
    std::string out;
    frames::append_frame(out, type, 0, id, payload);
    write(control_, out);
  }
  void send_close(std::uint64_t id, std::uint16_t code, std::string_view reason) {
    frames::Close close;
    close.code = code;
    send(id, frames::Type::worker_close, 0, std::string(frames::bytes_of(close)).append(reason));
  }
  // As if killed: the thread ends, the sockets close.
  void die() { over_ = true; }

  std::map<std::uint64_t, std::size_t> lane_of;
  std::vector<std::uint64_t> held;  // for behaviours that answer later

  int run(int control, std::vector<int> lanes) {
    control_ = control;
    lanes_ = std::move(lanes);
    std::vector<frames::Reader> readers(lanes_.size() + 1);
    while (!over_) {
      std::vector<pollfd> waits{{control_, POLLIN, 0}, {poke_, POLLIN, 0}};
      for (int lane : lanes_) waits.push_back({lane, POLLIN, 0});
      ::poll(waits.data(), waits.size(), -1);
      if (waits[1].revents) run_posted();
      if (waits[0].revents && !receive(control_, readers[0], [&](const auto& frame) { on_control(frame); })) break;
      bool open = true;
      for (std::size_t i = 0; i < lanes_.size() && open && !over_; ++i)
        if (waits[i + 2].revents) open = receive(lanes_[i], readers[i + 1], [&](const auto& frame) { on_lane(i, frame); });
      if (!open) break;
    }
    ::close(control_);
    for (int lane : lanes_) ::close(lane);
    return 0;
  }

 private:
  void run_posted() {
    std::uint64_t count = 0;
    EXPECT_EQ(::read(poke_, &count, sizeof(count)), 8);
    std::vector<std::function<void(FakeWorker&)>> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(posted_);
    }
    for (auto& one : work) one(*this);
  }

  template <class Handle>
  bool receive(int socket, frames::Reader& reader, Handle handle) {
    char* const free = reader.prepare(64 * 1024);
    const auto count = ::recv(socket, free, reader.room(), MSG_DONTWAIT);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    reader.commit(static_cast<std::size_t>(count));
    frames::Reader::Frame frame;
    while (!over_ && reader.next(frame) == frames::Reader::Status::frame) handle(frame);
    return true;
  }

  void on_control(const frames::Reader::Frame& frame) {
    switch (frame.header.type) {
      case frames::Type::hello:
        tell(frames::Type::starting, 0, "import greet");
        if (behaviour_.failed.empty()) {
          tell(frames::Type::ready, 0, behaviour_.ready);
        } else {
          tell(frames::Type::failed, 0, behaviour_.failed);
          over_ = true;
        }
        break;
      case frames::Type::drain:
        over_ = true;
        break;
      case frames::Type::ping:
        tell(frames::Type::pong, 0, frames::bytes_of(frames::Pong()));
        break;
      default:
        if (behaviour_.on_control) behaviour_.on_control(*this, frame.header.type, frame.header.id);
    }
  }

  void on_lane(std::size_t lane, const frames::Reader::Frame& frame) {
    const auto id = frame.header.id;
    const bool last = frame.header.flags & frames::kEnd;
    auto payload = frame.payload;
    if (frame.header.type == frames::Type::request_head) {
      lane_of[id] = lane;
      ReceivedRequest request;
      request.lane = lane;
      request.id = id;
      request.flags = frame.header.flags;
      frames::take(payload, request.head);
      payload.remove_prefix(request.head.param_count * sizeof(frames::Param) +
                            request.head.field_count * sizeof(frames::FieldRef));
      request.path = frames::at(payload.substr(0, request.head.strings_length), request.head.path);
      request.body = payload.substr(request.head.strings_length);
      behaviour_.on_request(*this, request);
    } else if (frame.header.type == frames::Type::request_body && behaviour_.on_body) {
      behaviour_.on_body(*this, id, payload, last);
    } else if (frame.header.type == frames::Type::credit && behaviour_.on_credit) {
      std::uint32_t bytes = 0;
      frames::take(payload, bytes);
      behaviour_.on_credit(*this, id, bytes);
    } else if (frame.header.type == frames::Type::message && behaviour_.on_message) {
      behaviour_.on_message(*this, id, payload, frame.header.flags);
    } else if (frames::Close close; frame.header.type == frames::Type::close && behaviour_.on_close) {
      frames::take(payload, close);
      behaviour_.on_close(*this, id, close.code, payload);
    }
  }

  static void write(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  const Behaviour& behaviour_;
  const int poke_;
  int control_ = -1;
  std::vector<int> lanes_;
  bool over_ = false;
  std::mutex mutex_;
  std::vector<std::function<void(FakeWorker&)>> posted_;
};

// All workers of a pool in the order of their starts.
class FakeWorkers {
 public:
  FakeWorker::Behaviour behaviour;

  int run(int control, std::vector<int> lanes) {
    std::shared_ptr<FakeWorker> worker;
    {
      const std::lock_guard lock(mutex_);
      worker = std::make_shared<FakeWorker>(behaviour, static_cast<int>(workers_.size()));
      workers_.push_back(worker);
      changed_.notify_all();
    }
    return worker->run(control, std::move(lanes));
  }

  // Waits until there has been a worker of that number.
  std::shared_ptr<FakeWorker> at(std::size_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return workers_.size() > number; });
    return workers_[number];
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return workers_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<FakeWorker>> workers_;
};

}  // namespace tandem::test
