// Request ids: taken from the client's X-Request-Id if sane, else made; unique enough to find one request in the logs.
#pragma once

#include <string_view>

#include "service/call.hpp"

namespace tandem::service {

// 1 to 64 characters of letters, digits and "-_.:+/=@".
bool is_sane_id(std::string_view text);

// Sets call.id() from what the client sent, or to 16 fresh hexadecimal digits. Thread: any.
void assign_id(Call& call, std::string_view sent);

}  // namespace tandem::service
