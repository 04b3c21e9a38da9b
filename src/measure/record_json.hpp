// A Record as JSON and back. Integers only: nothing is lost, and equal records are equal texts. What is zero or empty is
// left out. A histogram is a flat list bucket, count, bucket, count…; a sum beyond 64 bits is a string of decimal digits.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"
#include "measure/record.hpp"

namespace tandem::measure {

nlohmann::json to_json(const Record& record);

// Strict: unknown members, numbers out of range, unordered lists and sums that can't be are errors that name the place.
Result<Record> record_from_json(const nlohmann::json& value);
Result<Record> parse_record(std::string_view text);

}  // namespace tandem::measure
