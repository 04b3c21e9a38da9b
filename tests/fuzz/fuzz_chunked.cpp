// The chunked decoder: input in one piece and byte by byte gives the same body, the same verdict and the same rest.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/chunked_decoder.hpp"

namespace {

using tandem::net::ChunkedDecoder;

struct Decoded {
  ChunkedDecoder::Status status = ChunkedDecoder::Status::need_more;
  std::string body;
  std::size_t used = 0;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, std::size_t step) {
  ChunkedDecoder decoder(256, 4);
  Decoded result;
  while (result.used < bytes.size()) {
    auto input = bytes.substr(result.used, step);
    while (!input.empty()) {
      const auto before = input.size();
      std::string_view piece;
      result.status = decoder.next(input, piece);
      result.used += before - input.size();
      if (result.status == ChunkedDecoder::Status::data) {
        if (piece.empty()) std::abort();
        result.body += piece;
        continue;
      }
      if (result.status != ChunkedDecoder::Status::need_more) return result;
      if (!input.empty()) std::abort();
    }
    result.status = ChunkedDecoder::Status::need_more;
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = decode(bytes, SIZE_MAX);
  if (decode(bytes, 1) != whole || decode(bytes, 3) != whole) std::abort();
  if (whole.body.size() > size) std::abort();
  return 0;
}
