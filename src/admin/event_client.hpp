// Follows a running server's /api/v1/events (server-sent events; WHATWG HTML, section 9.2) for as long as it lives: when the
// stream ends or nobody answers it says so and tries again a second later.
// Thread: that which runs the context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "admin/admin_client.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace tandem::admin {

// Takes events out of the stream's bytes, however they are cut.
class EventReader {
 public:
  using Told = std::function<void(std::string_view name, std::string_view data)>;
  explicit EventReader(Told told) : told_(std::move(told)) {}

  void read(std::string_view bytes);

 private:
  void read_line(std::string_view line);

  Told told_;
  std::string line_;  // what there is of it
  bool is_after_cr_ = false;
  std::string name_;
  std::string data_;
};

class EventClient {
 public:
  static constexpr Milliseconds kPause{1000};

  // `told` and `lost` are called from within the context's run(), never from start(). An Error is a sentence for a person
  // that names the URL, as of admin_get(); its code is "command.refused" if the server answered with something else.
  EventClient(boost::asio::io_context& context, AdminClientOptions options, EventReader::Told told,
              std::function<void(const Error&)> lost);
  ~EventClient();  // nothing is called any more
  EventClient(const EventClient&) = delete;
  EventClient& operator=(const EventClient&) = delete;

  void start();

 private:
  class Watching;
  std::shared_ptr<Watching> watching_;
};

}  // namespace tandem::admin
