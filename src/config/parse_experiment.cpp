// The object "experiment" of a twin route.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/ascii.hpp"
#include "base/timestamp.hpp"
#include "comparison/json_path.hpp"
#include "comparison/pattern.hpp"
#include "config/parse.hpp"
#include "config/suggest.hpp"
#include "config/units.hpp"
#include "experiment/default_guardrails.hpp"
#include "experiment/layout.hpp"
#include "experiment/shadow.hpp"
#include "http/target.hpp"
#include "routing/pattern.hpp"

namespace tandem::config {
namespace {

using experiment::default_guardrails;
using experiment::GuardrailSettings;
using experiment::KeySource;
using experiment::ScheduleStep;
using experiment::Settings;
using experiment::ShadowSettings;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr Milliseconds kYear = 24h * 365;
constexpr std::string_view kShare = "a share from 0 to 1";

bool is_simple_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '_' || c == '-' || c == '.';
  });
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), ascii::lower);
  return text;
}

std::vector<std::string> arm_names(const RouteConfig& route) {
  std::vector<std::string> names;
  for (const auto& arm : route.arms) names.push_back(arm.name);
  return names;
}

// The name of an arm of the route; empty, and a problem, when it is none.
std::string parse_arm_name(const Value& value, const RouteConfig& route) {
  const auto name = value.text();
  const auto names = arm_names(route);
  if (!name || names.empty() || std::find(names.begin(), names.end(), *name) != names.end()) return name.value_or("");
  value.report("this route has no arm " + in_quotes(*name) + did_you_mean(*name, names));
  return {};
}

// "client_ip/24", "client_ip/64", "client_ip/24/64": the bits of an address that count, IPv4 up to 32, else IPv6.
bool parse_prefixes(std::string_view text, KeySource& source) {
  bool has_ipv4 = false, has_ipv6 = false;
  while (!text.empty()) {
    text.remove_prefix(1);  // the slash
    const auto end = std::min(text.find('/'), text.size());
    unsigned bits = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + end, bits);
    if (error != std::errc() || rest != text.data() + end || bits == 0 || bits > 128) return false;
    const bool is_ipv6 = bits > 32 || has_ipv4;
    if (is_ipv6 ? has_ipv6 : has_ipv4) return false;
    (is_ipv6 ? has_ipv6 : has_ipv4) = true;
    (is_ipv6 ? source.ipv6_prefix : source.ipv4_prefix) = bits;
    text.remove_prefix(end);
  }
  return true;
}

bool has_parameter(const RouteConfig& route, const std::string& name) {
  const auto pattern = routing::parse_pattern(route.path);
  return !pattern || std::any_of(pattern->segments.begin(), pattern->segments.end(), [&](const routing::Segment& segment) {
    return segment.kind != routing::Segment::Kind::literal && segment.text == name;
  });
}

std::optional<KeySource> parse_key_source(const Value& value, const RouteConfig& route) {
  using Kind = KeySource::Kind;
  static const std::vector<std::string> kWords = {"cookie", "header", "query", "path", "client_ip", "mint", "random"};
  const auto text = value.text();
  if (!text) return std::nullopt;
  KeySource source;
  source.text = *text;
  const auto colon = text->find(':');
  const auto word = text->substr(0, std::min(colon, text->find('/')));
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) {
    value.report("there is no key source " + in_quotes(word) + did_you_mean(word, kWords) +
                 "; there are cookie:NAME, header:NAME, query:NAME, path:PARAMETER, client_ip, mint and random");
    return std::nullopt;
  }
  source.kind = static_cast<Kind>(found - kWords.begin());
  const bool wants_name = source.kind <= Kind::path;
  if (wants_name != (colon != std::string::npos) || (wants_name && colon + 1 == text->size())) {
    value.report(wants_name ? "say which one, as in " + in_quotes(word + ":NAME") : in_quotes(word) + " has no name");
    return std::nullopt;
  }
  if (wants_name) source.name = text->substr(colon + 1);
  if (source.kind == Kind::mint) source.name = "tandem_id";
  if (source.kind == Kind::client_ip && !parse_prefixes(std::string_view(*text).substr(word.size()), source))
    value.report(
        "expected how many bits of an address count, as in \"client_ip/24\" (IPv4), \"client_ip/64\" (IPv6) or "
        "\"client_ip/24/64\"");
  else if (source.kind != Kind::client_ip && !wants_name && *text != word)
    value.report(in_quotes(word) + " has no name");
  if ((source.kind == Kind::cookie || source.kind == Kind::header) && !ascii::is_token(source.name))
    value.report(in_quotes(source.name) + " is no name of a " + (source.kind == Kind::cookie ? "cookie" : "field"));
  if (source.kind == Kind::path && !has_parameter(route, source.name))
    value.report("the path " + in_quotes(route.path) + " has no parameter " + in_quotes(source.name));
  return source;
}

