// Bytes of a client through the connection and its request parser: whole, byte by byte and cut in two, always with the same
// answers, and these well-formed. Seeds: tests/http_cases.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/http_exchange.hpp"

namespace {

using namespace tandem;

// A made-up choice that the bytes themselves decide, so that seeds need no prefix.
std::size_t digest(std::string_view bytes) {
  std::size_t value = 14695981039346656037u;
  for (char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return value;
}

[[noreturn]] void fail(const char* what, const std::string& one, const std::string& other) {
  std::fprintf(stderr, "%s\n--- one\n%s\n--- other\n%s\n", what, one.c_str(), other.c_str());
  std::abort();
}

std::string outcome(Loop& loop, const net::NetOptions& options, std::string_view bytes, const support::Feed& feed) {
  const auto result = support::exchange(loop, options, bytes, feed);
  if (!result.settled) fail("it does not come to rest", result.answers, {});
  if (!result.finished) fail("it does not end with the client", result.answers, {});
  std::string text;
  std::string error;
  std::size_t index = 0;
  for (std::string_view rest = result.answers; !rest.empty();) {
    const bool to_head = index < result.to_head.size() && result.to_head[index];
    const auto answer = support::take_answer(rest, to_head, error);
    if (!error.empty()) fail(error.c_str(), result.answers, {});
    if (answer.status == 100) continue;
    if (index == result.observed.size() || answer.status != result.observed[index])
      fail("an answer that the observer was not told of", result.answers, {});
    text += comparable(answer);
    ++index;
  }
  return text + (result.closed ? "closed" : "open");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Loop loop{0};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto choice = digest(bytes);
  net::NetOptions options;
  options.strict = choice & 1;
  if (choice & 2) {
    options.limits.header_bytes = 512;
    options.limits.header_count = 8;
    options.limits.uri_bytes = 64;
    options.limits.body_bytes = 32;
  }
  support::Feed feed;
  const auto whole = outcome(loop, options, bytes, feed);
  // How far a body that nobody reads has arrived decides whether the connection goes on: no fixed answer.
  if (size < 2 || bytes.find("/unread") != std::string_view::npos) return 0;
  feed.one_by_one = true;
  feed.settle = choice & 4;
  feed.max_write = choice & 8 ? 7 : SIZE_MAX;
  const auto bytewise = outcome(loop, options, bytes, feed);
  if (bytewise != whole) fail("byte by byte differs from whole", bytewise, whole);
  feed = support::Feed();
  feed.cuts = {1 + (choice >> 8) % (size - 1)};
  const auto cut = outcome(loop, options, bytes, feed);
  if (cut != whole) fail("cut in two differs from whole", cut, whole);
  return 0;
}
