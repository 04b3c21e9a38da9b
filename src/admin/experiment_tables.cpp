#include "admin/experiment_tables.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "admin/text_table.hpp"

namespace tandem::admin {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object, const char* key) { return object.at(key).get<std::string>(); }

// "12.5 %"
std::string percent(unsigned basis_points) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g %%", basis_points / 100.0);
  return text;
}

std::string arms_table(const Json& arms) {
  Rows rows{{"ARM", "", "WEIGHT", "TRAFFIC", "BUCKETS"}};
  for (const auto& arm : arms)
    rows.push_back({text_of(arm, "name"), arm.at("is_control").get<bool>() ? "control" : "candidate",
                    percent(arm.at("weight_bp").get<unsigned>()), percent(arm.at("traffic_bp").get<unsigned>()),
                    text_of(arm, "buckets").empty() ? "-" : text_of(arm, "buckets")});
  std::string out;
  append_rows(out, rows);
  return out;
}

std::string heading(const Json& document) {
  auto out = "experiment " + text_of(document, "id") + " of route " + text_of(document, "route") + ": " +
             text_of(document, "state") + ", revision " + document.at("revision").dump() + ", epoch " +
             document.at("epoch").dump() + "\n";
  out += "since " + text_of(document, "updated_at") + " by " + text_of(document, "updated_by") + ": " +
         text_of(document, "reason") + "\n";
  if (!document.at("persisted").get<bool>())
    out += "not kept on disk" +
           (document.contains("not_persisted_because") ? ": " + text_of(document, "not_persisted_because") : std::string()) +
           "\n";
  return out;
}

std::string experiment_table(const Json& document) { return heading(document) + "\n" + arms_table(document.at("arms")); }

std::string schedule_table(const Json& document) {
  auto out = heading(document);
  const auto& schedule = document.at("schedule");
  if (schedule.is_null()) return out + "\nno schedule\n";
  Rows rows{{"STEP", "WEIGHT", "TIME S", "REQUESTS", "WINDOWS", "GATE", ""}};
  const auto taken = schedule.at("taken").get<std::size_t>();
  std::size_t number = 0;
  for (const auto& step : schedule.at("steps")) {
    ++number;
    rows.push_back({std::to_string(number), percent(step.at("weight_bp").get<unsigned>()),
                    std::to_string(static_cast<long>(step.at("min_time_seconds").get<double>())),
                    step.at("min_requests").dump(), step.at("min_windows").dump(), text_of(step, "gate"),
                    number < taken    ? "done"
                    : number == taken ? "now, since " + text_of(schedule, "began")
                                      : ""});
  }
  append_rows(out += "\n", rows);
  if (!text_of(schedule, "waiting_for").empty()) out += "waiting for " + text_of(schedule, "waiting_for") + "\n";
  return out;
}

std::string preview_table(const Json& document) {
  std::string out = "nothing was changed (revision " + document.at("revision").dump() + "); it would be:\n\n";
  out += arms_table(document.at("arms"));
  for (const auto& move : document.at("moved"))
    out += move.at("buckets").dump() + " of 10000 buckets move from " + text_of(move, "from") + " to " +
           text_of(move, "to") + "\n";
  if (document.at("moved").empty()) out += "no bucket moves\n";
  for (const auto& warning : document.at("warnings")) out += "warning: " + warning.get<std::string>() + "\n";
  return out;
}

std::string audit_table(const Json& document) {
  Rows rows{{"AT", "EXPERIMENT", "REVISION", "ACTION", "BY", "REASON"}};
  for (const auto& entry : document.at("entries"))
    rows.push_back({text_of(entry, "at"), text_of(entry, "experiment"),
                    entry.at("from").dump() + " > " + entry.at("to").dump(), text_of(entry, "action"),
                    text_of(entry, "actor"), text_of(entry, "reason")});
  if (rows.size() == 1) return "no changes\n";
  std::string out;
  append_rows(out, rows);
  return out;
}

Result<std::string> format_document(std::string_view text, std::string (*format)(const Json&)) {
  try {
    return format(Json::parse(text));
  } catch (const Json::exception&) {
    return Error("command.bad_document", "the answer is not what Tandem's admin side sends");
  }
}

}  // namespace

Result<std::string> format_experiment(std::string_view experiment_json) {
  return format_document(experiment_json, experiment_table);
}
Result<std::string> format_schedule(std::string_view experiment_json) {
  return format_document(experiment_json, schedule_table);
}
Result<std::string> format_preview(std::string_view preview_json) { return format_document(preview_json, preview_table); }
Result<std::string> format_audit(std::string_view audit_json) { return format_document(audit_json, audit_table); }

}  // namespace tandem::admin