std::vector<KeySource> parse_key(const Value& value, const RouteConfig& route) {
  std::vector<KeySource> sources;
  const auto elements = value.elements();
  if (value.json().is_array() && elements.empty()) value.report("expected one source of the key or more");
  for (const auto& element : elements) {
    const auto source = parse_key_source(element, route);
    if (!source) continue;
    if (!sources.empty() && sources.back().kind >= KeySource::Kind::client_ip)
      element.report("never looked at: " + in_quotes(sources.back().text) + " before it always has a key");
    sources.push_back(*source);
  }
  return sources;
}

void parse_regex(Object& object, std::string_view key, std::string& target) {
  object.text(key, target);
  if (const auto value = object.find(key))
    if (const auto pattern = comparison::Pattern::make(target); !pattern) value->report(pattern.error().message);
}

void check_json_path(const Value& value, const std::string& text) {
  if (const auto path = comparison::JsonPath::parse(text); !path) value.report(path.error().message);
}

void parse_json_paths(Object& object, std::string_view key, std::vector<std::string>& target) {
  const auto value = object.find(key);
  if (!value) return;
  for (const auto& element : value->elements())
    if (auto path = element.text()) {
      check_json_path(element, *path);
      target.push_back(std::move(*path));
    }
}

void parse_compare_json(Object json, comparison::Settings& compare) {
  parse_json_paths(json, "ignore", compare.ignore);
  parse_json_paths(json, "unordered", compare.unordered);
  if (const auto key = json.find("key"))
    for (const auto& [path, field] : key->members()) {
      check_json_path(field, path);
      if (auto name = field.text()) compare.key.emplace_back(path, std::move(*name));
    }
  if (const auto masks = json.find("mask"))
    for (const auto& element : masks->elements()) {
      Object object(element, "mask");
      comparison::Settings::Mask mask;
      object.text("path", mask.path);
      parse_regex(object, "pattern", mask.pattern);
      const bool is_whole = object.find("path") && object.find("pattern");
      if (object.close() && element.is_object() && !is_whole) element.report("a mask has a \"path\" and a \"pattern\"");
      if (is_whole) check_json_path(*object.find("path"), mask.path);
      compare.mask.push_back(std::move(mask));
    }
  auto number = json.section("number", "number");
  number.number("abs", compare.absolute, 0, 1e300, "a number ≥ 0");
  number.number("rel", compare.relative, 0, 1, "a number from 0 to 1");
  number.close();
  json.boolean("null_is_missing", compare.null_is_missing);
  json.boolean("extra_ok", compare.extra_ok);
  json.close();
}

// "exact", "trim", or what is replaced before two texts are compared: [{"pattern": "\\d+ms", "with": "N ms"}].
void parse_compare_text(const Value& value, comparison::Settings& compare) {
  if (value.is_string()) {
    const std::vector<std::string> names = {"exact", "trim"};
    const auto text = value.text();
    if (!text) return;
    if (*text == "trim")
      compare.text = comparison::Settings::Text::trim;
    else if (*text != "exact")
      value.report("expected \"exact\", \"trim\" or a list of replacements, got " + in_quotes(*text) +
                   did_you_mean(*text, names));
    return;
  }
  for (const auto& element : value.elements()) {
    Object object(element, "replacement");
    comparison::Settings::Replacement replacement;
    parse_regex(object, "pattern", replacement.pattern);
    object.text("with", replacement.with);
    const bool has_pattern = object.find("pattern").has_value();
    if (object.close() && element.is_object() && !has_pattern) element.report("a replacement has a \"pattern\"");
    compare.replace.push_back(std::move(replacement));
  }
}

