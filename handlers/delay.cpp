#include <nlohmann/json.hpp>

#include "handlers/arguments.hpp"
#include "service/handler.hpp"
#include "service/sleep.hpp"

namespace tandem::handlers {

Task<http::Response> delay(http::Request& request, service::Call& call) {
  const auto milliseconds = parse_whole(request.path_param("ms"), 0, 60'000);
  if (!milliseconds) co_return not_whole("ms", 0, 60'000);
  const auto duration = Milliseconds(*milliseconds);
  co_await service::sleep_for(call, duration);
  nlohmann::ordered_json document;
  document["delay_ms"] = *milliseconds;
  co_return http::json_text(document.dump());
}

}  // namespace tandem::handlers
