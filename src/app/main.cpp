#include <exception>
#include <iostream>

#include "app/commands.hpp"

int main(int argc, char** argv) {
  try {
    const auto parsed = tandem::app::parse_command_line(argc, argv);
    if (const auto* exit_code = std::get_if<int>(&parsed)) return *exit_code;
    return std::visit([](const auto& command) { return tandem::app::run_command(command); },
                      std::get<tandem::app::CommandLine>(parsed));
  } catch (const std::exception& error) {
    std::cerr << "tandem: " << error.what() << "\n";
    return 1;
  }
}
