#include "admin/tables.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "admin/text_table.hpp"

namespace tandem::admin {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& object, const char* key) { return object.at(key).get<std::string>(); }
std::string count_of(const Json& object, const char* key) { return std::to_string(object.at(key).get<std::uint64_t>()); }
std::string milliseconds_of(const Json& object, const char* key) {
  const auto& value = object.at(key);
  return value.is_null() ? "-" : format_number(value.get<double>(), 3);
}
std::string or_dash(std::string text) { return text.empty() ? "-" : text; }

std::string describe_reload(const Json& reload) {
  if (reload.is_null()) return "-";
  const auto by = text_of(reload, "by");
  return text_of(reload, "at") + (by.empty() ? "" : " by " + by) +
         (reload.at("ok").get<bool>() ? ", took " + count_of(reload, "took_ms") + " ms"
                                      : ", failed: " + text_of(reload, "code"));
}

std::string status_table(const Json& status) {
  std::string listening;
  std::string retiring;
  for (const auto& generation : status.at("retiring_generations"))
    retiring += (retiring.empty() ? ", requests still run in " : ", ") + std::to_string(generation.get<unsigned>());
  for (const auto& url : status.at("listening")) listening += (listening.empty() ? "" : " ") + url.get<std::string>();
  std::string out;
  append_rows(
      out, {{"tandem", text_of(status, "version") + ", " + text_of(status, "state")},
            {"process", "pid " + count_of(status, "pid") + ", up " + format_age(status.at("uptime_seconds").get<double>()) +
                            ", since " + text_of(status, "started_at")},
            {"listening", or_dash(listening)},
            {"config", or_dash(text_of(status, "config_file"))},
            {"generation", count_of(status, "generation") + retiring},
            {"last reload", describe_reload(status.at("last_reload"))},
            {"connections", "open " + count_of(status, "connections")}});
  if (const auto dropped = status.at("access_lines_dropped").get<std::uint64_t>(); dropped != 0)
    out += "access log: " + std::to_string(dropped) + " lines dropped\n";

  Rows pools{{"POOL", "MODE", "WORKERS", "READY", "QUEUED", "LIMIT"}};
  for (const auto& pool : status.at("pools"))
    pools.push_back({text_of(pool, "name"), text_of(pool, "mode"), count_of(pool, "workers"),
                     count_of(pool, "workers_ready"), count_of(pool, "queued"), count_of(pool, "queue_limit")});
  if (pools.size() > 1) append_rows(out += "\n", pools);

  Rows arms{{"ROUTE", "ARM", "BACKEND", "REQUESTS", "4XX", "5XX", "P50 MS", "P99 MS", "CPU S"}};
  for (const auto& arm : status.at("arms")) {
    const auto& requests = arm.at("requests");
    const auto& latency = arm.at("latency_ms");
    arms.push_back({or_dash(text_of(arm, "route")), or_dash(text_of(arm, "arm")), text_of(arm, "backend"),
                    count_of(requests, "total"), count_of(requests, "4xx"), count_of(requests, "5xx"),
                    milliseconds_of(latency, "p50"), milliseconds_of(latency, "p99"),
                    format_number(arm.at("cpu_seconds").get<double>(), 2)});
  }
  if (arms.size() > 1) append_rows(out += "\n", arms);
  return out;
}

// "2 of 3 ready, 0 of 1024 queued", for each pool.
std::string pools_summary(const Json& pools) {
  std::string out;
  for (const auto& pool : pools)
    out += "pool " + text_of(pool, "name") + ": " + count_of(pool, "workers_ready") + " of " + count_of(pool, "workers") +
           " ready, " + count_of(pool, "queued") + " of " + count_of(pool, "queue_limit") + " queued\n";
  return out;
}

std::string workers_table(const Json& document) {
  Rows rows{{"POOL", "GEN", "PID", "STATE", "IN FLIGHT", "REQUESTS", "RESTARTS", "RSS", "AGE"}};
  for (const auto& worker : document.at("workers"))
    rows.push_back({text_of(worker, "pool"), count_of(worker, "generation"), count_of(worker, "pid"),
                    text_of(worker, "state"), count_of(worker, "in_flight"), count_of(worker, "requests"),
                    count_of(worker, "restarts"), format_bytes(worker.at("rss_bytes").get<std::uint64_t>()),
                    format_age(worker.at("age_seconds").get<double>())});
  if (rows.size() == 1) return "no workers: no route of this server has an endpoint in a pool\n";
  std::string out;
  append_rows(out, rows);
  return out + pools_summary(document.at("pools"));
}

std::string stacks_list(const Json& document) {
  std::string out;
  for (const auto& worker : document.at("workers")) {
    const auto pid = worker.at("pid").get<int>();
    out += (out.empty() ? "" : "\n") + text_of(worker, "worker") + " (pool " + text_of(worker, "pool") + ", " +
           (pid == 0 ? "a thread of the server" : "pid " + std::to_string(pid)) + ")\n" + text_of(worker, "text");
    if (!out.ends_with('\n')) out += '\n';
  }
  return out.empty() ? "no such workers\n" : out;
}

std::string requests_table(const Json& document) {
  Rows rows{{"AGE MS", "STATE", "PID", "METHOD", "PATH", "ROUTE", "ENDPOINT", "ID"}};
  for (const auto& request : document.at("requests"))
    rows.push_back({format_number(request.at("age_seconds").get<double>() * 1000, 0), text_of(request, "state"),
                    count_of(request, "pid"), or_dash(text_of(request, "method")), or_dash(text_of(request, "path")),
                    or_dash(text_of(request, "route")), text_of(request, "endpoint"), or_dash(text_of(request, "id"))});
  if (rows.size() == 1) return "no requests at the workers\n";
  std::string out;
  append_rows(out, rows);
  return out;
}

ReloadText reload_text(const Json& document) {
  ReloadText text;
  text.out = "generation " + count_of(document, "generation") + " serves " + count_of(document, "routes") +
             " routes (took " + count_of(document, "took_ms") + " ms)\n";
  for (const auto& warning : document.at("warnings"))
    text.complaint += "tandem: warning: " + warning.get<std::string>() + "\n";
  return text;
}

ReloadText failed_reload_text(const Json& document) {
  ReloadText text;
  const auto detail = text_of(document, "detail");
  text.complaint = "tandem: the reload failed, generation " + count_of(document, "generation") + " goes on: " + detail;
  if (!text.complaint.ends_with('\n')) text.complaint += '\n';
  for (const auto& error : document.at("errors"))
    if (error.get<std::string>() != detail) text.complaint += error.get<std::string>() + "\n";
  return text;
}

template <class Text>
Result<Text> format_document(std::string_view text, Text (*format)(const Json&)) {
  try {
    return format(Json::parse(text));
  } catch (const Json::exception&) {
    return Error("command.bad_document", "the answer is not what Tandem's admin side sends");
  }
}

}  // namespace

Result<std::string> format_status(std::string_view status_json) { return format_document(status_json, status_table); }
Result<std::string> format_workers(std::string_view workers_json) { return format_document(workers_json, workers_table); }
Result<std::string> format_stacks(std::string_view stacks_json) { return format_document(stacks_json, stacks_list); }
Result<std::string> format_requests(std::string_view requests_json) {
  return format_document(requests_json, requests_table);
}
Result<ReloadText> format_reload(std::string_view reload_json) { return format_document(reload_json, reload_text); }
Result<ReloadText> format_failed_reload(std::string_view problem_json) {
  return format_document(problem_json, failed_reload_text);
}

}  // namespace tandem::admin
