// Python exceptions at the door: what they become for the front, with their traceback as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "frames/frame.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

// The contents of an `error` frame.
struct Failure {
  int status = 500;
  std::string code;
  std::string detail;     // the client may see it
  std::string traceback;  // for the log, and for the client in debug mode only
  std::string headers;    // checked lines
};

// The exception that is set, which is cleared.
Object take_exception(const Gil& gil);
// Sets it again.
void restore_exception(const Gil& gil, Object exception);

// Takes the exception that is set. `cancelled`: the front had given the request up.
Failure take_failure(const Gil& gil, bool cancelled);

// What an endpoint returned is no answer: `reason` for the log.
Failure bad_response(std::string reason);

// "Type: message" with traceback of the exception that is set, for errors outside of any request.
std::string take_error_text(const Gil& gil);

void append_error(std::string& out, std::uint64_t id, const Failure& failure, const frames::Timing& timing);

// UTF-8, whatever `text` holds; "" when it is no str.
std::string utf8(const Gil& gil, PyObject* text);

}  // namespace tandem::python
