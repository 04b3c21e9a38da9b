// The key of a request: what makes assignment sticky (experiments.md §5.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "experiment/settings.hpp"
#include "http/request.hpp"
#include "service/call.hpp"

namespace tandem::experiment {

struct Key {
  const KeySource* source = nullptr;  // null: no source had one, each request is on its own
  std::string_view text;              // into the request, the call, or `made`
  std::string made;                   // memory of a text that had to be made
  bool is_minted = false;             // for this request: its answer sets the cookie

  bool is_sticky() const { return source != nullptr && source->kind != KeySource::Kind::random; }
};

// The first source that has one. A source with an empty text has none, and so has a client without an address. `key` may not
// be moved afterwards.
void find_key(const std::vector<KeySource>& sources, const http::Request& request, const service::Call& call, Key& key);

// The first cookie of that name, from all Cookie fields (RFC 6265 §5.4); empty when there is none.
std::string_view find_cookie(const http::RequestHeaders& headers, std::string_view name);

// 128 random bits in hexadecimal digits, and whether a text is one.
std::string mint();
bool is_minted(std::string_view text);

// "tandem_id=…; Max-Age=…; Path=/; HttpOnly; SameSite=Lax", for Set-Cookie.
std::string mint_cookie(const KeySource& source, std::string_view id, Milliseconds max_age, bool is_secure);

}  // namespace tandem::experiment
