// Coroutine endpoints of requests whose CPU time is read: the pieces between waits are added up in Call::cpu_time, those of
// the stream that they answer with included.
#pragma once

#include "service/handler.hpp"

namespace tandem::native {

// Runs the endpoint's task, which was made for this call but has not begun. `request` shows it a body whose waits do not
// count.
Task<http::Response> run_metered(Task<http::Response> task, http::Request& request, service::Call& call);

}  // namespace tandem::native
