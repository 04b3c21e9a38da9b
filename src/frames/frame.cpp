#include "frames/frame.hpp"

namespace tandem::frames {

char* Reader::prepare(std::size_t min_bytes) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (room() < min_bytes && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (room() < min_bytes) buffer_.resize(end_ + min_bytes);
  return buffer_.data() + end_;
}

Reader::Status Reader::next(Frame& frame) {
  const auto available = end_ - begin_;
  if (available < sizeof(Header)) return Status::need_more;
  std::memcpy(&frame.header, buffer_.data() + begin_, sizeof(Header));
  if (frame.header.length > kMaxFrame || frame.header.reserved != 0) return Status::malformed;
  if (available - sizeof(Header) < frame.header.length) return Status::need_more;
  frame.payload = {buffer_.data() + begin_ + sizeof(Header), frame.header.length};
  begin_ += sizeof(Header) + frame.header.length;
  return Status::frame;
}

void append_frame(std::string& out, Type type, std::uint8_t flags, std::uint64_t id, std::string_view payload) {
  Header header;
  header.length = static_cast<std::uint32_t>(payload.size());
  header.type = type;
  header.flags = flags;
  header.id = id;
  out.append(bytes_of(header)).append(payload);
}

void append_u32(std::string& out, Type type, std::uint64_t id, std::uint32_t value) {
  append_frame(out, type, 0, id, bytes_of(value));
}

}  // namespace tandem::frames
