// Request heads of three sizes through the parser, and one that arrives in two parts.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string_view>

#include "net/request_parser.hpp"

namespace tandem::net {
namespace {

constexpr std::string_view kSmall = "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

constexpr std::string_view kCurl =
    "GET /hello/Ada?lang=en HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";

constexpr std::string_view kBrowser =
    "GET /shop/items/4711?page=2&sort=price HTTP/1.1\r\n"
    "Host: shop.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=1\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Referer: https://shop.example/items\r\n\r\n";

void parse_whole(benchmark::State& state, std::string_view head) {
  const NetOptions options;
  RequestParser parser(options);
  http::Request request;
  for (auto _ : state) {
    parser.reset();
    request.clear();
    if (parser.parse(head, request) != RequestParser::Status::complete) {
      state.SkipWithError("the head was not accepted");
      break;
    }
    benchmark::DoNotOptimize(request.path.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(head.size()));
}
BENCHMARK_CAPTURE(parse_whole, small, kSmall);
BENCHMARK_CAPTURE(parse_whole, curl, kCurl);
BENCHMARK_CAPTURE(parse_whole, browser, kBrowser);

void parse_in_two(benchmark::State& state) {
  const NetOptions options;
  RequestParser parser(options);
  http::Request request;
  for (auto _ : state) {
    parser.reset();
    request.clear();
    benchmark::DoNotOptimize(parser.parse(kBrowser.substr(0, kBrowser.size() / 2), request));
    benchmark::DoNotOptimize(parser.parse(kBrowser, request));
  }
}
BENCHMARK(parse_in_two);

}  // namespace
}  // namespace tandem::net
