// frames::Reader: the same frames whatever pieces the bytes arrive in, and no payload's references lead out of it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "frames/frame.hpp"

namespace {

using namespace tandem::frames;

void touch(std::string_view text) {
  volatile char sink = 0;
  for (char c : text) sink = c;
  (void)sink;
}

// Reads a request head's parts as a worker does.
void read_request_head(std::string_view payload) {
  RequestHead head;
  if (!take(payload, head)) return;
  std::string_view tables = payload;
  for (unsigned i = 0; i < head.param_count; ++i) {
    Param param;
    if (!take(payload, param)) return;
  }
  for (unsigned i = 0; i < head.field_count; ++i) {
    FieldRef field;
    if (!take(payload, field)) return;
  }
  if (payload.size() < head.strings_length) return;
  const auto strings = payload.substr(0, head.strings_length);
  for (const auto ref : {head.method_text, head.target, head.path, head.raw_path, head.query, head.scheme, head.authority,
                         head.client, head.request_id, head.route, head.arm})
    touch(at(strings, ref));
  for (unsigned i = 0; i < head.param_count; ++i) {
    Param param;
    take(tables, param);
    touch(at(strings, param.name));
    touch(at(strings, param.value));
  }
  for (unsigned i = 0; i < head.field_count; ++i) {
    FieldRef field;
    take(tables, field);
    touch(at(strings, field.name));
    touch(at(strings, field.value));
  }
}

void read_error(std::string_view payload) {
  ErrorHead head;
  if (!take(payload, head)) return;
  for (const auto ref : {head.code, head.detail, head.traceback, head.headers}) touch(at(payload, ref));
}

// All frames written out again, and how it ended.
std::string read_all(std::string_view bytes, std::size_t step) {
  Reader reader;
  std::string seen;
  for (std::size_t begin = 0; begin <= bytes.size(); begin += step) {
    const auto piece = bytes.substr(begin, step);
    std::memcpy(reader.prepare(piece.size()), piece.data(), piece.size());
    reader.commit(piece.size());
    Reader::Frame frame;
    auto status = Reader::Status::frame;
    while ((status = reader.next(frame)) == Reader::Status::frame) {
      append_frame(seen, frame.header.type, frame.header.flags, frame.header.id, frame.payload);
      if (frame.header.type == Type::request_head) read_request_head(frame.payload);
      if (frame.header.type == Type::error) read_error(frame.payload);
      touch(frame.payload);
    }
    if (status == Reader::Status::malformed) return seen + "malformed";
    if (step > bytes.size()) break;
  }
  return seen + (reader.empty() ? "empty" : "more");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = read_all(bytes, size + 1);
  if (read_all(bytes, 1) != whole || read_all(bytes, 7) != whole) std::abort();
  return 0;
}
