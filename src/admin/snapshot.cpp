#include "admin/snapshot.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "http/problem.hpp"

namespace tandem::admin {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

void append_number(std::string& out, std::uint64_t value) { out += std::to_string(value); }

// The shortest text that is read as the same number; JSON has none for what is not finite.
void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_milliseconds(std::string& out, std::optional<double> ns) {
  if (ns)
    append_number(out, *ns / 1e6);
  else
    out += "null";
}

void append_text(std::string& out, std::string_view text) { out.append("\"").append(json_escaped(text)).append("\""); }

void append_requests(std::string& out, const observe::ArmMetrics::ByClass& requests) {
  append_number(out.append(R"({"total":)"), std::accumulate(requests.begin(), requests.end(), std::uint64_t{0}));
  for (std::size_t code = 1; code < requests.size(); ++code) {
    out.append(",\"").append(1, static_cast<char>('0' + code)).append("xx\":");
    append_number(out, requests[code]);
  }
  out += '}';
}

void append_latency(std::string& out, const std::optional<RecentArms::Latency>& latency) {
  const auto value = [&latency](double RecentArms::Latency::*ns) {
    return latency ? std::optional(*latency.*ns) : std::nullopt;
  };
  append_milliseconds(out.append(R"({"mean":)"), value(&RecentArms::Latency::mean_ns));
  append_milliseconds(out.append(R"(,"p50":)"), value(&RecentArms::Latency::p50_ns));
  append_milliseconds(out.append(R"(,"p99":)"), value(&RecentArms::Latency::p99_ns));
  append_milliseconds(out.append(R"(,"max":)"), value(&RecentArms::Latency::max_ns));
  out += '}';
}

void append_recent(std::string& out, const RecentArms::Recent& recent) {
  append_number(out.append(R"({"per_second":)"), recent.per_second);
  append_number(out.append(R"(,"error_share":)"), recent.error_share);
  append_milliseconds(out.append(R"(,"p50_ms":)"), recent.p50_ns);
  append_milliseconds(out.append(R"(,"p99_ms":)"), recent.p99_ns);
  out += '}';
}

void append_arm(std::string& out, const RecentArms::Row& row) {
  append_text(out.append(R"({"route":)"), row.arm->route);
  append_text(out.append(R"(,"arm":)"), row.arm->arm);
  append_text(out.append(R"(,"backend":)"), row.arm->backend);
  append_requests(out.append(R"(,"requests":)"), row.requests);
  append_latency(out.append(R"(,"latency_ms":)"), row.latency);
  append_number(out.append(R"(,"cpu_seconds":)"), static_cast<double>(row.arm->cpu().count()) / 1e9);
}

Json pool_json(const PoolView& pool) {
  const auto ready =
      std::count_if(pool.workers.begin(), pool.workers.end(), [](const auto& w) { return w.state == "ready"; });
  return {{"name", pool.name},      {"mode", pool.mode},     {"workers", pool.workers.size()},
          {"workers_ready", ready}, {"queued", pool.queued}, {"queue_limit", pool.queue_limit}};
}

Json pools_json(const ServerView& server) {
  auto pools = Json::array();
  for (const auto& pool : server.pools())
    if (!pool.is_retiring) pools.push_back(pool_json(pool));
  return pools;
}

Json last_reload_json(const std::optional<ReloadReport>& report) {
  if (!report) return nullptr;
  Json document{
      {"at", format_timestamp(report->at)}, {"by", report->by}, {"ok", report->ok()}, {"took_ms", report->took.count()}};
  if (report->ok()) {
    document["warnings"] = report->warnings;
  } else {
    document["code"] = report->code;
    document["detail"] = report->detail;
    document["errors"] = report->errors;
  }
  return document;
}

Json status_document(const ServerView& server, const StatusView& status) {
  return {{"version", status.version},
          {"pid", status.pid},
          {"state", format_readiness(server.readiness())},
          {"started_at", format_timestamp(status.started)},
          {"uptime_seconds", static_cast<double>(status.uptime.count()) / 1e9},
          {"listening", status.listening},
          {"config_file", status.config_file},
          {"io_threads", status.io_threads},
          {"connections", status.connections},
          {"cpu_seconds", status.cpu_seconds},
          {"rss_bytes", status.rss_bytes},
          {"access_lines_dropped", status.dropped_access_lines},
          {"generation", status.generation},
          {"retiring_generations", status.retiring},
          {"last_reload", last_reload_json(status.last_reload)},
          {"pools", pools_json(server)}};
}

// The document of the whole server, with its arms behind the rest. These are written by hand, since a hundred routes have
// thousands of fields every second.
std::string status_text(const Json& document, const RecentArms& arms, bool is_live) {
  auto text = dump(document);
  text.resize(text.find_last_of('}'));
  text += ",\"arms\":[";
  const bool is_known = arms.window() > Nanoseconds(0);
  for (const auto& row : arms.rows()) {
    if (&row != arms.rows().data()) text += ',';
    append_arm(text, row);
    if (is_live && is_known)
      append_recent(text.append(",\"recent\":"), row.recent);
    else if (is_live)
      text += ",\"recent\":null";
    text += '}';
  }
  text += ']';
  if (is_live) append_number(text.append(",\"recent_seconds\":"), std::chrono::duration<double>(arms.window()).count());
  return text + "}\n";
}

bool is_wanted(const WorkerFilter& filter, std::string_view pool, int pid) {
  return (!filter.pool || *filter.pool == pool) && (!filter.pid || *filter.pid == std::to_string(pid));
}

// Calls `show` for the stacks that are wanted.
template <class Show>
void for_each_wanted(const std::vector<StacksView>& pools, const WorkerFilter& filter, Show show) {
  for (const auto& pool : pools)
    for (const auto& worker : pool.workers)
      if (is_wanted(filter, pool.pool, worker.pid)) show(pool, worker);
}

int status_of(std::string_view code) {
  if (code == "reload.needs_restart") return 409;
  return code == "server.stopping" ? 503 : 422;
}

}  // namespace

