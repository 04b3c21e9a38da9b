#include "steering/audit_log.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "unit/steering/temporary_folder.hpp"

namespace tandem::steering {
namespace {

AuditEntry entry(std::uint64_t revision) {
  AuditEntry one;
  one.at = WallTime(std::chrono::seconds(1'800'000'000));
  one.actor = "127.0.0.1, without a token";
  one.experiment = "fib";
  one.action = "weights";
  one.from = revision - 1;
  one.to = revision;
  one.patch = {{"weights_bp", {{"cpp", 500 * revision}}}};
  one.reason = "more \"of\" it";
  return one;
}

class AuditLogTest : public ::testing::Test {
 protected:
  void write(int count, Fault fault = {}) {
    auto log = AuditLog::open(path, std::move(fault));
    ASSERT_TRUE(log) << log.error().message;
    for (int i = 1; i <= count; ++i) ASSERT_TRUE(log->append(entry(static_cast<std::uint64_t>(i))));
  }
  void put(const std::string& content) { std::ofstream(path) << content; }

  TemporaryFolder folder;
  std::filesystem::path path = folder / "audit.jsonl";
};

TEST_F(AuditLogTest, ChainGoesOnAfterAReopening) {
  write(2);
  write(3);
  const auto content = content_of(path);
  const auto summary = verify_audit(content);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->lines, 5u);
  const auto first = Json::parse(content.substr(0, content.find('\n')));
  EXPECT_EQ(first["previous"], first_audit_hash());
  EXPECT_EQ(first["reason"], "more \"of\" it");
  EXPECT_EQ(first["at"], "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(first["patch"]["weights_bp"]["cpp"], 500);
  EXPECT_FALSE(first.contains("evidence"));
}

TEST_F(AuditLogTest, EveryAlterationIsFound) {
  write(4);
  const auto content = content_of(path);
  std::vector<std::string> lines;
  std::istringstream stream(content);
  for (std::string line; std::getline(stream, line);) lines.push_back(line + "\n");

  auto altered = content;
  altered.replace(altered.find("more"), 4, "less");
  EXPECT_EQ(verify_audit(altered).error().message.substr(0, 6), "line 2");
  EXPECT_EQ(verify_audit(lines[0] + lines[2] + lines[3]).error().message.substr(0, 6), "line 2");
  EXPECT_EQ(verify_audit(lines[1] + lines[2]).error().message.substr(0, 6), "line 1");
  EXPECT_EQ(verify_audit(lines[0] + lines[1] + lines[1] + lines[2]).error().message.substr(0, 6), "line 3");
  EXPECT_EQ(verify_audit(lines[0] + "nonsense\n").error().message, "line 2 is no entry of an audit log");
  EXPECT_EQ(verify_audit(lines[0] + "{}").error().message, "line 2 has no end");
  EXPECT_EQ(verify_audit("")->lines, 0u);
}

TEST_F(AuditLogTest, HalfALineOfACrashIsCutOff) {
  write(2);
  const auto content = content_of(path);
  put(content + R"({"at":"2026-)");
  write(1);
  const auto summary = verify_audit(content_of(path));
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->lines, 3u);
}

TEST_F(AuditLogTest, NonsenseInTheFileIsKeptAndFound) {
  put("no log at all\n");
  write(1);
  EXPECT_NE(content_of(path).find("no log at all"), std::string::npos);
  EXPECT_EQ(verify_audit(content_of(path)).error().code, "audit.broken");
}

TEST_F(AuditLogTest, FullDiskLeavesTheLogWhole) {
  write(1);
  const auto before = content_of(path);
  bool is_full = true;
  auto log = AuditLog::open(path, [&is_full](WriteStep step) { return step == WriteStep::sync && is_full ? ENOSPC : 0; });
  ASSERT_TRUE(log);
  const auto refused = log->append(entry(2));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("No space left"), std::string::npos);
  EXPECT_EQ(content_of(path), before);
  is_full = false;
  ASSERT_TRUE(log->append(entry(3)));
  EXPECT_EQ(verify_audit(content_of(path))->lines, 2u);
}

}  // namespace
}  // namespace tandem::steering
