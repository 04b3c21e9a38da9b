#include "pool/request_frame.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "frames/frame.hpp"
#include "http/target.hpp"

namespace tandem::pool {
namespace {

// Fills memory that was sized beforehand.
class Writer {
 public:
  explicit Writer(char* at) : at_(at), strings_(at) {}
  void begin_strings() { strings_ = at_; }
  void put(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  frames::Ref add(std::string_view text) {
    frames::Ref ref;
    ref.offset = static_cast<std::uint32_t>(at_ - strings_);
    ref.length = static_cast<std::uint32_t>(text.size());
    put(text);
    return ref;
  }

 private:
  char* at_;
  char* strings_;
};

}  // namespace

void append_request(std::string& out, const RequestFacts& facts, const http::Request& request, const service::Call& call,
                    std::string_view body) {
  // A path without escapes is its own decoded form.
  const bool escaped = request.path.find('%') != std::string_view::npos;
  const auto decoded = escaped ? http::percent_decode(request.path) : std::nullopt;
  const std::string_view client = call.client->address;
  const std::string_view server = call.peer.local_address;

  std::size_t strings = request.method_text.size() + request.target.size() + request.path.size() + request.query.size() +
                        request.scheme.size() + request.authority.size() + client.size() + call.id().size() +
                        call.route.size() + call.arm.size() + call.root_path.size() + server.size() +
                        (decoded ? decoded->size() : 0);
  for (const auto& param : request.path_params) strings += param.name.size() + param.value.size();
  for (const auto& field : request.headers) strings += field.name.size() + field.value.size();

  const std::size_t params = request.path_params.size();
  const std::size_t fields = request.headers.size();
  const std::size_t fixed = sizeof(frames::RequestHead) + params * sizeof(frames::Param) + fields * sizeof(frames::FieldRef);
  const std::string_view first = facts.streamed ? std::string_view{} : body.substr(0, frames::kMaxBodyFrame);
  const bool ends = !facts.streamed && first.size() == body.size();

  frames::Header header;
  header.length = static_cast<std::uint32_t>(fixed + strings + first.size());
  header.type = frames::Type::request_head;
  header.flags = ends ? frames::kEnd : 0;
  header.id = facts.id;

  const std::size_t start = out.size();
  out.resize(start + sizeof(header) + header.length);
  char* const base = out.data() + start;
  std::memcpy(base, &header, sizeof(header));
  char* const head_at = base + sizeof(header);
  char* const refs_at = head_at + sizeof(frames::RequestHead);

  frames::RequestHead head;
  head.endpoint = facts.endpoint;
  head.field_count = static_cast<std::uint16_t>(fields);
  head.param_count = static_cast<std::uint8_t>(params);
  head.version = static_cast<std::uint8_t>(request.version);
  head.method = static_cast<std::uint8_t>(request.method);
  head.flags = facts.websocket ? frames::kWebSocket : call.trial.wants_cpu ? frames::kMeasureCpu : 0;
  if (call.is_shadow) head.flags |= frames::kShadow;
  head.timeout_ms = facts.timeout_ms;
  head.strings_length = static_cast<std::uint32_t>(strings);
  head.content_length = facts.streamed ? request.body->content_length().value_or(std::numeric_limits<std::uint64_t>::max())
                                       : std::uint64_t{body.size()};
  Writer writer(refs_at + params * sizeof(frames::Param) + fields * sizeof(frames::FieldRef));
  writer.begin_strings();
  head.method_text = writer.add(request.method_text);
  head.target = writer.add(request.target);
  head.raw_path = writer.add(request.path);
  head.path = decoded ? writer.add(*decoded) : head.raw_path;
  head.query = writer.add(request.query);
  head.scheme = writer.add(request.scheme);
  head.authority = writer.add(request.authority);
  head.client = writer.add(client);
  head.client_port = call.client->port;
  head.request_id = writer.add(call.id());
  head.route = writer.add(call.route);
  head.arm = writer.add(call.arm);
  head.root_path = writer.add(call.root_path);
  head.server = writer.add(server);
  head.server_port = call.peer.local_port;

  char* ref_at = refs_at;
  for (const auto& param : request.path_params) {
    frames::Param ref;
    ref.name = writer.add(param.name);
    ref.value = writer.add(param.value);
    std::memcpy(ref_at, &ref, sizeof(ref));
    ref_at += sizeof(ref);
  }
  for (const auto& field : request.headers) {
    frames::FieldRef ref;
    ref.known = static_cast<std::uint32_t>(field.id);
    ref.name = writer.add(field.name);
    ref.value = writer.add(field.value);
    std::memcpy(ref_at, &ref, sizeof(ref));
    ref_at += sizeof(ref);
  }
  std::memcpy(head_at, &head, sizeof(head));
  writer.put(first);

  if (!facts.streamed && !ends) append_body(out, facts.id, body.substr(first.size()), true);
}

void append_body(std::string& out, std::uint64_t id, std::string_view bytes, bool last) {
  do {
    const auto piece = bytes.substr(0, frames::kMaxBodyFrame);
    bytes.remove_prefix(piece.size());
    frames::append_frame(out, frames::Type::request_body, last && bytes.empty() ? frames::kEnd : 0, id, piece);
  } while (!bytes.empty());
}

}  // namespace tandem::pool