std::string_view format_readiness(Readiness readiness) {
  switch (readiness) {
    case Readiness::starting:
      return "starting";
    case Readiness::ready:
      return "ready";
    case Readiness::draining:
      return "draining";
  }
  return {};
}

std::string status_json(const ServerView& server) {
  RecentArms arms;
  arms.look(*server.registry, {});
  return status_text(status_document(server, server.status()), arms, false);
}

std::string live_status_json(const ServerView& server, const StatusView& status, const RecentArms& arms) {
  return status_text(status_document(server, status), arms, true);
}

std::string routes_json(const ServerView& server) {
  auto routes = Json::array();
  for (const auto& route : server.routes()) {
    const double sum = std::accumulate(route.arms.begin(), route.arms.end(), 0.0,
                                       [](double before, const ArmView& arm) { return before + arm.weight; });
    auto arms = Json::array();
    for (const auto& arm : route.arms) {
      Json described{{"name", arm.name},
                     {"backend", arm.backend},
                     {"endpoint", arm.endpoint},
                     {"weight", arm.weight},
                     {"share", sum > 0 ? arm.weight / sum : 0.0}};
      if (!arm.pool.empty()) described["pool"] = arm.pool;
      arms.push_back(std::move(described));
    }
    routes.push_back({{"name", route.name}, {"path", route.path}, {"methods", route.methods}, {"arms", std::move(arms)}});
  }
  return dump({{"routes", std::move(routes)}});
}

std::string workers_json(const ServerView& server) {
  auto pools = Json::array();
  auto workers = Json::array();
  for (const auto& pool : server.pools()) {
    if (!pool.is_retiring) pools.push_back(pool_json(pool));
    for (const auto& worker : pool.workers) {
      // It finishes what it has, whatever its pool calls that.
      const bool is_leaving = pool.is_retiring && worker.state == "ready";
      workers.push_back({{"pool", pool.name},
                         {"generation", pool.generation},
                         {"worker", worker.name},
                         {"pid", worker.pid},
                         {"state", is_leaving ? "draining" : worker.state},
                         {"in_flight", worker.in_flight},
                         {"requests", worker.requests},
                         {"restarts", worker.restarts},
                         {"rss_bytes", worker.rss_bytes},
                         {"age_seconds", worker.age_seconds},
                         {"gil_wait_seconds", worker.gil_wait_seconds}});
    }
  }
  return dump({{"pools", std::move(pools)}, {"workers", std::move(workers)}});
}

std::string stacks_json(const std::vector<StacksView>& pools, const WorkerFilter& filter) {
  auto workers = Json::array();
  for_each_wanted(pools, filter, [&](const StacksView& pool, const pool::WorkerStacks& worker) {
    workers.push_back({{"pool", pool.pool},
                       {"generation", pool.generation},
                       {"worker", worker.worker},
                       {"pid", worker.pid},
                       {"raw", worker.raw},
                       {"text", worker.text}});
  });
  return dump({{"workers", std::move(workers)}});
}

std::string stacks_text(const std::vector<StacksView>& pools, const WorkerFilter& filter) {
  std::string out;
  for_each_wanted(pools, filter, [&](const StacksView& pool, const pool::WorkerStacks& worker) {
    out += (out.empty() ? "" : "\n") + worker.worker + " (pool " + pool.pool + ", " +
           (worker.pid == 0 ? "a thread of the server" : "pid " + std::to_string(worker.pid)) + ")\n" + worker.text;
    if (!out.ends_with('\n')) out += '\n';
  });
  return out;
}

std::string requests_json(const std::vector<RequestsView>& pools, const WorkerFilter& filter) {
  auto requests = Json::array();
  for (const auto& pool : pools)
    for (const auto& request : pool.requests)
      if (is_wanted(filter, pool.pool, request.pid))
        requests.push_back({{"pool", pool.pool},
                            {"generation", pool.generation},
                            {"id", request.id},
                            {"state", request.state},
                            {"age_seconds", request.age_seconds},
                            {"method", request.method},
                            {"path", request.path},
                            {"route", request.route},
                            {"endpoint", request.endpoint},
                            {"pid", request.pid}});
  return dump({{"requests", std::move(requests)}});
}

http::Response reload_response(const ReloadReport& report) {
  if (report.ok())
    return http::json_text(dump({{"generation", report.generation},
                                 {"took_ms", report.took.count()},
                                 {"warnings", report.warnings},
                                 {"routes", report.routes}}));
  http::Problem problem(status_of(report.code), report.code, report.detail);
  auto response = http::problem_response(problem, {});
  auto document = Json::parse(response.body_text());
  document["errors"] = report.errors;
  document["generation"] = report.generation;
  response.body = dump(document);
  return response;
}

}  // namespace tandem::admin
