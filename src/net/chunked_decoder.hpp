// The chunked transfer coding of a request body (RFC 9112 §7.1), strict: CRLF only, no sign or prefix on sizes, well-formed
// extensions and trailers within limits. Why not Beast's: docs/decisions/0003-request-bodies.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::net {

class ChunkedDecoder {
 public:
  enum class Status {
    need_more,  // all input used
    data,       // `piece` holds body bytes
    end,        // the body and its trailers are complete; the rest of the input is the next request's
    malformed,
    too_large,  // trailers or extensions over their limits
  };

  ChunkedDecoder(std::uint64_t max_trailer_bytes, std::uint32_t max_trailer_count)
      : max_trailer_bytes_(max_trailer_bytes), max_trailer_count_(max_trailer_count) {}

  // Takes bytes off the front of `input`. `piece` is a view into it. Trailer fields are checked and dropped.
  Status next(std::string_view& input, std::string_view& piece);

 private:
  enum class State : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done };
  static constexpr std::size_t kMaxExtensionBytes = 4096;  // in the whole body

  Status finish_trailer_line();

  const std::uint64_t max_trailer_bytes_;
  const std::uint32_t max_trailer_count_;
  State state_ = State::size;
  unsigned digits_ = 0;
  std::uint64_t remaining_ = 0;
  std::size_t extension_bytes_ = 0;
  std::uint64_t trailer_bytes_ = 0;
  std::uint32_t trailers_ = 0;
  std::string line_;  // extension or trailer line so far
};

}  // namespace tandem::net
