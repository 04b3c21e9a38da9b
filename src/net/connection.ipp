// The members of Connection. Included by connection.hpp only.
#pragma once

#include "service/request_id.hpp"

namespace tandem::net {

namespace stream_ops {

// Streams name their last rites differently: Asio's sockets take an error code, others need none.
template <class Stream>
void cancel(Stream& stream) {
  if constexpr (requires(boost::system::error_code error) { stream.cancel(error); }) {
    boost::system::error_code ignored;
    stream.cancel(ignored);
  } else {
    stream.cancel();
  }
}

template <class Stream>
void close(Stream& stream) {
  if constexpr (requires(boost::system::error_code error) { stream.close(error); }) {
    boost::system::error_code ignored;
    stream.close(ignored);
  } else {
    stream.close();
  }
}

template <class Stream>
void shutdown_send(Stream& stream) {
  if constexpr (requires { stream.shutdown_send(); }) {
    stream.shutdown_send();
  } else {
    boost::system::error_code ignored;
    stream.shutdown(Stream::shutdown_send, ignored);
  }
}

}  // namespace stream_ops

// ---------------------------------------------------------------------------------------------------------------- the loop

template <class Stream>
Task<void> Connection<Stream>::run() {
  TimePoint last_end{};  // when the answer before this one in the same batch was ready
  set_phase(Phase::idle, context_.options.limits.idle_timeout);
  while (true) {
    if (unread() > 0 && !closing_ && !broken_) {
      acquire_exchange();
      Exchange& exchange = *exchange_;
      const auto status = exchange.parser.parse(unread_bytes(), exchange.request);
      if (status == RequestParser::Status::refused) {
        const auto& problem = exchange.parser.problem();
        co_await refuse_request(problem.status, problem.code, problem.detail);
        break;
      }
      if (status == RequestParser::Status::complete) {
        if (!begin_body()) {  // a body is on its way and needs a larger buffer; then the head is read again where it lies
          co_await settle_reads();
          use_buffer(exchange.parser.head_bytes() + kBodyBuffer);
          exchange.parser.reset();
          continue;
        }
        set_phase(Phase::none, {});
        service::Call& call = *exchange.call;
        call.clear();
        call.server_timing = context_.server_timing;
        call.debug = context_.debug;
        // RFC 9110 §15.2: HTTP/1.0 knows no 1xx.
        if (exchange.request.version == http::Version::http_1_1) call.interim = &exchange.interim_sender;
        call.started = last_end == TimePoint{} ? std::chrono::steady_clock::now() : last_end;
        service::assign_id(call, exchange.request.headers.find(http::Field::x_request_id));

        // The outcome lies in the exchange: what stands in this coroutine's frame, idle connections carry about.
        exchange.outcome.emplace(context_.root->handle(exchange.request, call));
        if (!exchange.outcome->ready()) co_await await_outcome();
        http::Response& response = exchange.outcome->response();
        if (broken_ || response.status == http::kClientGone) {
          note_end(http::kClientGone, 0, std::chrono::steady_clock::now() - call.started, {});
          broken_ = true;
          exchange.outcome.reset();
          break;
        }

        if (response.session()) {
          co_await serve_websocket(response);
          exchange.outcome.reset();
          break;
        }

        // A body may be read for as long as a stream answers it. One that the client was never asked for may never come.
        const bool body_in_order = response.stream() ? !owes_continue_ && !body_error_ : skip_body();
        owes_continue_ = false;
        const auto framing =
            frame_response(exchange.request, response,
                           exchange.parser.framing().keep_alive && body_in_order && !context_.draining && !peer_closed_);
        closing_ = !framing.keep_alive;
        last_end = std::chrono::steady_clock::now();
        const auto total = last_end - call.started;
        append_head(exchange.out, exchange.request, response, framing, call, total);
        if (response.stream() && framing.send_body) {
          co_await write_stream(response, framing);
          last_end = TimePoint{};
        } else {
          const auto body = framing.send_body ? response.body_text() : std::string_view{};
          if (body.size() <= http::kBufferedBody) {
            exchange.out.append(body);
          } else if (auto tail = body; !try_write(tail)) {
            co_await write(tail);
          }
          note_end(response.status, body.size(), total, {});
        }
        exchange.outcome.reset();
        call.table.reset();  // a client that sends half a request next must not hold what was replaced meanwhile
        if (!skip_body()) closing_ = true;
        exchange.decoder.reset();
        exchange.parser.reset();
        head_end_ = 0;
        if (std::string_view none; exchange.out.size() > kOutputBatch && !try_write(none)) co_await write({});
        continue;
      }
    }

    // Nothing complete to serve: send what was gathered, then wait for more.
    last_end = TimePoint{};
    if (std::string_view none; exchange_ && !exchange_->out.empty() && !try_write(none)) co_await write({});
    if (broken_ || closing_) break;
    if (peer_closed_) {
      if (unread_bytes().find_first_not_of("\r\n") != std::string_view::npos)  // empty lines are no request
        co_await refuse_request(400, "http.bad_request", "the request ends before its head is complete");
      break;
    }
    if (unread() == 0) {
      release_exchange();
      const auto& limits = context_.options.limits;
      if (phase_ != Phase::idle)
        set_phase(Phase::idle, context_.draining ? Nanoseconds(kDrainIdle)
                               : large_          ? Nanoseconds(kShrinkAfter)
                                                 : Nanoseconds(limits.idle_timeout));
    } else if (phase_ != Phase::header) {
      set_phase(Phase::header, context_.options.limits.header_timeout);
    }
    if (!reading_) make_room();
    co_await ReadAwaiter{*this};
    if (timed_out_) {
      if (unread() > 0) co_await refuse_request(408, "http.header_timeout", "the request head took too long to arrive");
      break;
    }
    if (shrink_ && unread() == 0 && !reading_) {
      large_.reset();
      begin_ = end_ = 0;
      set_phase(Phase::idle, context_.options.limits.idle_timeout);
    }
    shrink_ = false;
  }

  if (!broken_ && !peer_closed_) co_await linger();
  set_phase(Phase::none, {});
  stream_ops::close(stream_);
  co_await settle_reads();
  disarm();
  release_exchange();
}

template <class Stream>
Task<void> Connection<Stream>::await_outcome() {
  if (std::string_view none; !exchange_->out.empty() && !try_write(none)) co_await write({});  // earlier answers don't wait
  serving_ = true;
  watch();
  if (peer_closed_) set_phase(Phase::half_closed, kHalfCloseGrace);
  if (broken_) exchange_->call->cancel();
  auto task = std::move(exchange_->outcome->task());
  auto response = co_await task;
  exchange_->outcome.emplace(std::move(response));
  InterimAwaiter interim_written{*this};
  co_await interim_written;
  serving_ = false;
  if (phase_ == Phase::half_closed) set_phase(Phase::none, {});
}

template <class Stream>
Task<void> Connection<Stream>::refuse_request(int status, std::string_view code, std::string_view detail) {
  acquire_exchange();
  Exchange& exchange = *exchange_;
  service::Call& call = *exchange.call;
  const http::Problem problem(status, code, std::string(detail));
  exchange.request.clear();
  call.clear();
  call.started = std::chrono::steady_clock::now();
  service::assign_id(call, {});
  const auto response = http::problem_response(problem, call.id());
  closing_ = true;
  append_head(exchange.out, exchange.request, response, frame_response(exchange.request, response, false), call, {});
  exchange.out.append(response.body_text());
  note_end(response.status, response.body_text().size(), {}, {});
  co_await write({});
}

// After the last answer the client may still be sending: closing at once would reset the connection and could take the
// answer with it (RFC 9112 §9.6).
template <class Stream>
Task<void> Connection<Stream>::linger() {
  if (std::string_view none; exchange_ && !exchange_->out.empty() && !try_write(none)) co_await write({});
  if (broken_) co_return;
  stream_ops::shutdown_send(stream_);
  timed_out_ = false;
  head_end_ = 0;
  set_phase(Phase::linger, kLinger);
  while (!peer_closed_ && !broken_ && !timed_out_) {
    if (!reading_) begin_ = end_ = 0;
    co_await ReadAwaiter{*this};
  }
}

template <class Stream>
void Connection<Stream>::note_end(int status, std::uint64_t body_bytes, Nanoseconds total, Nanoseconds write_time,
                                  Nanoseconds upgrade) {
  if (!context_.observer) return;
  service::Ending ending;
  ending.status = status;
  ending.body_bytes_sent = body_bytes;
  ending.body_bytes_received = body_received_;
  ending.total = total;
  ending.write = write_time;
  ending.upgrade = upgrade;
  context_.observer->ended(exchange_->request, *exchange_->call, ending);
}

template <class Stream>
void Connection<Stream>::acquire_exchange() {
  if (exchange_) return;
  if (context_.spare.empty()) {
    exchange_ = std::make_unique<Exchange>(context_.options);
  } else {
    exchange_ = std::move(context_.spare.back());
    context_.spare.pop_back();
  }
  exchange_->call.emplace(context_.loop, peer_);
  exchange_->write_deadline.connection = this;
  exchange_->interim_sender.connection = this;
}

template <class Stream>
void Connection<Stream>::release_exchange() {
  if (!exchange_) return;
  static constexpr std::size_t kKeep = 64;
  if (context_.spare.size() >= kKeep || exchange_->out.capacity() > 4 * kOutputBatch ||
      exchange_->body_text.capacity() > kBodyBuffer) {
    exchange_.reset();
    return;
  }
  exchange_->outcome.reset();
  exchange_->call.reset();
  exchange_->request.clear();
  exchange_->decoder.reset();
  exchange_->parser.reset();
  exchange_->body_text.clear();
  exchange_->out.clear();
  context_.spare.push_back(std::move(exchange_));
}

// ------------------------------------------------------------------------------------------------------------------ reading

template <class Stream>
void Connection<Stream>::start_read() {
  reading_ = true;
  stream_.async_read_some(boost::asio::buffer(buffer_data() + end_, capacity() - end_),
                          [this](boost::system::error_code error, std::size_t count) { on_read(error, count); });
}

// While an answer is made or streamed, a read tells when the client goes. What it sends meanwhile stays in the buffer; once
// that is full, nothing more is read.
template <class Stream>
void Connection<Stream>::watch() {
  if (serving_ && !reading_ && !peer_closed_ && !broken_ && end_ < capacity()) start_read();
}

template <class Stream>
void Connection<Stream>::on_read(const boost::system::error_code& error, std::size_t count) {
  reading_ = false;
  end_ += count;
  if (error == boost::asio::error::eof)
    peer_closed_ = true;
  else if (error && error != boost::asio::error::operation_aborted)
    broken_ = true;
  if (reader_) {
    std::exchange(reader_, {}).resume();
  } else if (serving_) {
    if (broken_)
      exchange_->call->cancel();
    else if (peer_closed_)
      set_phase(Phase::half_closed, kHalfCloseGrace);
    else
      watch();
  }
}

template <class Stream>
Task<void> Connection<Stream>::settle_reads() {
  if (reading_) stream_ops::cancel(stream_);
  while (reading_) co_await ReadAwaiter{*this};
}

template <class Stream>
void Connection<Stream>::use_buffer(std::size_t wanted) {
  if (wanted <= capacity()) return;
  auto larger = std::make_unique_for_overwrite<char[]>(wanted);
  std::copy(buffer_data() + begin_, buffer_data() + end_, larger.get());
  large_ = std::move(larger);
  large_capacity_ = wanted;
  end_ -= begin_;
  begin_ = 0;
}

// Between requests: free room at the end for the next read. A read that filled the buffer says that the client sends more at
// a time than it holds: a larger one saves system calls until the connection idles.
template <class Stream>
void Connection<Stream>::make_room() {
  if (end_ == capacity()) {
    if (capacity() < kLargeBuffer || begin_ == 0)
      use_buffer(std::max(kLargeBuffer, begin_ == end_ ? capacity() : 2 * capacity()));
    if (begin_ > 0) {
      std::copy(buffer_data() + begin_, buffer_data() + end_, buffer_data());
      end_ -= begin_;
      begin_ = 0;
    }
  } else if (begin_ == end_) {
    begin_ = end_ = 0;
  }
}

// ------------------------------------------------------------------------------------------------------------ request
// bodies

// False when the body is not here yet and the buffer is too small to receive it.
template <class Stream>
bool Connection<Stream>::begin_body() {
  Exchange& exchange = *exchange_;
  const auto& framing = exchange.parser.framing();
  const auto head_bytes = exchange.parser.head_bytes();
  const bool has_body = framing.chunked || framing.content_length > 0;
  if (has_body && (framing.chunked || framing.content_length > unread() - head_bytes) &&
      capacity() < head_bytes + kBodyBuffer)
    return false;
  begin_ += head_bytes;
  head_end_ = begin_;
  body_end_ = !has_body;
  body_gathered_ = !has_body;
  text_undelivered_ = false;
  body_abandoned_ = false;
  body_view_ = {};
  body_error_.reset();
  body_received_ = 0;
  body_limit_ = context_.options.limits.body_bytes;
  body_remaining_ = framing.content_length;
  owes_continue_ = framing.expect_continue;
  exchange.body_text.clear();
  if (framing.chunked) exchange.decoder.emplace(context_.options.limits.header_bytes, context_.options.limits.header_count);
  exchange.request.body = this;
  return true;
}

template <class Stream>
std::optional<std::uint64_t> Connection<Stream>::content_length() const {
  const auto& framing = exchange_->parser.framing();
  if (framing.chunked) return std::nullopt;
  return framing.content_length;
}

template <class Stream>
bool Connection<Stream>::limit(std::uint64_t max_bytes) {
  body_limit_ = max_bytes;
  const auto& framing = exchange_->parser.framing();
  return framing.chunked || framing.content_length <= max_bytes;
}

template <class Stream>
void Connection<Stream>::fail_body(Error error) {
  body_error_ = std::move(error);
  closing_ = true;
}

// The next bytes of the body that have arrived already.
template <class Stream>
auto Connection<Stream>::take_piece(std::string_view& piece) -> Taken {
  if (body_error_) return Taken::failed;
  if (body_end_) return Taken::end;
  if (unread() == 0) return Taken::nothing;
  if (auto& decoder = exchange_->decoder) {
    auto input = unread_bytes();
    const auto status = decoder->next(input, piece);
    begin_ = end_ - input.size();
    switch (status) {
      case ChunkedDecoder::Status::data:
        break;
      case ChunkedDecoder::Status::need_more:
        return Taken::nothing;
      case ChunkedDecoder::Status::end:
        body_end_ = true;
        return Taken::end;
      case ChunkedDecoder::Status::malformed:
        fail_body(Error("http.bad_chunk", "the chunked body is malformed"));
        return Taken::failed;
      case ChunkedDecoder::Status::too_large:
        fail_body(Error("http.headers_too_large", "the chunked body's extensions or trailers are larger than the limit"));
        return Taken::failed;
    }
  } else {
    piece = unread_bytes().substr(0, body_remaining_);
    begin_ += piece.size();
    body_remaining_ -= piece.size();
    body_end_ = body_remaining_ == 0;
  }
  body_received_ += piece.size();
  if (body_received_ > body_limit_) {
    fail_body(Error("http.body_too_large", "the body may have " + std::to_string(body_limit_) + " bytes here"));
    return Taken::failed;
  }
  return Taken::piece;
}

// Waits until more of the body has arrived or can't arrive any more (body_error_), or nobody waits for it.
template <class Stream>
Task<void> Connection<Stream>::wait_for_body() {
  // RFC 9110 §10.1.1: only now is it certain that the body will be read.
  if (std::exchange(owes_continue_, false)) send_interim(kContinue);
  if (!peer_closed_ && !broken_) {
    if (!reading_) begin_ = end_ = head_end_;
    const auto before = end_;
    set_phase(Phase::body, context_.options.limits.body_timeout);
    co_await ReadAwaiter{*this};
    set_phase(Phase::none, {});
    if (end_ > before || body_abandoned_) co_return;
  }
  if (std::exchange(timed_out_, false))
    fail_body(Error("http.body_timeout", "the body took too long to arrive"));
  else if (peer_closed_ || broken_)
    fail_body(Error("client.gone", "the client closed the connection before its request was complete"));
}

template <class Stream>
void Connection<Stream>::abandon() {
  body_abandoned_ = true;
  if (phase_ == Phase::body && reader_) std::exchange(reader_, {}).resume();
}

template <class Stream>
std::optional<std::string_view> Connection<Stream>::buffered() {
  if (body_gathered_) return body_view_;
  if (body_error_) return std::nullopt;
  if (exchange_->decoder) {
    std::string_view piece;
    auto taken = Taken::piece;
    while ((taken = take_piece(piece)) == Taken::piece) exchange_->body_text.append(piece);
    text_undelivered_ = true;
    if (taken != Taken::end) return std::nullopt;
    body_view_ = exchange_->body_text;
  } else {
    if (unread() < body_remaining_ || body_remaining_ > body_limit_ || body_received_ > 0) return std::nullopt;
    if (take_piece(body_view_) != Taken::piece) return std::nullopt;
    text_undelivered_ = true;
  }
  body_gathered_ = true;
  return body_view_;
}

template <class Stream>
Task<Result<std::string_view>> Connection<Stream>::read_all() {
  while (!body_gathered_) {
    if (body_abandoned_) co_return Error("the body was abandoned");
    std::string_view piece;
    switch (take_piece(piece)) {
      case Taken::piece:
        exchange_->body_text.append(piece);
        break;
      case Taken::nothing:
        co_await wait_for_body();
        break;
      case Taken::failed:
        co_return *body_error_;
      case Taken::end:
        body_taken();
        body_view_ = exchange_->body_text;
        body_gathered_ = true;
        break;
    }
  }
  co_return body_view_;
}

template <class Stream>
Task<Result<std::string_view>> Connection<Stream>::read() {
  if (std::exchange(text_undelivered_, false)) {
    const auto text = body_gathered_ ? body_view_ : std::string_view(exchange_->body_text);
    if (!text.empty()) co_return text;
  }
  while (!body_abandoned_) {
    std::string_view piece;
    switch (take_piece(piece)) {
      case Taken::piece:
        co_return piece;
      case Taken::nothing:
        co_await wait_for_body();
        break;
      case Taken::failed:
        co_return *body_error_;
      case Taken::end:
        body_taken();
        co_return std::string_view{};
    }
  }
  co_return Error("the body was abandoned");
}

// The reader has had the last piece: its place in the buffer is free for what the client sends next.
template <class Stream>
void Connection<Stream>::body_taken() {
  if (!body_gathered_ && !reading_ && unread() == 0) begin_ = end_ = head_end_;
  watch();
}

// After the answer: takes what is left of the body if all of it is here. If not, the connection can't go on.
template <class Stream>
bool Connection<Stream>::skip_body() {
  std::string_view piece;
  while (take_piece(piece) == Taken::piece) {
  }
  return body_end_ && !body_error_;
}

// ------------------------------------------------------------------------------------------------------------------ writing

template <class Stream>
void Connection<Stream>::written(std::size_t count, std::string_view& tail) {
  std::string& out = exchange_->out;
  const auto from_out = std::min(count, out.size());
  if (from_out == out.size())
    out.clear();
  else
    out.erase(0, from_out);
  tail.remove_prefix(count - from_out);
  if (count > 0) wrote_since_check_ = true;
}

template <class Stream>
bool Connection<Stream>::try_write(std::string_view& tail) {
  if constexpr (requires(boost::system::error_code error) { stream_.write_some(boost::asio::const_buffer(), error); }) {
    boost::system::error_code error;
    std::size_t count = 0;
    if (tail.empty()) {
      count = stream_.write_some(boost::asio::buffer(exchange_->out), error);
    } else {
      const std::array<boost::asio::const_buffer, 2> buffers{boost::asio::buffer(exchange_->out), boost::asio::buffer(tail)};
      count = stream_.write_some(buffers, error);
    }
    if (error && error != boost::asio::error::would_block && error != boost::asio::error::try_again) {
      broken_ = true;
      exchange_->out.clear();
      return true;
    }
    written(count, tail);
  }
  return exchange_->out.empty() && tail.empty();
}

template <class Stream>
Task<void> Connection<Stream>::write(std::string_view tail) {
  while (!broken_ && (!exchange_->out.empty() || !tail.empty())) {
    arm_write_deadline();
    WriteAwaiter attempt(*this, exchange_->out, tail);
    co_await attempt;
    if (attempt.error) broken_ = true;
    written(attempt.count, tail);
  }
  if (broken_) exchange_->out.clear();
  exchange_->write_deadline.disarm();
}

template <class Stream>
void Connection<Stream>::send_interim(std::string_view text) {
  exchange_->out.append(text);
  if (std::string_view none; exchange_->interim.empty() && !try_write(none)) write_interim();
}

template <class Stream>
void Connection<Stream>::write_interim() {
  exchange_->interim.swap(exchange_->out);
  arm_write_deadline();
  stream_.async_write_some(boost::asio::buffer(exchange_->interim),
                           [this](boost::system::error_code error, std::size_t count) {
                             Exchange& exchange = *exchange_;
                             exchange.write_deadline.disarm();
                             if (error) broken_ = true;
                             if (!broken_) exchange.out.insert(0, exchange.interim, count);
                             exchange.interim.clear();
                             if (!broken_ && !exchange.out.empty()) return write_interim();
                             if (exchange.interim_waiter) std::exchange(exchange.interim_waiter, {}).resume();
                           });
}

template <class Stream>
void Connection<Stream>::arm_write_deadline() {
  context_.loop.wheel().arm(exchange_->write_deadline, context_.loop.coarse_now() + context_.options.limits.write_timeout);
}

template <class Stream>
Task<void> Connection<Stream>::write_stream(http::Response& response, const ResponseFraming& framing) {
  http::ResponseStream& stream = *response.stream();
  service::Call& call = *exchange_->call;
  std::uint64_t sent = 0;
  Nanoseconds write_time{0};
  serving_ = true;
  watch();
  if (peer_closed_ && phase_ != Phase::half_closed) set_phase(Phase::half_closed, kHalfCloseGrace);
  if (!framing.content_length) {  // events may be far apart: the client learns at once that they will come
    if (std::string_view none; !try_write(none)) co_await write({});
  }
  while (!broken_) {
    auto piece = co_await stream.read();
    if (!piece) {
      broken_ = true;  // the head is out: only breaking off tells the client (RFC 9112 §8)
      break;
    }
    if (piece->empty()) {
      if (framing.content_length && sent != *framing.content_length) broken_ = true;
      break;
    }
    sent += piece->size();
    if (framing.content_length && sent > *framing.content_length) {
      broken_ = true;
      break;
    }
    auto tail = *piece;
    if (framing.chunked) append_chunk_size(exchange_->out, piece->size());
    if (tail.size() <= http::kBufferedBody || framing.chunked) {
      exchange_->out.append(tail);
      tail = {};
      if (framing.chunked) exchange_->out.append("\r\n");
    }
    const auto before = std::chrono::steady_clock::now();
    if (!try_write(tail)) co_await write(tail);
    write_time += std::chrono::steady_clock::now() - before;
  }
  serving_ = false;
  if (phase_ == Phase::half_closed) set_phase(Phase::none, {});
  if (!broken_ && framing.chunked) exchange_->out.append(kLastChunk);
  note_end(response.status, sent, std::chrono::steady_clock::now() - call.started, write_time);
}

// The handshake was accepted: from here on the connection is a WebSocket until its end.
template <class Stream>
Task<void> Connection<Stream>::serve_websocket(http::Response& response) {
  Exchange& exchange = *exchange_;
  service::Call& call = *exchange.call;
  closing_ = true;
  if (std::string_view none; !exchange.out.empty() && !try_write(none)) co_await write({});
  co_await settle_reads();
  const auto upgrade = std::chrono::steady_clock::now() - call.started;
  std::string lines;
  ResponseFraming framing;
  framing.send_body = false;
  append_head(lines, exchange.request, response, framing, call, upgrade);
  lines.erase(0, lines.find('\n') + 1);
  lines.resize(lines.size() - 2);

  // The request's views point into the buffer: messages are read into what is free behind them.
  std::span<char> room(buffer_data() + end_, capacity() - end_);
  std::unique_ptr<char[]> own;
  if (room.size() < WebSocketStream::kRoom) {
    own = std::make_unique_for_overwrite<char[]>(WebSocketStream::kRoom);
    room = {own.get(), WebSocketStream::kRoom};
  }
  Bytes bytes(stream_);
  WebSocketStream socket(bytes, call, context_.options, unread_bytes(), room);
  exchange.websocket = &socket;
  if (!broken_ && co_await socket.accept(exchange.request, lines)) {
    if (context_.draining) socket.begin_drain();
    co_await socket.run(*response.session());
  }
  exchange.websocket = nullptr;
  if (socket.connection_ended()) broken_ = true;
  body_received_ = socket.bytes_received();
  note_end(response.status, socket.bytes_sent(), std::chrono::steady_clock::now() - call.started, {}, upgrade);
}

template <class Stream>
void Connection<Stream>::Bytes::close() {
  stream_ops::close(stream);
}

// --------------------------------------------------------------------------------------------------------- deadlines and
// ends

template <class Stream>
void Connection<Stream>::set_phase(Phase phase, Nanoseconds timeout) {
  phase_ = phase;
  if (phase == Phase::none) return;
  // A timer that is armed for earlier will look at the deadline again when it fires.
  deadline_ = context_.loop.coarse_now() + timeout;
  wrote_since_check_ = false;
  if (armed() && armed_for_ <= deadline_) return;
  armed_for_ = deadline_;
  context_.loop.wheel().arm(*this, deadline_);
}

template <class Stream>
void Connection<Stream>::expired() {
  if (phase_ == Phase::none) return;
  if (context_.loop.coarse_now() < deadline_) {
    armed_for_ = deadline_;
    context_.loop.wheel().arm(*this, deadline_);
    return;
  }
  switch (phase_) {
    case Phase::idle:
      if (large_ && !context_.draining)
        shrink_ = true;
      else
        timed_out_ = true;
      stream_ops::cancel(stream_);
      break;
    case Phase::header:
    case Phase::linger:
      timed_out_ = true;
      stream_ops::cancel(stream_);
      break;
    case Phase::body:
      timed_out_ = true;
      if (reader_) std::exchange(reader_, {}).resume();  // the read goes on: an answer may be leaving beside it
      break;
    case Phase::half_closed:
      // The client's last byte came a while ago and nothing was written since: it has gone rather than half-closed.
      if (wrote_since_check_ || exchange_->write_deadline.armed())
        set_phase(Phase::half_closed, kHalfCloseGrace);
      else
        exchange_->call->cancel();
      break;
    case Phase::none:
      break;
  }
}

template <class Stream>
void Connection<Stream>::begin_drain() {
  if (phase_ == Phase::idle) set_phase(Phase::idle, kDrainIdle);
  if (exchange_ && exchange_->websocket) exchange_->websocket->begin_drain();
}

template <class Stream>
void Connection<Stream>::begin_change(const void* table) {
  if (exchange_ && exchange_->websocket && exchange_->call->table.get() != table) exchange_->websocket->begin_drain();
}

template <class Stream>
void Connection<Stream>::write_timed_out() {
  broken_ = true;
  stream_ops::close(stream_);
}

template <class Stream>
void Connection<Stream>::abort() {
  broken_ = true;
  if (exchange_ && exchange_->call) exchange_->call->cancel();
  stream_ops::close(stream_);
}

}  // namespace tandem::net