comparison::Settings parse_compare(Object object) {
  comparison::Settings compare;
  object.choice<bool>("status", compare.by_class, {{"exact", false}, {"class", true}});
  if (const auto headers = object.find("headers")) {
    compare.headers.clear();
    for (const auto& element : headers->elements())
      if (const auto name = element.text()) {
        if (!ascii::is_token(*name)) element.report(in_quotes(*name) + " is no name of a field");
        compare.headers.push_back(lowered(*name));
      }
  }
  parse_compare_json(object.section("json", "compare_json"), compare);
  if (const auto text = object.find("text")) parse_compare_text(*text, compare);
  parse_json_paths(object, "redact", compare.redact);
  object.close();
  return compare;
}

std::vector<std::string> served_methods(const RouteConfig& route) {
  return route.methods.empty() ? std::vector<std::string>{"GET"} : route.methods;
}

void parse_shadow_methods(Object& object, ShadowSettings& shadow, const RouteConfig& route) {
  bool is_safe = false;
  object.boolean("safe", is_safe);
  const auto value = object.find("methods");
  if (!value) return;
  shadow.methods.clear();
  const auto served = served_methods(route);
  const bool has_application = std::any_of(route.arms.begin(), route.arms.end(), [](const ArmConfig& arm) {
    return arm.endpoint.backend != Backend::native && arm.endpoint.backend != Backend::python;
  });
  const bool is_any = served.front() == "*" || (route.methods.empty() && has_application);
  for (const auto& element : value->elements()) {
    const auto method = element.text();
    if (!method) continue;
    const bool may_repeat = *method == "GET" || *method == "HEAD" || *method == "OPTIONS";
    if (!is_any && !may_repeat && std::find(served.begin(), served.end(), *method) == served.end())
      element.report("this route does not answer " + in_quotes(*method) + did_you_mean(*method, served));
    else if (!may_repeat && !is_safe)
      element.report(in_quotes(*method) +
                     " may change something, and a shadow would do it twice: say \"safe\": true beside it if "
                     "the candidate can be run with no effect");
    shadow.methods.push_back(*method);
  }
}

ShadowSettings parse_shadow(const Value& value, const RouteConfig& route, const std::string& control) {
  Object object(value, "shadow");
  ShadowSettings shadow;
  const auto candidate = object.find("candidate");
  if (candidate) shadow.candidate = parse_arm_name(*candidate, route);
  if (candidate && !shadow.candidate.empty() && shadow.candidate == control)
    candidate->report(in_quotes(control) + " is the control: a shadow runs another arm");
  object.number("sample", shadow.sample, 0, 1, kShare);
  parse_shadow_methods(object, shadow, route);
  if (const auto headers = object.find("headers")) {
    shadow.headers.emplace();
    for (const auto& element : headers->elements())
      if (const auto name = element.text()) {
        if (!ascii::is_token(*name))
          element.report(in_quotes(*name) + " is no name of a field");
        else if (!experiment::may_copy_field(*name))
          element.report(in_quotes(*name) + " is about the connection or chooses the arm: no shadow gets it");
        shadow.headers->push_back(lowered(*name));
      }
  }
  object.integer("concurrency", shadow.concurrency, 1, 1024);
  object.integer("queue", shadow.queue, 1, 1'000'000);
  object.size("body_bytes", shadow.body_bytes, 0, 16 * 1024 * 1024);
  object.integer("per_second", shadow.per_second, 0, 1'000'000);
  if (const auto timeout = object.find("timeout")) shadow.timeout = timeout->duration(1ms, 1h);
  object.number("cpu_budget", shadow.cpu_budget, 0, 1024, "a number of cores ≥ 0");
  object.number("noise", shadow.noise, 0, 1, kShare);
  object.boolean("swap", shadow.swap);
  object.boolean("verify", shadow.verify);
  if (object.close() && value.is_object() && !candidate && route.arms.size() > 2)
    object.report("say which arm is run: \"candidate\"");
  if (!candidate && route.arms.size() == 2) shadow.candidate = route.arms[route.arms[0].name == control ? 1 : 0].name;
  if (route.stream) value.report("a route with \"stream\" can't be shadowed: nobody keeps its bodies");
  return shadow;
}

