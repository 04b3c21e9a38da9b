#include "pool/upload.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "pool/loop_dispatch.hpp"

namespace tandem::pool {

Upload::~Upload() {
  if (job) std::exchange(job, nullptr)->upload = nullptr;
  end();
  assert(task_.size() == 0 && "the body's reader has ended");
}

void Upload::start() { task_.spawn(run()); }

bool Upload::may_send() const { return job == nullptr || (job->sent_id != 0 && credit_ > 0); }

void Upload::on_sent() { home.wake(*this); }

void Upload::on_credit(std::uint32_t bytes) {
  credit_ += bytes;
  if (may_send()) home.wake(*this);
}

void Upload::end() {
  job = nullptr;
  if (task_.size() == 0) return;
  if (!sleeping) return body_.abandon();
  if (std::exchange(is_woken, false)) home.scrub(*this);
  std::exchange(sleeping, {}).resume();
}

Task<void> Upload::run() {
  while (true) {
    Wait for_credit{*this};
    co_await for_credit;
    if (job == nullptr) co_return;
    auto piece = co_await body_.read();
    if (job == nullptr) co_return;
    if (!piece) {
      home.upload_failed(*job, piece.error());
      co_return;
    }
    if (piece->empty()) {
      home.send_body(*job, {}, true);
      co_return;
    }
    auto rest = *piece;
    while (!rest.empty()) {
      Wait for_more{*this};
      co_await for_more;
      if (job == nullptr) co_return;
      const auto count = std::min(rest.size(), static_cast<std::size_t>(credit_));
      credit_ -= static_cast<std::int64_t>(count);
      home.send_body(*job, rest.substr(0, count), false);
      rest.remove_prefix(count);
    }
  }
}

}  // namespace tandem::pool
