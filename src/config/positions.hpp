// Where in the file each value stands: nlohmann's values don't know it, so a scanner of our own walks the text once more.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::config {

// Both count from 1; columns count characters, not bytes.
struct Position {
  std::size_t line = 1;
  std::size_t column = 1;
};

struct Positions {
  struct Entry {
    Position key;  // of a member's name; of the value for the elements of an array
    Position value;
  };
  struct Duplicate {
    std::string pointer;
    Position first;
    Position second;
  };
  std::map<std::string, Entry, std::less<>> entries;  // by JSON pointer (RFC 6901); "" is the whole document
  std::vector<Duplicate> duplicates;                  // names that an object gives twice; entries hold the first
};

// `text` is valid JSON with // and /* */ comments, nested no deeper than the stack allows.
Positions scan_positions(std::string_view text);

// The position of the byte at `offset`.
Position position_at(std::string_view text, std::size_t offset);

// "/routes" and "a/b" make "/routes/a~1b".
std::string child_pointer(std::string_view pointer, std::string_view key);

}  // namespace tandem::config