void parse_margin(Object& object, GuardrailSettings& guardrail) {
  using Metric = GuardrailSettings::Metric;
  const auto margin = object.find("margin");
  if (!margin) return;
  if (guardrail.metric == Metric::srm) {
    margin->report("\"srm\" has no margin: any mismatch of the shares counts");
    return;
  }
  const auto number = margin->number(-1e300, 1e300, "a number");
  if (!number) return;
  if (guardrail.metric == Metric::mismatch) {
    if (!(*number > 0 && *number < 1)) margin->report("expected a rate above 0 and below 1, such as 0.01");
  } else if (!(*number > 1 && *number <= 1000)) {
    margin->report(
        "expected a ratio above 1: 1.5 allows the candidate half as much again as control; without a margin a difference "
        "that "
        "nobody cares about would roll back");
  }
  guardrail.margin = *number;
}

GuardrailSettings parse_guardrail(const Value& value) {
  using Metric = GuardrailSettings::Metric;
  using Action = GuardrailSettings::Action;
  Object object(value, "guardrail");
  GuardrailSettings guardrail;
  const auto metric = object.find("metric");
  object.choice<Metric>("metric", guardrail.metric,
                        {{"errors", Metric::errors},
                         {"timeouts", Metric::timeouts},
                         {"latency", Metric::latency},
                         {"cpu", Metric::cpu},
                         {"mismatch", Metric::mismatch},
                         {"srm", Metric::srm}});
  for (const auto& usual : default_guardrails())
    if (usual.metric == guardrail.metric) guardrail = usual;
  const auto stat = object.find("stat");
  object.choice<double>("stat", guardrail.quantile,
                        {{"mean", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}});
  if (stat && guardrail.metric != Metric::latency) stat->report("only \"latency\" has a \"stat\"");
  parse_margin(object, guardrail);
  object.choice<Action>("action", guardrail.action,
                        {{"rollback", Action::rollback}, {"hold", Action::hold}, {"warn", Action::warn}});
  if (const auto alpha = object.find("alpha"))
    if (const auto number = alpha->number(0, 0.5, "a probability above 0, at most 0.5")) {
      if (*number == 0) alpha->report("a probability of 0 would never fire");
      guardrail.alpha = *number;
    }
  if (object.close() && value.is_object() && !metric) value.report("a guardrail needs a \"metric\"");
  return guardrail;
}

void parse_guardrails(Object& object, Settings& settings) {
  constexpr double kAlpha = 0.01;
  settings.guardrails = default_guardrails();
  const auto value = object.find("guardrails");
  if (!value) return;
  settings.guardrails.clear();
  double alpha = 0;
  for (const auto& element : value->elements()) {
    settings.guardrails.push_back(parse_guardrail(element));
    alpha += settings.guardrails.back().alpha.value_or(0);
  }
  if (alpha > kAlpha) value->report("the guardrails' \"alpha\" sum to more than 0.01, which all of them share");
}

void parse_require(const Value& value, ScheduleStep& step) {
  static const std::vector<std::string> kMetrics = {"mean",  "p50",    "p90",      "p95", "p99",
                                                    "p99.9", "errors", "timeouts", "cpu", "mismatch"};
  static const std::vector<std::string> kVerdicts = {"not_worse", "equivalent"};
  for (const auto& [metric, verdict] : value.members()) {
    if (std::find(kMetrics.begin(), kMetrics.end(), metric) == kMetrics.end())
      verdict.report("there is no metric " + in_quotes(metric) + did_you_mean(metric, kMetrics));
    const auto word = verdict.text();
    if (!word) continue;
    if (std::find(kVerdicts.begin(), kVerdicts.end(), *word) == kVerdicts.end())
      verdict.report("expected \"not_worse\" or \"equivalent\", got " + in_quotes(*word) + did_you_mean(*word, kVerdicts));
    step.require.push_back({metric, *word == "equivalent"});
  }
}

// A step's own minimums; an automatic one without any would advance on nothing.
ScheduleStep usual_step(unsigned weight_bp, bool manual) {
  ScheduleStep step;
  step.weight_bp = weight_bp;
  step.min_time = 10min;
  step.min_requests = 1000;
  step.manual = manual;
  return step;
}

