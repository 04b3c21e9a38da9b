#include "top/tables.hpp"

#include <algorithm>

#include "admin/admin_url.hpp"
#include "admin/text_table.hpp"

namespace tandem::top {

namespace {

constexpr const char* kDash = "-";

std::string text_of(const Json& object, const char* key) { return object.at(key).get<std::string>(); }
double number_of(const Json& object, const char* key) { return object.at(key).get<double>(); }
std::string or_dash(std::string text) { return text.empty() ? kDash : std::move(text); }

std::string count_text(double value) {
  if (value < 10'000) return admin::format_number(value, 0);
  if (value < 1e6) return admin::format_number(value / 1e3, value < 1e5 ? 1 : 0) + "k";
  if (value < 1e9) return admin::format_number(value / 1e6, value < 1e8 ? 1 : 0) + "M";
  return admin::format_number(value / 1e9, value < 1e11 ? 1 : 0) + "G";
}

std::string rate_text(double per_second) {
  return per_second > 0 && per_second < 10 ? admin::format_number(per_second, 1) : count_text(per_second);
}

std::string time_text(double ms) {
  if (ms < 0.1) return admin::format_number(ms * 1000, ms < 0.01 ? 1 : 0) + " µs";
  if (ms < 1000) return admin::format_number(ms, ms < 1 ? 2 : ms < 100 ? 1 : 0) + " ms";
  return admin::format_number(ms / 1000, 2) + " s";
}

// "2.5 %", and never 0 % for what is more.
std::string percent_text(double share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  auto text = admin::format_number(share * 100, 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " %";
}

std::string ratio_text(double ratio) { return admin::format_number(ratio, ratio < 0.1 ? 3 : ratio < 10 ? 2 : 1) + "x"; }

Cell count(double value, Tone tone = Tone::plain) { return {value, count_text(value), tone}; }
Cell number_cell(const Json& value, std::string (*text)(double)) {
  return value.is_null() ? Cell(-1, kDash, Tone::dim) : Cell(value.get<double>(), text(value.get<double>()));
}

Tone tone_of_state(std::string_view state) {
  if (state == "ready" || state == "running" || state == "concluded") return Tone::good;
  if (state == "stuck" || state == "rolled_back") return Tone::bad;
  return Tone::warn;
}

Cell state_cell(std::string state) {
  const auto tone = tone_of_state(state);
  std::replace(state.begin(), state.end(), '_', ' ');
  return {std::move(state), tone};
}

const Json& list_of(const News& news, std::string_view document, const char* key) {
  static const Json kNone = Json::array();
  const auto& found = news.document(document);
  return found.is_null() ? kNone : found.at(key);
}

// The one of the list with this text there; null: none has.
const Json* find_by(const Json& list, const char* key, std::string_view text) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const Json& one) { return text_of(one, key) == text; });
  return found == list.end() ? nullptr : &*found;
}

const Json* find_arm(const Json& arms, const std::string& route, const std::string& arm, const std::string& backend) {
  const auto found = std::find_if(arms.begin(), arms.end(), [&](const Json& one) {
    return text_of(one, "route") == route && text_of(one, "arm") == arm && text_of(one, "backend") == backend;
  });
  return found == arms.end() ? nullptr : &*found;
}

std::vector<Cell> route_row(const std::string& route, const std::string& path, const std::string& arm,
                            const std::string& backend, Cell traffic, const Json* figures) {
  static const Json kNothing;
  const auto& recent = figures ? figures->at("recent") : kNothing;
  const auto of = [&](const char* key) -> const Json& { return recent.is_null() ? kNothing : recent.at(key); };
  const bool is_idle = recent.is_null() || number_of(recent, "per_second") == 0;
  auto errors = number_cell(of("error_share"), percent_text);
  if (errors.order > 0) errors.tone = Tone::bad;
  return {{or_dash(route), is_idle ? Tone::dim : Tone::strong},
          {or_dash(arm), is_idle ? Tone::dim : Tone::plain},
          {backend, is_idle ? Tone::dim : Tone::plain},
          std::move(traffic),
          number_cell(of("per_second"), rate_text),
          number_cell(of("p50_ms"), time_text),
          number_cell(of("p99_ms"), time_text),
          std::move(errors),
          count(figures ? number_of(figures->at("requests"), "total") : 0),
          {path, Tone::dim}};
}

Table routes_table(const News& news) {
  Table table{{"ROUTE", "ARM", "BACKEND", "TRAFFIC", "REQ/S", "P50", "P99", "5XX", "TOTAL", "PATH"}, {}, "no routes yet"};
  const auto& arms = list_of(news, "status", "arms");
  const auto& experiments = list_of(news, "experiments", "experiments");
  for (const auto& route : list_of(news, "routes", "routes")) {
    const auto name = text_of(route, "name");
    const auto* experiment = find_by(experiments, "route", name);
    for (const auto& arm : route.at("arms")) {
      const auto arm_name = text_of(arm, "name");
      double share = number_of(arm, "share");
      const auto* steered = experiment ? find_by(experiment->at("arms"), "name", arm_name) : nullptr;
      if (steered) share = number_of(*steered, "traffic_bp") / 10000;
      const auto backend = text_of(arm, "backend");
      table.rows.push_back(route_row(name, text_of(route, "path"), arm_name, backend,
                                     arm_name.empty() ? Cell(1, kDash, Tone::dim) : Cell(share, percent_text(share)),
                                     find_arm(arms, name, arm_name, backend)));
    }
  }
  // What fits no route is counted as well.
  const auto* others = find_by(arms, "route", "");
  if (others && number_of(others->at("requests"), "total") > 0)
    table.rows.push_back(
        route_row("", "(no route)", text_of(*others, "arm"), text_of(*others, "backend"), {1, kDash, Tone::dim}, others));
  return table;
}

Table workers_table(const News& news) {
  Table table{{"POOL", "GEN", "PID", "STATE", "IN FLIGHT", "REQUESTS", "RESTARTS", "GIL WAIT", "RSS", "AGE"},
              {},
              "no route has an endpoint in Python"};
  for (const auto& worker : list_of(news, "workers", "workers")) {
    const double rss = number_of(worker, "rss_bytes");
    const double restarts = number_of(worker, "restarts");
    const double gil = number_of(worker, "gil_wait_seconds");
    const double age = number_of(worker, "age_seconds");
    const double pid = number_of(worker, "pid");
    table.rows.push_back({text_of(worker, "pool"),
                          count(number_of(worker, "generation")),
                          {pid, pid > 0 ? admin::format_number(pid, 0) : kDash},
                          state_cell(text_of(worker, "state")),
                          count(number_of(worker, "in_flight")),
                          count(number_of(worker, "requests")),
                          count(restarts, restarts > 0 ? Tone::warn : Tone::plain),
                          {gil, time_text(gil * 1000)},
                          {rss, rss > 0 ? admin::format_bytes(static_cast<std::uint64_t>(rss)) : kDash},
                          {age, admin::format_age(age)}});
  }
  return table;
}

// How much of the way to firing; less than nothing where there is no data.
double distance(const Json& guardrail) {
  const auto& evidence = guardrail.at("evidence");
  if (evidence.is_null()) return -1;
  const auto part = [&evidence](const char* key, const char* limit) {
    if (!evidence.contains(key) || !evidence.contains(limit)) return -1.0;
    if (!evidence[key].is_number() || !evidence[limit].is_number() || evidence[limit].get<double>() == 0) return -1.0;
    return std::clamp(evidence[key].get<double>() / evidence[limit].get<double>(), 0.0, 1.0);
  };
  return std::max(part("ln_e", "ln_e_limit"), part("low", "margin"));
}

// The guardrail of this arm that is nearest to firing: "latency 31 %".
Cell nearest_guardrail(const Json& guardrails, const std::string& arm) {
  Cell nearest(-1, kDash, Tone::dim);
  for (const auto& one : guardrails) {
    if (text_of(one, "arm") != arm) continue;
    const auto name = text_of(one, "guardrail");
    if (one.at("fired").get<bool>()) return {2, name + " fired", Tone::bad};
    const double way = distance(one);
    if (way > nearest.order)
      nearest = {way, name + " " + admin::format_number(way * 100, 0) + " %", way > 0.7 ? Tone::warn : Tone::plain};
  }
  return nearest;
}

Tone tone_of_verdict(const std::string& verdict) {
  if (verdict.starts_with("better") || verdict == "equivalent") return Tone::good;
  if (verdict.starts_with("worse")) return Tone::bad;
  return verdict == "invalid" ? Tone::warn : Tone::dim;
}

std::string amount(const std::string& metric, const Json& value) {
  if (value.is_null()) return kDash;
  const auto number = value.get<double>();
  if (metric == "mean" || metric == "cpu" || metric.starts_with("p")) return time_text(number / 1e6);
  return metric == "bytes" ? count_text(number) : percent_text(number);
}

// An end that is not known yet may be anywhere.
std::string interval_text(const Json& interval) {
  return (interval.at(0).is_null() ? "0x" : ratio_text(interval.at(0).get<double>())) + " to " +
         (interval.at(1).is_null() ? "any" : ratio_text(interval.at(1).get<double>()));
}

std::vector<Cell> effect_cells(const Json& effect) {
  const auto metric = text_of(effect, "metric");
  const auto verdict = text_of(effect, "verdict");
  const auto& ratio = effect.at("ratio");
  const bool has_data = verdict != "no data";
  const bool has_ratio = has_data && !ratio.is_null();
  return {{metric},
          {verdict, tone_of_verdict(verdict)},
          has_ratio ? Cell(ratio.get<double>(), ratio_text(ratio.get<double>())) : Cell(-1, kDash, Tone::dim),
          {has_ratio ? interval_text(effect.at("interval")) : kDash},
          {has_data ? amount(metric, effect.at("control")) : kDash},
          {has_data ? amount(metric, effect.at("candidate")) : kDash}};
}

Table experiments_table(const News& news) {
  Table table{{"EXPERIMENT", "ARM", "TRAFFIC", "STATE", "REV", "METRIC", "VERDICT", "RATIO", "INTERVAL", "CONTROL",
               "CANDIDATE", "GUARDRAIL"},
              {},
              "no route has an \"experiment\""};
  static const std::vector<Cell> kNoEffect{kDash, kDash, Cell(-1, kDash, Tone::dim), kDash, kDash, kDash};
  for (const auto& experiment : list_of(news, "experiments", "experiments")) {
    const auto id = text_of(experiment, "id");
    const auto& report = news.document("report " + id);
    for (const auto& arm : experiment.at("arms")) {
      const auto name = text_of(arm, "name");
      const bool is_control = arm.at("is_control").get<bool>();
      const auto share = number_of(arm, "traffic_bp") / 10000;
      const auto add = [&](std::vector<Cell> effect, Cell guardrail) {
        std::vector<Cell> row{{id, Tone::strong},
                              {name},
                              {share, percent_text(share)},
                              state_cell(text_of(experiment, "state")),
                              count(number_of(experiment, "revision"))};
        row.insert(row.end(), effect.begin(), effect.end());
        row.push_back(std::move(guardrail));
        table.rows.push_back(std::move(row));
      };
      auto guardrail = nearest_guardrail(experiment.at("guardrails"), name);
      const auto* candidate = report.is_null() || is_control ? nullptr : find_by(report.at("candidates"), "name", name);
      if (!candidate || candidate->at("effects").empty()) {
        auto effect = kNoEffect;
        if (is_control) effect[0] = Cell("(control)", Tone::dim);
        add(std::move(effect), std::move(guardrail));
        continue;
      }
      for (const auto& effect : candidate->at("effects")) add(effect_cells(effect), std::exchange(guardrail, Cell(-2, "")));
    }
  }
  return table;
}

std::string experiment_page(const std::string& id) { return "/api/v1/experiments/" + admin::percent_encoded(id) + "/diffs"; }

Table differences_table(const News& news) {
  Table table{{"EXPERIMENT", "ARM", "KIND", "PATH", "PAIRS", "REAL", "STATUS", "CONTROL", "CANDIDATE", "REQUEST"},
              {},
              "no answers differ; they are compared where an experiment has a \"shadow\""};
  for (const auto& experiment : list_of(news, "experiments", "experiments")) {
    const auto id = text_of(experiment, "id");
    const auto& document = news.document("diffs " + id);
    if (document.is_null()) continue;
    for (const auto& candidate : document.at("candidates")) {
      if (candidate.at("answers").is_null()) continue;
      for (const auto& finding : candidate.at("answers").at("findings")) {
        const auto path = text_of(finding, "path");
        const auto kind = text_of(finding, "kind");
        const bool is_real = finding.at("real").get<bool>();
        const auto& status = finding.at("status");
        std::vector<Cell> row{{id, Tone::strong},
                              {text_of(candidate, "name")},
                              {kind},
                              {path, Tone::strong},
                              count(number_of(finding, "pairs")),
                              is_real ? Cell("yes", Tone::bad) : Cell("maybe", Tone::dim),
                              {status.at("control").dump() + "/" + status.at("candidate").dump()}};
        std::string request = kDash;
        std::string control = kDash;
        std::string candidates = kDash;
        if (finding.contains("samples") && !finding["samples"].empty()) {
          const auto& sample = finding["samples"].back();
          request = text_of(sample, "request");
          const auto& differences = sample.at("differences");
          const auto* shown = find_by(differences, "kind", kind);
          if (shown) {
            control = or_dash(text_of(*shown, "control"));
            candidates = or_dash(text_of(*shown, "candidate"));
          }
        }
        row.insert(row.end(), {Cell(control, Tone::good), Cell(candidates, Tone::bad), Cell(request)});
        table.rows.push_back(std::move(row));
      }
    }
  }
  return table;
}

Table requests_table(const News& news) {
  Table table{
      {"AGE", "STATE", "POOL", "PID", "METHOD", "PATH", "ROUTE", "ENDPOINT", "ID"}, {}, "no requests at the workers"};
  for (const auto& request : list_of(news, "requests", "requests")) {
    const double age = number_of(request, "age_seconds");
    const double pid = number_of(request, "pid");
    table.rows.push_back({{age, time_text(age * 1000), age > 1 ? Tone::warn : Tone::plain},
                          {text_of(request, "state")},
                          {text_of(request, "pool")},
                          {pid, pid > 0 ? admin::format_number(pid, 0) : kDash},
                          {or_dash(text_of(request, "method"))},
                          {or_dash(text_of(request, "path")), Tone::strong},
                          {or_dash(text_of(request, "route"))},
                          {text_of(request, "endpoint")},
                          {or_dash(text_of(request, "id")), Tone::dim}});
  }
  return table;
}

Table stacks_table(const News& news) {
  Table table{{}, {}, "no workers"};
  for (const auto& worker : list_of(news, "stacks", "workers")) {
    const auto pid = worker.at("pid").get<int>();
    if (!table.rows.empty()) table.rows.push_back({Cell("")});
    table.rows.push_back({{text_of(worker, "worker") + " (pool " + text_of(worker, "pool") + ", " +
                               (pid == 0 ? "a thread of the server" : "pid " + std::to_string(pid)) + ")",
                           Tone::strong}});
    const auto text = text_of(worker, "text");
    for (std::string_view rest = text; !rest.empty();) {
      const auto line = rest.substr(0, rest.find('\n'));
      table.rows.push_back({Cell(std::string(line))});
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
  }
  return table;
}

// The newest first.
Table audit_table(const News& news) {
  Table table{{"AT", "EXPERIMENT", "REV", "ACTION", "BY", "REASON"}, {}, "no changes"};
  const auto& entries = list_of(news, "audit", "entries");
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
    table.rows.push_back({text_of(*entry, "at"),
                          {text_of(*entry, "experiment"), Tone::strong},
                          {number_of(*entry, "to"), entry->at("from").dump() + " > " + entry->at("to").dump()},
                          text_of(*entry, "action"),
                          text_of(*entry, "actor"),
                          text_of(*entry, "reason")});
  return table;
}

Table make_table(View view, const News& news) {
  switch (view) {
    case View::routes:
      return routes_table(news);
    case View::workers:
      return workers_table(news);
    case View::experiments:
      return experiments_table(news);
    case View::differences:
      return differences_table(news);
    case View::requests:
      return requests_table(news);
    case View::stacks:
      return stacks_table(news);
    case View::audit:
      return audit_table(news);
  }
  return {};
}

Error malformed() { return Error("command.bad_document", "the answer is not what Tandem's admin side sends"); }

std::vector<std::string> make_summary(const News& news) {
  const auto& status = news.document("status");
  if (status.is_null()) return {"waiting for the server"};
  double rate = 0;
  for (const auto& arm : status.at("arms"))
    if (!arm.at("recent").is_null()) rate += number_of(arm.at("recent"), "per_second");
  const auto cpu = news.cpu();
  auto server = text_of(status, "version") + " " + text_of(status, "state") + ", pid " + status.at("pid").dump() + ", up " +
                admin::format_age(number_of(status, "uptime_seconds")) + ", generation " + status.at("generation").dump() +
                "  requests/s " + rate_text(rate) + ", connections " + count_text(number_of(status, "connections")) +
                ", CPU " + (cpu ? admin::format_number(*cpu * 100, 0) + " %" : kDash) + ", RSS " +
                admin::format_bytes(status.at("rss_bytes").get<std::uint64_t>());
  std::string pools;
  for (const auto& pool : status.at("pools"))
    pools += (pools.empty() ? "pool " : "; pool ") + text_of(pool, "name") + " " + pool.at("workers_ready").dump() + " of " +
             pool.at("workers").dump() + " ready, " + pool.at("queued").dump() + " of " + pool.at("queue_limit").dump() +
             " queued";
  return {std::move(server), pools.empty() ? "no pools" : std::move(pools)};
}

}  // namespace

std::string_view name_of(View view) {
  constexpr std::array<std::string_view, kViews.size()> kNames{"routes",   "workers", "experiments", "differences",
                                                               "requests", "stacks",  "audit"};
  return kNames[static_cast<std::size_t>(view)];
}

Result<Table> table_of(View view, const News& news) {
  try {
    return make_table(view, news);
  } catch (const Json::exception&) {
    return malformed();
  }
}

Result<std::vector<std::string>> summary_of(const News& news) {
  try {
    return make_summary(news);
  } catch (const Json::exception&) {
    return malformed();
  }
}

std::vector<std::pair<std::string, std::string>> pages_of(View view, const News& news) {
  std::vector<std::pair<std::string, std::string>> pages;
  if (view == View::requests || view == View::stacks || view == View::audit) {
    const std::string name(name_of(view));
    pages.emplace_back(name, "/api/v1/" + name);
  }
  if (view != View::differences) return pages;
  try {
    for (const auto& experiment : list_of(news, "experiments", "experiments")) {
      const auto id = text_of(experiment, "id");
      pages.emplace_back("diffs " + id, experiment_page(id));
    }
  } catch (const Json::exception&) {
    return {};
  }
  return pages;
}

}  // namespace tandem::top
