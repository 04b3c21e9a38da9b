#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>

#include "handlers/arguments.hpp"
#include "http/target.hpp"
#include "service/handler.hpp"

namespace tandem::handlers {
namespace {

constexpr std::uint64_t kMaxBytes = 100 * 1024 * 1024;
constexpr std::uint64_t kMaxSeed = 0xffff'ffff;
constexpr std::size_t kPieceBytes = 64 * 1024;

// Seeds std::mt19937 the way CPython's random.Random(seed) does (init_by_array of the reference implementation, with a key
// of one word), so that both languages make the same bytes.
class PythonSeed {
 public:
  using result_type = std::uint32_t;
  explicit PythonSeed(std::uint32_t key) : key_(key) {}

  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    constexpr std::size_t kWords = std::mt19937::state_size;
    std::array<std::uint32_t, kWords> state;
    const auto mixed = [&](std::size_t i) { return state[i - 1] ^ (state[i - 1] >> 30); };
    state[0] = 19650218;
    for (std::uint32_t i = 1; i < kWords; ++i) state[i] = 1812433253U * mixed(i) + i;
    std::uint32_t i = 1;
    const auto advance = [&] {
      if (++i < kWords) return;
      state[0] = state[kWords - 1];
      i = 1;
    };
    for (std::size_t k = 0; k < kWords; ++k, advance()) state[i] = (state[i] ^ (mixed(i) * 1664525U)) + key_;
    for (std::size_t k = 1; k < kWords; ++k, advance()) state[i] = (state[i] ^ (mixed(i) * 1566083941U)) - i;
    state[0] = 0x80000000U;
    std::copy(state.begin(), state.end(), begin);
    (void)end;
  }

 private:
  std::uint32_t key_;
};

// What random.Random(seed).randbytes(size) gives, a piece at a time.
class SeededBytes final : public http::ResponseStream {
 public:
  SeededBytes(std::uint64_t size, std::uint32_t seed) : size_(size), left_(size) {
    PythonSeed sequence(seed);
    words_.seed(sequence);
  }

  std::optional<std::uint64_t> content_length() const override { return size_; }

  Task<Result<std::string_view>> read() override {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kPieceBytes));
    piece_.resize(length);
    for (std::size_t at = 0; at < length; at += 4) {
      const auto bytes = std::min<std::size_t>(4, length - at);
      // A last, incomplete word gives its high bits, as getrandbits() has it.
      const auto word = static_cast<std::uint32_t>(words_()) >> (32 - 8 * bytes);
      for (std::size_t i = 0; i < bytes; ++i) piece_[at + i] = static_cast<char>(word >> (8 * i) & 0xff);
    }
    left_ -= length;
    co_return std::string_view(piece_);
  }

 private:
  const std::uint64_t size_;
  std::uint64_t left_;
  std::mt19937 words_;
  std::string piece_;
};

}  // namespace

http::Response bytes(const http::Request& request) {
  const auto size = parse_whole(request.path_param("n"), 0, kMaxBytes);
  if (!size) return not_whole("n", 0, kMaxBytes);
  const auto seed = parse_whole(http::find_query(request.query, "seed").value_or("1"), 0, kMaxSeed);
  if (!seed) return not_whole("seed", 0, kMaxSeed);
  return http::Response(200, http::kOctetStream, std::make_unique<SeededBytes>(*size, static_cast<std::uint32_t>(*seed)));
}

}  // namespace tandem::handlers