ScheduleStep parse_step(const Value& value) {
  Object object(value, "step");
  auto step = usual_step(0, false);
  const auto weight = object.find("weight");
  if (weight)
    if (const auto percent = weight->number(0, 100, "per cent from 0 to 100"))
      step.weight_bp = static_cast<unsigned>(std::lround(*percent * 100));
  object.duration("min_time", step.min_time, 0ms, kYear);
  object.integer("min_requests", step.min_requests, 0, 1'000'000'000'000);
  object.integer("min_windows", step.min_windows, 0, 1'000'000);
  object.choice<bool>("gate", step.manual, {{"auto", false}, {"manual", true}});
  if (const auto require = object.find("require")) parse_require(*require, step);
  if (object.close() && value.is_object() && !weight)
    value.report("a step needs a \"weight\": the candidate's share in per cent");
  return step;
}

std::vector<ScheduleStep> parse_schedule(const Value& value) {
  if (value.is_string()) {
    if (value.text() == "default")
      return {usual_step(100, false),  usual_step(500, false),  usual_step(1000, false),
              usual_step(2500, false), usual_step(5000, false), usual_step(10000, true)};
    value.report("expected a list of steps or \"default\"");
    return {};
  }
  std::vector<ScheduleStep> steps;
  for (const auto& element : value.elements()) {
    auto step = parse_step(element);
    if (!steps.empty() && steps.back().min_requests == 0 && steps.back().min_windows == 0 && !step.manual)
      element.report("the step before this one has neither \"min_requests\" nor \"min_windows\": no data would be a pass");
    if (!steps.empty() && step.weight_bp <= steps.back().weight_bp)
      element.report("the weight of a step is above that of the step before");
    steps.push_back(std::move(step));
  }
  return steps;
}

void parse_switchback(Object& object, Settings& settings) {
  object.duration("block", settings.block, 1s, 24h);
  object.duration("washout", settings.washout, 0ms, 24h);
  for (const auto* key : {"block", "washout"})
    if (const auto value = object.find(key); value && settings.assign != experiment::Assign::switchback)
      value->report("only with \"assign\": \"switchback\"");
  if (settings.assign != experiment::Assign::switchback) return;
  if (settings.block % 1s != 0ms) object.find("block")->report("expected whole seconds");
  const auto washout = object.find("washout");
  if (settings.washout >= settings.block) {
    const auto text =
        "the whole block would be left out: it lasts " + format_duration(settings.block) +
        (washout ? "" : ", and \"washout\" is " + format_duration(settings.washout) + " unless it says otherwise");
    (washout ? *washout : *object.find("block")).report(text);
  }
  if (const auto schedule = object.find("schedule"))
    schedule->report("in a switchback every arm has its turn, whatever its weight: there are no steps to take");
}

// Each arm has one block in it, with an equal part of whatever the load does meanwhile.
void set_round(Object& metrics, Settings& settings, const RouteConfig& route) {
  if (settings.assign != experiment::Assign::switchback) return;
  const auto round = settings.block * std::max<std::int64_t>(static_cast<std::int64_t>(route.arms.size()), 1);
  if (const auto window = metrics.find("window"); window && settings.window != round)
    window->report("the unit of analysis of a switchback is a round, one block of each arm: " + format_duration(round) +
                   "; leave it out");
  settings.window = round;
}

void parse_metrics(Object object, Settings& settings, const RouteConfig& route) {
  object.duration("window", settings.window, 1s, settings.assign == experiment::Assign::switchback ? kYear : 10min);
  set_round(object, settings, route);
  object.integer("cpu_sample", settings.cpu_sample, 1, 1'000'000);
  object.integer("planned_windows", settings.planned_windows, 1, 1'000'000);
  object.integer("min_windows", settings.min_windows, 2, 1'000'000);
  object.duration("min_time", settings.min_time, 0ms, kYear);
  constexpr std::string_view kMargin = "a number above 0, at most 10";
  object.number("margin", settings.margin, 1e-9, 10, kMargin);
  object.number("quantile_margin", settings.quantile_margin, 1e-9, 10, kMargin);
  object.close();
}

