#include "native/metered.hpp"

#include <memory>
#include <utility>

#include "service/cpu_piece.hpp"

namespace tandem::native {
namespace {

using service::Call;
using service::CpuPause;
using service::CpuPiece;

// Stands in front of the request's body as long as it lives.
class MeteredBody final : public http::RequestBody {
 public:
  MeteredBody(http::Request& request, Call& call) : request_(request), inner_(*request.body), call_(call) {
    request.body = this;
  }
  ~MeteredBody() override { request_.body = &inner_; }
  MeteredBody(const MeteredBody&) = delete;
  MeteredBody& operator=(const MeteredBody&) = delete;

  std::optional<std::uint64_t> content_length() const override { return inner_.content_length(); }
  bool limit(std::uint64_t max_bytes) override { return inner_.limit(max_bytes); }
  std::optional<std::string_view> buffered() override { return inner_.buffered(); }
  Task<Result<std::string_view>> read_all() override {
    const CpuPause pause(call_);
    auto reading = inner_.read_all();
    auto text = co_await reading;
    co_return text;
  }
  Task<Result<std::string_view>> read() override {
    const CpuPause pause(call_);
    auto reading = inner_.read();
    auto piece = co_await reading;
    co_return piece;
  }
  void abandon() override { inner_.abandon(); }

 private:
  http::Request& request_;
  http::RequestBody& inner_;
  Call& call_;
};

class MeteredStream final : public http::ResponseStream {
 public:
  MeteredStream(std::unique_ptr<MeteredBody> body, std::unique_ptr<http::ResponseStream> inner, Call& call)
      : body_(std::move(body)), inner_(std::move(inner)), call_(call) {}

  std::optional<std::uint64_t> content_length() const override { return inner_->content_length(); }
  Task<Result<std::string_view>> read() override {
    const CpuPiece running(call_);
    auto reading = inner_->read();
    auto piece = co_await reading;
    co_return piece;
  }

 private:
  std::unique_ptr<MeteredBody> body_;
  std::unique_ptr<http::ResponseStream> inner_;
  Call& call_;
};

}  // namespace

Task<http::Response> run_metered(Task<http::Response> task, http::Request& request, Call& call) {
  auto body = std::make_unique<MeteredBody>(request, call);
  const CpuPiece piece(call);
  auto response = co_await task;
  if (auto* stream = std::get_if<std::unique_ptr<http::ResponseStream>>(&response.body))
    *stream = std::make_unique<MeteredStream>(std::move(body), std::move(*stream), call);
  co_return response;
}

}  // namespace tandem::native
