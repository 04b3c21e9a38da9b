// Why an application could not be loaded, for the person who is writing it: on the terminal and in the browser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::app {

struct Failure {
  std::string summary;    // "ModuleNotFoundError: No module named 'shop'"
  std::string traceback;  // as Python prints it; empty when there is none
  std::string file;       // where the error was raised: the last place the traceback names
  unsigned line = 0;
};

// From the message of a pool that did not start: its first line, then the traceback.
Failure parse_failure(std::string_view message);

// Whole lines, with the places and the error marked by colours, if `colour`. Control characters of the message are left out.
std::string format_for_terminal(const Failure& failure, bool colour);

// A page with the lines of source around the error. It asks for itself with "Tandem-Page: NUMBER" and is loaded again once
// that is answered: the gate answers when there is something else to see.
std::string format_for_browser(const Failure& failure, std::string_view application, std::uint64_t number);

}  // namespace tandem::app
