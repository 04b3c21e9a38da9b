#include "handlers/catalog.hpp"

namespace tandem::handlers {

http::Response plaintext(const http::Request& request);
http::Response json(const http::Request& request);
http::Response hello(const http::Request& request);
http::Response fib(const http::Request& request);
http::Response echo(const http::Request& request);
http::Response headers(const http::Request& request);
http::Response cookies(const http::Request& request);
http::Response baseline(const http::Request& request);
Task<http::Response> delay(http::Request& request, service::Call& call);
http::Response bytes(const http::Request& request);
Task<http::Response> events(http::Request& request, service::Call& call);
http::Response status(const http::Request& request);
Task<http::Response> upload(http::Request& request, service::Call& call);
Task<http::Response> mandelbrot(http::Request& request, service::Call& call);
http::Response stats(const http::Request& request);
Task<void> websocket_echo(http::Request& request, http::WebSocket& socket, service::Call& call);

native::Catalog catalog() {
  static constexpr native::Entry kEntries[] = {
      {"plaintext", plaintext},
      {"json", json},
      {"hello", hello},
      {"fib", fib},
      {"echo", echo},
      {"headers", headers},
      {"cookies", cookies},
      {"baseline", baseline},
      {"delay", delay},
      {"bytes", bytes},
      {"events", events},
      {"status", status},
      {"upload", upload, native::BodyMode::streamed},
      {"mandelbrot", mandelbrot},
      {"stats", stats},
      {"websocket_echo", websocket_echo, native::BodyMode::buffered, "echo, tandem.echo"},
  };
  return kEntries;
}

}  // namespace tandem::handlers
