// The reader knows a key because it asks for it; the schema and the manual must list exactly those.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/parse.hpp"
#include "config/units.hpp"

namespace tandem::config {
namespace {

using Keys = std::map<std::string, std::set<std::string>>;

std::string read_file(const std::string& path) {
  std::ifstream file(std::string(TANDEM_SOURCE_DIR) + "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Config parse(Reader& reader, const Json& json) {
  return parse_config(Value(reader, json, ""), Surroundings{Files(TANDEM_SOURCE_DIR, "config/t.json"), 1});
}

// Sections are read whether they are there or not; what only some files have is here once.
Keys keys_of_reader() {
  const std::string text = R"({"listen": [{}], "python": {"workers": {}, "warmup": [{}]},
    "routes": [{"arms": {"a": {"native": {}}, "b": {"asgi": {}}}, "limits": {},
      "experiment": {"shadow": {}, "compare": {"json": {"mask": [{}]}, "text": [{}]}, "guardrails": [{}], "schedule": [{}]}}]})";
  Reader reader(scan_positions(text), {});
  parse(reader, Json::parse(text));
  return reader.keys();
}

Keys keys_of_schema() {
  Keys keys;
  const auto schema = Json::parse(read_file("config/tandem.schema.json"));
  for (const auto& [kind, definition] : schema.at("definitions").items()) {
    const Json* object = definition.contains("properties") ? &definition : nullptr;
    if (definition.contains("anyOf"))  // a short form and an object
      for (const auto& form : definition["anyOf"])
        if (form.contains("properties")) object = &form;
    if (!object) continue;
    EXPECT_EQ(object->value("additionalProperties", true), false) << kind;
    for (const auto& property : (*object)["properties"].items()) keys[kind].insert(property.key());
  }
  return keys;
}

// Tables whose rows begin with "| `key` |" under the heading of each kind.
Keys keys_of_manual() {
  Keys keys;
  std::istringstream manual(read_file("docs/config.md"));
  std::string kind;
  for (std::string line; std::getline(manual, line);) {
    if (line.rfind("## ", 0) == 0) kind = line.substr(3);
    if (line.rfind("| `", 0) == 0) keys[kind].insert(line.substr(3, line.find('`', 3) - 3));
  }
  return keys;
}

void expect_same(const Keys& expected, const Keys& actual) {
  for (const auto& [kind, names] : expected) {
    const auto found = actual.find(kind);
    ASSERT_NE(found, actual.end()) << "no " << kind;
    EXPECT_EQ(names, found->second) << kind;
  }
  EXPECT_EQ(expected.size(), actual.size());
}

TEST(Schema, ListsTheKeysOfTheReader) { expect_same(keys_of_reader(), keys_of_schema()); }

TEST(Manual, ListsTheKeysOfTheReader) { expect_same(keys_of_reader(), keys_of_manual()); }

// Writes out each section with the schema's defaults: the reader must come to the same config as without them.
TEST(Schema, HasTheDefaultsOfTheReader) {
  const auto schema = Json::parse(read_file("config/tandem.schema.json"));
  const auto defaults = [&](const std::string& kind) {
    Json object = Json::object();
    for (const auto& [key, property] : schema["definitions"][kind]["properties"].items())
      if (property.contains("default")) object[key] = property["default"];
    return object;
  };
  Json written = defaults("top");
  written["routes"] = Json::array();
  for (const auto* section : {"admin", "limits", "http", "websocket", "log"}) written[section] = defaults(section);
  written["python"] = defaults("pool");
  written["pools"]["adaptive"]["workers"] = defaults("workers");

  const auto describe = [](const Json& json) {
    const auto text = json.dump();
    Reader reader(scan_positions(text), {});
    const auto config = parse(reader, Json::parse(text));
    for (const auto& problem : reader.take_problems()) ADD_FAILURE() << format_problem("schema", problem);
    const auto& limits = config.net.limits;
    const auto& pool = config.pools.at("python");
    const auto& adaptive = config.pools.at("adaptive");
    std::ostringstream out;
    out << config.listen.at(0).text << ' ' << config.threads << ' ' << config.admin.listen->text << ' '
        << config.admin.hosts.size() << ' ' << int(config.pin) << config.server_timing << config.debug << config.net.strict
        << ' ' << config.state_dir << ' ' << limits.header_bytes << ' ' << limits.header_count << ' ' << limits.uri_bytes
        << ' ' << limits.body_bytes << ' ' << limits.connections << ' ' << limits.header_timeout.count() << ' '
        << limits.body_timeout.count() << ' ' << limits.idle_timeout.count() << ' ' << limits.write_timeout.count() << ' '
        << limits.drain_timeout.count() << ' ' << pool.path.at(0) << ' ' << pool.home.has_value() << ' ' << pool.workers
        << ' ' << pool.threads << ' ' << pool.async_capacity << ' ' << int(pool.mode) << ' ' << pool.queue << ' '
        << pool.queue_timeout.count() << ' ' << pool.timeout.count() << ' ' << pool.max_requests << ' '
        << pool.max_requests_jitter << ' ' << pool.max_rss_bytes.has_value() << ' ' << pool.start_timeout.count() << ' '
        << pool.stuck_grace.count() << ' ' << pool.max_lifetime.count() << ' ' << pool.user << ' ' << pool.lifespan << ' '
        << pool.warmup.size() << ' ' << adaptive.workers << ' ' << adaptive.max_workers << ' '
        << adaptive.idle_timeout.count() << ' ' << config.trusted_proxies.size() << ' ' << config.log.level << ' '
        << config.log.format << ' ' << config.log.access << ' ' << config.log.file << ' ' << config.net.websocket.max_message
        << ' ' << config.net.websocket.ping_interval.count() << ' ' << config.net.websocket.ping_timeout.count() << ' '
        << config.net.websocket.compression;
    return out.str();
  };
  EXPECT_EQ(describe(written), describe(Json::parse(R"({"routes": [], "pools": {"adaptive": {"workers": {}}}})")));
}

TEST(Schema, HasTheDefaultsOfExperiments) {
  const auto schema = Json::parse(read_file("config/tandem.schema.json"));
  const auto fill = [&](const std::string& kind, Json object) {
    for (const auto& [key, property] : schema["definitions"][kind]["properties"].items())
      if (property.contains("default") && !object.contains(key)) object[key] = property["default"];
    return object;
  };
  const auto describe = [](const Json& experiment) {
    const auto arms = Json::parse(R"({"a": {"native": "x"}, "b": {"native": "y"}})");
    const Json json = {{"routes", {{{"path", "/"}, {"arms", arms}, {"experiment", experiment}}}}};
    const auto text = json.dump();
    Reader reader(scan_positions(text), {});
    const auto config = parse(reader, json);
    for (const auto& problem : reader.take_problems()) ADD_FAILURE() << format_problem("schema", problem);
    const auto& e = *config.routes.at(0).experiment;
    const auto& s = *e.shadow;
    const auto step = e.schedule.empty() ? experiment::ScheduleStep() : e.schedule.front();
    std::ostringstream out;
    out << e.key.at(0).text << ' ' << int(e.assign) << int(e.analysis) << int(e.expose) << e.cacheable << e.override_query
        << e.fallback << e.idempotent << e.start << ' ' << e.mint_max_age.count() << ' ' << e.block.count() << ' '
        << e.washout.count() << ' ' << e.window.count() << ' ' << e.cpu_sample << ' ' << e.planned_windows << ' '
        << e.min_windows << ' ' << e.min_time.count() << ' ' << e.margin << ' ' << e.quantile_margin << ' ' << s.candidate
        << ' ' << s.sample << ' ' << s.methods.size() << ' ' << s.concurrency << ' ' << s.queue << ' ' << s.body_bytes << ' '
        << s.per_second << ' ' << s.timeout.has_value() << ' ' << s.cpu_budget << ' ' << s.noise << s.swap << ' '
        << e.compare.by_class << e.compare.headers.at(0) << int(e.compare.text) << e.compare.absolute << e.compare.relative
        << e.compare.null_is_missing << e.compare.extra_ok << ' ' << e.guardrails.at(0).quantile << ' '
        << step.min_time.count() << ' ' << step.min_requests << ' ' << step.min_windows << step.manual;
    return out.str();
  };
  const Json identity = {{"id", "x"}, {"control", "a"}};
  Json brief = identity, written = identity;
  brief["shadow"] = written["shadow"] = Json::object();
  written["shadow"] = fill("shadow", Json::object());
  written["compare"] = fill("compare", {{"json", fill("compare_json", {{"number", fill("number", Json::object())}})}});
  written["metrics"] = fill("metrics", Json::object());
  brief["guardrails"] = {{{"metric", "latency"}}};
  written["guardrails"] = {fill("guardrail", {{"metric", "latency"}})};
  brief["schedule"] = {{{"weight", 1}}};
  written["schedule"] = {fill("step", {{"weight", 1}})};
  auto filled = fill("experiment", written);
  filled.erase("block");
  filled.erase("washout");
  EXPECT_EQ(describe(filled), describe(brief));
  // A switchback alone has blocks; it has no schedule, and no other windows than its rounds.
  for (auto* one : {&written, &brief}) {
    (*one)["assign"] = "switchback";
    one->erase("schedule");
  }
  written["metrics"].erase("window");
  EXPECT_EQ(describe(fill("experiment", written)), describe(brief));
}

}  // namespace
}  // namespace tandem::config
