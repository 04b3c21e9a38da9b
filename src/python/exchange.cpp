#include "python/exchange.hpp"

namespace tandem::python {

bool Exchange::parse() {
  std::string_view rest = payload;
  if (!frames::take(rest, head)) return false;
  const auto cut = [&](std::size_t bytes, std::string_view& part) {
    if (rest.size() < bytes) return false;
    part = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return true;
  };
  if (!cut(head.param_count * sizeof(frames::Param), params) || !cut(head.field_count * sizeof(frames::FieldRef), fields) ||
      !cut(head.strings_length, strings))
    return false;
  first_body = rest;
  return true;
}

}  // namespace tandem::python
