// What it costs to put a request into the worker protocol's frames, and to take it out again.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "frames/frame.hpp"

namespace tandem::frames {
namespace {

// A request head with one path parameter and four fields, as the front sends it.
void append_request(std::string& out, std::uint64_t id) {
  const auto start = out.size();
  out.append(sizeof(Header) + sizeof(RequestHead) + sizeof(Param) + 4 * sizeof(FieldRef), '\0');
  const auto fixed = out.size();

  RequestHead head;
  Strings strings(out);
  head.method = 1;
  head.param_count = 1;
  head.field_count = 4;
  head.method_text = strings.add("GET");
  head.target = strings.add("/hello/Ada");
  head.path = head.target;
  head.raw_path = head.target;
  head.authority = strings.add("localhost:8080");
  head.client = strings.add("127.0.0.1");
  head.route = strings.add("/hello/{name}");
  Param param;
  param.name = strings.add("name");
  param.value = strings.add("Ada");
  FieldRef fields[4];
  constexpr std::string_view kFields[4][2] = {
      {"Host", "localhost:8080"}, {"User-Agent", "curl/8.5.0"}, {"Accept", "*/*"}, {"Cookie", "session=0123456789abcdef"}};
  for (int i = 0; i < 4; ++i) {
    fields[i].name = strings.add(kFields[i][0]);
    fields[i].value = strings.add(kFields[i][1]);
  }
  head.strings_length = strings.length();

  Header header;
  header.type = Type::request_head;
  header.flags = kEnd;
  header.id = id;
  header.length = static_cast<std::uint32_t>(out.size() - start - sizeof(Header));
  char* at = out.data() + start;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at += sizeof header, &head, sizeof head);
  std::memcpy(at += sizeof head, &param, sizeof param);
  std::memcpy(at += sizeof param, fields, sizeof fields);
  if (at + sizeof fields != out.data() + fixed) std::abort();
}

void encode_request(benchmark::State& state) {
  std::string out;
  std::uint64_t id = 0;
  for (auto _ : state) {
    out.clear();
    append_request(out, ++id);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_request);

void encode_response(benchmark::State& state) {
  const std::string fields = "Content-Type: application/json\r\n";
  const std::string body = R"({"message":"Hello, World!"})";
  std::string payload, out;
  for (auto _ : state) {
    ResponseHead head;
    head.fields_length = static_cast<std::uint32_t>(fields.size());
    head.content_length = body.size();
    payload.assign(bytes_of(head)).append(fields).append(body);
    out.clear();
    append_frame(out, Type::response_head, kEnd, 1, payload);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(encode_response);

// A read that brought `batch` requests at once.
void read_requests(benchmark::State& state) {
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  std::string wire;
  for (std::uint64_t id = 1; id <= batch; ++id) append_request(wire, id);
  Reader reader;
  for (auto _ : state) {
    std::memcpy(reader.prepare(wire.size()), wire.data(), wire.size());
    reader.commit(wire.size());
    Reader::Frame frame;
    while (reader.next(frame) == Reader::Status::frame) {
      auto payload = frame.payload;
      RequestHead head;
      take(payload, head);
      benchmark::DoNotOptimize(at(payload, head.path));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_requests)->Arg(1)->Arg(16);

}  // namespace
}  // namespace tandem::frames
