#include "experiment/murmur3.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace tandem::experiment {
namespace {

std::uint32_t hash(std::string_view text, std::uint32_t seed = 0) { return Murmur3(seed).add(text).finish(); }

TEST(Murmur3, HasTheKnownAnswers) {
  EXPECT_EQ(hash(""), 0u);
  EXPECT_EQ(hash("", 1), 0x514E28B7u);
  EXPECT_EQ(hash("hello"), 0x248BFA47u);
  EXPECT_EQ(hash("hello, world"), 0x149BBB7Fu);
  EXPECT_EQ(hash("The quick brown fox jumps over the lazy dog", 0x9747B28C), 0x2FA826CDu);
  EXPECT_EQ(bucket_of(hash("ppid11886780721", 1)), 5254u);
  EXPECT_EQ(bucket_of(hash("ppid21886780721", 1)), 4299u);
  EXPECT_EQ(bucket_of(hash("ppid21886780722", 1)), 2434u);
  EXPECT_EQ(bucket_of(hash("ppid31886780721", 1)), 5439u);
  static_assert(bucket_of(0) == 0 && bucket_of(0xFFFFFFFF) == 9999);
}

TEST(Murmur3, DoesNotMindWhereItsInputIsCut) {
  const std::string text = "The quick brown fox";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(Murmur3().add(text.substr(0, cut)).add(text.substr(cut)).finish(), hash(text));
}

TEST(KeyHash, HashesPurposeSaltAndKeyBetweenNulBytes) {
  EXPECT_EQ(KeyHash("assign", "fib-port")("u1"), hash(std::string("assign\0fib-port\0u1", 18)));
}

std::string key(int number) { return "user-" + std::to_string(number); }

TEST(KeyHash, SpreadsKeysEvenly) {
  constexpr int kKeys = 1'000'000, kBuckets = 10'000;
  const KeyHash assign("assign", "salt");
  std::vector<int> counts(kBuckets);
  for (int i = 0; i < kKeys; ++i) ++counts[bucket_of(assign(key(i)))];
  double chi_square = 0;
  constexpr double kExpected = double(kKeys) / kBuckets;
  for (const int count : counts) chi_square += (count - kExpected) * (count - kExpected) / kExpected;
  // Mean 9999, variance 2·9999: within five standard deviations.
  EXPECT_NEAR(chi_square, kBuckets - 1, 5 * std::sqrt(2.0 * (kBuckets - 1)));
}

double correlation(const KeyHash& a, const KeyHash& b) {
  constexpr int kKeys = 1'000'000;
  double sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0;
  for (int i = 0; i < kKeys; ++i) {
    const double x = bucket_of(a(key(i))) / 1e4, y = bucket_of(b(key(i))) / 1e4;
    sum_a += x, sum_b += y, sum_aa += x * x, sum_bb += y * y, sum_ab += x * y;
  }
  return (kKeys * sum_ab - sum_a * sum_b) / std::sqrt((kKeys * sum_aa - sum_a * sum_a) * (kKeys * sum_bb - sum_b * sum_b));
}

TEST(KeyHash, PurposesAndSaltsKnowNothingOfEachOther) {
  const KeyHash assign("assign", "salt"), shadow("shadow", "salt"), cluster("cluster", "salt"), other("assign", "pepper");
  EXPECT_LT(std::abs(correlation(assign, shadow)), 0.005);
  EXPECT_LT(std::abs(correlation(assign, cluster)), 0.005);
  EXPECT_LT(std::abs(correlation(shadow, cluster)), 0.005);
  EXPECT_LT(std::abs(correlation(assign, other)), 0.005);
}

}  // namespace
}  // namespace tandem::experiment