// There is no TLS client.
void parse_webhook(Object& object, std::string& webhook) {
  object.text("webhook", webhook);
  const auto value = object.find("webhook");
  if (!value || !value->is_string()) return;
  constexpr std::string_view kScheme = "http://";
  const auto rest = std::string_view(webhook).substr(std::min(kScheme.size(), webhook.size()));
  const auto host = rest.substr(0, rest.find('/'));
  if (webhook.rfind(kScheme, 0) != 0 || !http::is_authority(host) || webhook.find_first_of(" #") != std::string::npos)
    value->report("expected a URL such as \"http://hooks.example:8000/tandem\", got " + in_quotes(webhook));
}

void parse_not_after(Object& object, Settings& settings) {
  const auto value = object.find("not_after");
  if (!value) return;
  const auto text = value->text();
  if (!text) return;
  settings.not_after = parse_timestamp(*text);
  if (!settings.not_after) value->report("expected a time such as \"2030-12-24T12:00:00Z\", got " + in_quotes(*text));
}

void parse_identity(Object& object, Settings& settings, const RouteConfig& route) {
  object.text("id", settings.id);
  if (const auto id = object.find("id"); id && id->is_string() && !is_simple_name(settings.id))
    id->report(
        "the id of an experiment is made of letters, digits, \".\", \"-\" and \"_\", at most 64 of them, and begins with no "
        "\".\"");
  settings.salt = settings.id;
  object.text("salt", settings.salt);
  if (const auto control = object.find("control")) settings.control = parse_arm_name(*control, route);
}

std::vector<experiment::ArmShare> shares(const RouteConfig& route) {
  std::vector<double> weights;
  for (const auto& arm : route.arms) weights.push_back(arm.weight);
  if (std::all_of(weights.begin(), weights.end(), [](double weight) { return weight == 0; })) return {};  // reported
  const auto points = experiment::basis_points(weights);
  std::vector<experiment::ArmShare> arms;
  for (std::size_t i = 0; i < weights.size(); ++i) arms.push_back({route.arms[i].name, points[i]});
  return arms;
}

}  // namespace

Settings parse_experiment(const Value& value, const RouteConfig& route) {
  using experiment::Analysis;
  using experiment::Assign;
  using experiment::Expose;
  Object object(value, "experiment");
  Settings settings;
  parse_identity(object, settings, route);
  settings.arms = shares(route);
  if (const auto key = object.find("key")) settings.key = parse_key(*key, route);
  if (settings.key.empty()) settings.key.push_back({KeySource::Kind::mint, "tandem_id", 32, 128, "mint"});
  object.choice<Assign>("assign", settings.assign,
                        {{"sticky", Assign::sticky}, {"request", Assign::request}, {"switchback", Assign::switchback}});
  parse_switchback(object, settings);
  object.choice<Analysis>("analysis", settings.analysis, {{"matched", Analysis::matched}, {"all", Analysis::all}});
  object.choice<bool>("state", settings.start, {{"running", true}, {"draft", false}});
  object.choice<Expose>("expose", settings.expose,
                        {{"off", Expose::off}, {"override", Expose::override_only}, {"all", Expose::all}});
  object.boolean("cacheable", settings.cacheable);
  object.boolean("override_query", settings.override_query);
  object.choice<bool>("fallback", settings.fallback, {{"none", false}, {"control", true}});
  object.boolean("idempotent", settings.idempotent);
  object.duration("mint_max_age", settings.mint_max_age, 1s, 10 * kYear);
  if (const auto shadow = object.find("shadow")) settings.shadow = parse_shadow(*shadow, route, settings.control);
  settings.compare = parse_compare(object.section("compare", "compare"));
  parse_guardrails(object, settings);
  if (const auto schedule = object.find("schedule")) settings.schedule = parse_schedule(*schedule);
  parse_not_after(object, settings);
  parse_metrics(object.section("metrics", "metrics"), settings, route);
  parse_webhook(object, settings.webhook);
  const bool has_id = object.find("id").has_value(), has_control = object.find("control").has_value();
  if (object.close() && value.is_object()) {
    if (!has_id) object.report("an experiment needs an \"id\"");
    if (!has_control) object.report("an experiment needs a \"control\": the arm that is trusted");
  }
  if (!route.is_twin)
    value.report("only a route with \"arms\" has an experiment");
  else if (route.arms.size() == 1)
    value.report("an experiment compares two arms or more");
  else if (route.arms.size() > 250)
    value.report("an experiment has 250 arms at most");
  return settings;
}

}  // namespace tandem::config
