// A sum of nanoseconds that no load can overflow: 64 bits hold 584 years of waiting, which ten thousand clients wait
// together in three weeks.
#pragma once

namespace tandem::measure {

__extension__ using Sum = unsigned __int128;

}  // namespace tandem::measure
