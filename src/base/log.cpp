#include "base/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/timestamp.hpp"

namespace tandem {

namespace {

// As the configuration names them; spdlog itself says "warning".
constexpr std::string_view level_name(spdlog::level::level_enum level) {
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "critical", "off"};
  return kNames[level];
}

std::string_view view(spdlog::string_view_t text) { return {text.data(), text.size()}; }

// The length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// U+0080 to U+009F, which old terminals obey; `text` begins with a sequence of two bytes.
bool is_c1_control(std::string_view text) {
  return static_cast<unsigned char>(text[0]) == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
}

constexpr char kHex[] = "0123456789abcdef";

void append_unicode_escape(std::string& out, unsigned code) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[code >> shift & 0xF];
}

// Control characters would let a message move the terminal's cursor or forge a line: they and what is no UTF-8 are shown as
// \xHH, and the lines after a message's first are indented.
void append_text(std::string& out, std::string_view message) {
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  while (!message.empty()) {
    const auto length = std::max<std::size_t>(utf8_length(message), 1);
    const auto c = static_cast<unsigned char>(message.front());
    const bool is_c1 = length == 2 && is_c1_control(message);
    if (c == '\n') {
      out += "\n    ";
    } else if ((c < 0x20 && c != '\t') || c == 0x7F || is_c1 || (c >= 0x80 && length == 1)) {
      for (const char hidden : message.substr(0, length)) {
        out += "\\x";
        out += kHex[static_cast<unsigned char>(hidden) >> 4];
        out += kHex[hidden & 0xF];
      }
    } else {
      out.append(message.substr(0, length));
    }
    message.remove_prefix(length);
  }
}

std::string_view colour_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::warn:
      return "\033[33m";
    case spdlog::level::err:
      return "\033[31m";
    case spdlog::level::critical:
      return "\033[1;31m";
    case spdlog::level::info:
      return "\033[32m";
    default:
      return "\033[2m";
  }
}

// Writes to a descriptor, one write a message, so that lines of other processes on the same one come between and not into
// ours. What can't be written (a full disk, a reader that went) is lost: there is no place left to say so.
// Thread: any; everything under base_sink's mutex.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit DescriptorSink(const LogOptions& options)
      : style_(options.style), file_(options.file), descriptor_(file_.empty() ? STDERR_FILENO : open_file()) {
    coloured_ = file_.empty() && style_ == LogStyle::text && ::isatty(STDERR_FILENO) == 1;
  }
  ~DescriptorSink() override {
    if (!file_.empty()) ::close(descriptor_);
  }

  void reopen() {
    if (file_.empty()) return;
    const int opened = open_file();
    std::lock_guard lock(mutex_);
    ::close(std::exchange(descriptor_, opened));
  }

  void write_lines(std::string_view lines) {
    std::lock_guard lock(mutex_);
    write_all(lines);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.clear();
    if (style_ == LogStyle::json) {
      append_json_line(message);
    } else {
      append_text_line(message);
    }
    write_all(line_);
  }
  void flush_() override {}

  void append_text_line(const spdlog::details::log_msg& message) {
    append_timestamp(line_, message.time);
    line_ += ' ';
    if (coloured_) line_ += colour_of(message.level);
    line_ += level_name(message.level);
    if (coloured_) line_ += "\033[0m";
    line_ += ' ';
    if (message.logger_name.size() != 0) {
      append_text(line_, view(message.logger_name));
      line_ += ": ";
    }
    append_text(line_, view(message.payload));
    line_ += '\n';
  }

  void append_json_line(const spdlog::details::log_msg& message) {
    line_ += R"({"ts":")";
    append_timestamp(line_, message.time);
    line_.append(R"(","level":")").append(level_name(message.level));
    if (message.logger_name.size() != 0) line_.append(R"(","logger":")").append(json_escaped(view(message.logger_name)));
    line_.append(R"(","message":")").append(json_escaped(view(message.payload))).append("\"}\n");
  }

  int open_file() const {
    const int opened = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (opened < 0) throw spdlog::spdlog_ex("cannot open the log file " + file_, errno);
    return opened;
  }

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN) {  // somebody who shares our standard error made it non-blocking
        pollfd wanted{descriptor_, POLLOUT, 0};
        ::poll(&wanted, 1, -1);
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  const LogStyle style_;
  const std::string file_;
  bool coloured_ = false;
  int descriptor_;    // guarded by mutex_
  std::string line_;  // guarded by mutex_
};

// The process's sink: standard error until set_up_log() says otherwise.
std::shared_ptr<DescriptorSink>& sink() {
  static auto current = std::make_shared<DescriptorSink>(LogOptions{});
  return current;
}

}  // namespace

void set_up_log(const LogOptions& options) {
  sink() = std::make_shared<DescriptorSink>(options);
  auto logger = std::make_shared<spdlog::logger>("", sink());
  logger->set_level(spdlog::level::from_str(options.level));
  spdlog::set_default_logger(std::move(logger));
}

void reopen_log() {
  try {
    sink()->reopen();
  } catch (const spdlog::spdlog_ex& error) {
    log().error("{}; still writing to the file that was open", error.what());
  }
}

void write_log_lines(std::string_view lines) { sink()->write_lines(lines); }

std::string json_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7F) {
      append_unicode_escape(out, c);
    } else if (length == 2 && is_c1_control(text)) {
      append_unicode_escape(out, static_cast<unsigned char>(text[1]));
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace tandem
