#include "app/admin_access.hpp"

#include <fstream>
#include <iostream>

#include "app/commands.hpp"

namespace tandem::app {

admin::AdminClientOptions client_options(const std::string& url) {
  admin::AdminClientOptions options;
  options.url = url;
  options.token = process_environment()("TANDEM_ADMIN_TOKEN").value_or("");
  return options;
}

int complain(const std::string& message) {
  std::cerr << "tandem: " << message << "\n";
  return kFailed;
}

int deliver(const std::string& text, const std::string& file) {
  if (file.empty()) {
    std::cout << text;
    return 0;
  }
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  if (!(stream << text).flush()) return complain("can't write " + file);
  return 0;
}

void print_document(const std::string& document) { std::cout << document << (document.ends_with('\n') ? "" : "\n"); }

int show(const admin::AdminClientOptions& options, const std::string& path, bool json,
         Result<std::string> (*format)(std::string_view)) {
  const auto answer = admin::admin_get(options, path);
  if (!answer) return complain(answer.error().message);
  if (json) {
    print_document(*answer);
    return 0;
  }
  const auto text = format(*answer);
  if (!text) return complain(text.error().message);
  std::cout << *text;
  return 0;
}

}  // namespace tandem::app
