#include "top/news.hpp"

namespace tandem::top {

void News::tell(std::string name, std::string_view json, TimePoint now) {
  try {
    auto document = Json::parse(json);
    if (name == "report") name += " " + document.at("experiment").get<std::string>();
    if (name == "status") {
      before_ = now_;
      now_ = {document.at("cpu_seconds").get<double>(), document.at("uptime_seconds").get<double>()};
      // Another process has taken the place of the first.
      if (before_.uptime_seconds > now_.uptime_seconds) looks = 0;
      ++looks;
    }
    documents.insert_or_assign(std::move(name), std::move(document));
    last = now;
    loss.clear();
  } catch (const Json::exception&) {
    loss = "the answer is not what Tandem's admin side sends";
  }
}

std::optional<double> News::cpu() const {
  const double seconds = now_.uptime_seconds - before_.uptime_seconds;
  if (looks < 2 || seconds <= 0) return std::nullopt;
  return (now_.cpu_seconds - before_.cpu_seconds) / seconds;
}

const Json& News::document(std::string_view name) const {
  static const Json kNothing;
  const auto found = documents.find(name);
  return found == documents.end() ? kNothing : found->second;
}

}  // namespace tandem::top
