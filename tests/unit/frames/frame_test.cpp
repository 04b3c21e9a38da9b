#include "frames/frame.hpp"

#include <gtest/gtest.h>

namespace tandem::frames {
namespace {

void feed(Reader& reader, std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(reader.prepare(bytes.size()), bytes.data(), bytes.size());
  reader.commit(bytes.size());
}

TEST(Reader, FindsFramesHoweverTheyAreCut) {
  std::string wire;
  append_frame(wire, Type::request_body, kEnd, 7, "hello");
  append_u32(wire, Type::credit, 8, 4096);
  append_frame(wire, Type::drain, 0, 0, {});
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    Reader reader;
    std::vector<std::pair<Type, std::string>> seen;
    const auto drain = [&] {
      Reader::Frame frame;
      while (reader.next(frame) == Reader::Status::frame) seen.emplace_back(frame.header.type, frame.payload);
    };
    feed(reader, std::string_view(wire).substr(0, cut));
    drain();
    feed(reader, std::string_view(wire).substr(cut));
    drain();
    ASSERT_EQ(seen.size(), 3u) << cut;
    EXPECT_EQ(seen[0].second, "hello");
    EXPECT_EQ(seen[1].first, Type::credit);
    EXPECT_TRUE(reader.empty());
  }
}

TEST(Reader, RefusesFramesBeyondTheLimitAndReservedBits) {
  for (const bool too_long : {true, false}) {
    Header header;
    header.length = too_long ? kMaxFrame + 1 : 0;
    header.reserved = too_long ? 0 : 1;
    Reader reader;
    feed(reader, bytes_of(header));
    Reader::Frame frame;
    EXPECT_EQ(reader.next(frame), Reader::Status::malformed);
  }
}

TEST(Strings, OutOfRangeReferencesAreEmpty) {
  Ref ref;
  ref.offset = 3;
  ref.length = 5;
  EXPECT_EQ(at("abcdefgh", ref), "defgh");
  EXPECT_EQ(at("abcdefg", ref), "");
  ref.offset = 0xffffffff;
  EXPECT_EQ(at("abc", ref), "");
}

}  // namespace
}  // namespace tandem::frames
