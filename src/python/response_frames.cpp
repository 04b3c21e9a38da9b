#include "python/response_frames.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::python {

void WholeResponse::begin(std::string& out) {
  start_ = out.size();
  out.append(sizeof(frames::Header) + sizeof(frames::ResponseHead), '\0');
}

void WholeResponse::finish(std::string& out, std::uint64_t id, int status, const frames::Timing& timing) {
  const auto body_bytes = out.size() - body_;
  const auto first = std::min<std::size_t>(body_bytes, frames::kMaxBodyFrame);
  const bool whole = first == body_bytes;

  frames::ResponseHead head;
  head.status = static_cast<std::uint16_t>(status);
  head.fields_length = static_cast<std::uint32_t>(body_ - start_ - sizeof(frames::Header) - sizeof(head));
  head.content_length = body_bytes;
  head.timing = timing;
  frames::Header header;
  header.length = static_cast<std::uint32_t>(body_ + first - start_ - sizeof(header));
  header.type = frames::Type::response_head;
  header.flags = whole ? frames::kEnd : 0;
  header.id = id;
  std::memcpy(out.data() + start_, &header, sizeof(header));
  std::memcpy(out.data() + start_ + sizeof(header), &head, sizeof(head));
  if (whole) return;

  const std::string rest = out.substr(body_ + first);
  out.resize(body_ + first);
  out.reserve(out.size() + rest.size() + (rest.size() / frames::kMaxBodyFrame + 2) * sizeof(header) + sizeof(timing));
  for (std::size_t at = 0; at < rest.size(); at += frames::kMaxBodyFrame)
    frames::append_frame(out, frames::Type::response_body, 0, id, std::string_view(rest).substr(at, frames::kMaxBodyFrame));
  append_response_end(out, id, timing);
}

void append_streamed_head(std::string& out, std::uint64_t id, int status, std::string_view lines, std::uint64_t length) {
  frames::ResponseHead head;
  head.status = static_cast<std::uint16_t>(status);
  head.fields_length = static_cast<std::uint32_t>(lines.size());
  head.content_length = length;
  std::string payload(frames::bytes_of(head));
  payload.append(lines);
  frames::append_frame(out, frames::Type::response_head, frames::kStreamed, id, payload);
}

bool StreamedBody::send(std::string& out) {
  while (sent_ < pending_.size()) {
    const auto wanted = std::min<std::size_t>(pending_.size() - sent_, frames::kMaxBodyFrame);
    const auto granted = static_cast<std::size_t>(inbox_.take_credit(exchange_, wanted));
    if (granted == 0) return false;
    frames::append_frame(out, frames::Type::response_body, 0, exchange_.id,
                         std::string_view(pending_).substr(sent_, granted));
    sent_ += granted;
  }
  pending_.clear();
  sent_ = 0;
  return true;
}

}  // namespace tandem::python
