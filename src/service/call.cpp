#include "service/call.hpp"

namespace tandem::service {

void Call::clear() {
  started = {};
  id_length = 0;
  table.reset();
  kept_body.reset();
  client = &peer;
  forwarded_client.reset();
  route = arm = root_path = {};
  backend = BackendKind::none;
  metrics = nullptr;
  trial = {};
  afterwards.reset();
  is_shadow = false;
  is_twin = pin_denied = is_private = server_timing = debug = false;
  twin_fields.clear();
  queue_time = handler_time = gil_time = cpu_time = Nanoseconds{0};
  is_cpu_sampled = false;
  interim = nullptr;
  waiting_for = nullptr;
  cancelled = false;
}

}  // namespace tandem::service
