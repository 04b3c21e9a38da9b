// How one access record looks as a line of text or JSON. Used by the access log's own thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "observe/access_log.hpp"

namespace tandem::observe {

inline constexpr std::size_t kMaxTargetBytes = 1024;
inline constexpr std::size_t kMaxUserAgentBytes = 256;
inline constexpr std::size_t kMaxOtherBytes = 256;  // of each further text: from the config, or short anyway

// Bytes that were cut off a record's texts.
struct CutBytes {
  std::uint32_t target = 0;
  std::uint32_t user_agent = 0;
};

// Shortens the record's texts to what a line may hold.
CutBytes cut_texts(AccessRecord& record);

// Appends one line with its newline. `record` has been cut already.
void append_access_line(std::string& out, const AccessRecord& record, CutBytes cut, LogFormat format,
                        std::chrono::system_clock::time_point when);

}  // namespace tandem::observe
