// The report as a page for somebody who has not seen the others: eleven parts, each with a line on how to read it.
#include <algorithm>
#include <cmath>

#include "report/format.hpp"
#include "report/html_page.hpp"
#include "report/html_pictures.hpp"

namespace tandem::report {
namespace {

constexpr std::size_t kShownFindings = 100;

constexpr std::string_view kMetrics =
    "mean, p50, … p99.9 are times of whole requests: their average, and what 50, … 99.9 of 100 requests stay below. cpu is "
    "the "
    "endpoint's processor time a request, errors the share of answers with a status of 5xx, bytes the size of an answer. "
    "The "
    "design effect is how many requests say as much as one would that had nothing to do with the others.";

// As people say it who read no JSON.
std::string words_of(Standing standing) {
  switch (standing) {
    case Standing::no_data:
      return "no data";
    case Standing::too_little:
      return "too little data to say";
    case Standing::invalid:
      return "not valid";
    case Standing::judged:
      break;
  }
  return "judged";
}

std::string language_of(std::string_view backend) {
  if (backend == "native") return "C++";
  if (backend == "python") return "Python";
  return "Python, " + std::string(backend);
}

std::string goal(std::string_view what, std::string_view verdict, std::string_view rest) {
  return "<li><strong>" + escaped(what) + ": " + escaped(verdict) + ".</strong> " + escaped(rest) + "</li>\n";
}

// Why this one has no verdict; empty where that was said of all of them.
std::string own_reason(const CandidateReport& candidate, const Effect& effect) {
  return effect.why == candidate.why ? "" : effect.why;
}

std::string goal(const Report& report, const CandidateReport& candidate, Metric metric) {
  const auto& effect = *std::find_if(candidate.effects.begin(), candidate.effects.end(),
                                     [&](const Effect& one) { return one.metric == metric; });
  if (effect.standing != Standing::judged) {
    const auto own = own_reason(candidate, effect);
    return goal(words_of(metric), words_of(effect.standing), own.empty() ? "" : own + ".");
  }
  if (effect.ratio == 0) return goal(words_of(metric), verdict_text(effect), effect.why + ".");
  return goal(words_of(metric), effect.verdict.words(),
              candidate.name + " " + format_value(effect.metric, effect.candidate) + ", " + report.control + " " +
                  format_value(effect.metric, effect.control) + ", a ratio of " + format_ratio(effect.ratio) + " " +
                  format_interval(effect.interval) + ".");
}

std::string answers_goal(const CandidateReport& candidate) {
  if (!candidate.answers || candidate.answers->compared == 0)
    return goal("Answers", "no data",
                "No request was given to both arms (there is no shadow), so nothing says whether they answer the same.");
  const auto& answers = *candidate.answers;
  return goal("Answers", answers.mismatches == 0 ? "no difference found" : "they differ",
              "Both arms were given the same " + std::to_string(answers.compared) + " requests, and " +
                  std::to_string(answers.mismatches) + " times the answers differ: at most " +
                  format_percent(answers.rate.high) + " of all. " + std::to_string(answers.covered_shapes) + " of the " +
                  std::to_string(answers.live_shapes) +
                  " shapes (status, fields and types) that answers have were compared.");
}

std::string verdict_part(const Report& report) {
  std::string text;
  for (const auto& candidate : report.candidates) {
    if (report.candidates.size() > 1) text += "<h3>" + escaped(candidate.name) + "</h3>\n";
    if (candidate.standing != Standing::judged)
      text += "<p><strong>No verdicts, " + escaped(words_of(candidate.standing)) + ":</strong> " + escaped(candidate.why) +
              ". Figures are shown as far as there are any." +
              (candidate.standing == Standing::no_data ? " Requests that ask for an arm themselves do not count." : "") +
              "</p>\n";
    text += "<ul class=\"goals\">\n" + answers_goal(candidate);
    for (const auto metric : {Metric::mean, Metric::p99, Metric::cpu, Metric::errors})
      text += goal(report, candidate, metric);
    text += "</ul>\n";
  }
  return section("verdict", "What was found", text);
}

std::string health_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  auto text =
      paragraph(
          candidate.standing == Standing::judged
              ? "Nothing speaks against it: both arms ran at the same time and hold the clients meant for them, and there "
                "is enough to judge."
              : "Not yet, or not at all: " + words_of(candidate.standing) + ", " + candidate.why + ".") +
      list(health_of(report, candidate)) +
      paragraph(
          "A window is a stretch of time in which both arms are compared. A small p or a large ln E of the sample "
          "ratio would mean that the arms did not get the shares meant for them.");
  if (report.shadow_cost && report.shadow_cost->pairs == 0)
    text += nothing_to_show("What shadows cost live requests: " + report.shadow_cost->effects.front().why + ".");
  else if (report.shadow_cost) {
    Table table{"Live requests of " + report.control + " in windows without and with shadows, " +
                    std::to_string(report.shadow_cost->pairs) + " pairs",
                {"metric", "without", "with", "ratio", "interval", "verdict"},
                {}};
    for (const auto& effect : report.shadow_cost->effects)
      table.rows.push_back({std::string(name_of(effect.metric)), format_value(effect.metric, effect.control),
                            format_value(effect.metric, effect.candidate), format_ratio(effect.ratio),
                            format_interval(effect.interval), verdict_text(effect)});
    text += html_table(table);
  }
  return section("health" + suffix, "Can it be trusted?", text);
}

std::string noise_text(const Effect& effect) {
  return effect.noise_floor ? format_interval(effect.noise_floor->interval) : "–";
}

std::string effects_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  const std::string heading = "Effects";
  if (candidate.standing == Standing::no_data)
    return section("effects" + suffix, heading, nothing_to_show("No effects: " + candidate.why + "."));
  Table table{
      "Ratios are " + candidate.name + " / " + report.control + "; below 1 the candidate needs less",
      {"metric", report.control, candidate.name, "ratio", "interval", "noise floor (A/A)", "design effect", "verdict"},
      {}};
  for (const auto& effect : candidate.effects) {
    const bool has_ratio = effect.ratio > 0;
    const auto own = own_reason(candidate, effect);
    table.rows.push_back({std::string(name_of(effect.metric)), format_value(effect.metric, effect.control),
                          format_value(effect.metric, effect.candidate), has_ratio ? format_ratio(effect.ratio) : "–",
                          has_ratio ? format_interval(effect.interval) : "–", noise_text(effect),
                          effect.design_effect > 1 ? format_number(effect.design_effect) : "–",
                          own.empty() ? verdict_text(effect) : verdict_text(effect) + ": " + own});
  }
  return section("effects" + suffix, heading,
                 html_table(table) + paragraph(kMetrics) + paragraph(noise_words(report, candidate)));
}

std::string differences_part(const CandidateReport& candidate, const std::string& suffix) {
  const std::string id = "differences" + suffix, heading = "Differences between the answers";
  if (!candidate.answers || candidate.answers->compared == 0)
    return section(
        id, heading,
        nothing_to_show("Nothing was compared: the experiment has no shadow for this candidate, or none has run yet."));
  const auto& answers = *candidate.answers;
  auto text = paragraph(std::to_string(answers.compared) + " pairs compared, " + std::to_string(answers.mismatches) +
                        " differ: between " + format_percent(answers.rate.low) + " and " +
                        format_percent(answers.rate.high) + " of all, at any time one looks. " +
                        std::to_string(answers.noise) + " differ only as control differs from itself, " +
                        std::to_string(answers.errors) + " failed, " + std::to_string(answers.skipped) + " were skipped.");
  if (answers.findings.empty()) return section(id, heading, text + nothing_to_show("No kind of difference was seen."));
  Table table{
      "Kinds of difference, the most frequent first. b:c is how often only the candidate, or only control's second "
      "answer, differed, of " +
          std::to_string(answers.triples) + " triples",
      {"where", "kind", "status", "pairs", "b:c", "ln E", "the candidate's?"},
      {}};
  for (const auto& line : answers.findings) {
    if (table.rows.size() == kShownFindings) break;
    table.rows.push_back(
        {line.signature.path, std::string(comparison::name_of(line.signature.kind)),
         std::to_string(line.signature.status_control) + "/" + std::to_string(line.signature.status_candidate),
         std::to_string(line.finding.count),
         std::to_string(line.finding.candidate_only) + ":" + std::to_string(line.finding.control_only),
         format_number(line.ln_e),
         line.is_real           ? "yes"
         : answers.triples == 0 ? "no triples yet"
                                : "may be noise"});
  }
  text += html_table(table);
  if (answers.findings.size() > kShownFindings)
    text += nothing_to_show(std::to_string(answers.findings.size() - kShownFindings) + " more kinds are not shown.");
  return section(id, heading, text);
}

std::string audit_part(const Report& report) {
  const std::string heading = "What happened";
  if (report.events.empty()) return section("audit", heading, nothing_to_show("No change was noted."));
  Table table{"Changes, the newest last. Their numbers are those of the lines in the pictures", {"no.", "time", "what"}, {}};
  const auto shown = std::min<std::size_t>(report.events.size(), 50);
  for (auto i = report.events.size() - shown; i < report.events.size(); ++i)
    table.rows.push_back({std::to_string(i + 1), format_time(report.events[i].unix_ms), report.events[i].text});
  auto text = html_table(table);
  if (shown < report.events.size())
    text += nothing_to_show(std::to_string(report.events.size() - shown) + " earlier ones are not shown.");
  return section("audit", heading, text + nothing_to_show("Who did it and why, in full: tandem audit."));
}

struct Formula {
  std::string_view what;
  std::string_view text;
};
constexpr Formula kFormulas[] = {
    {"Means, CPU, errors, bytes", "R = Σy / Σn over the windows of an arm; θ = ln(R_t / R_c)"},
    {"their windows' terms", "z_w = (y_tw − R_t n_tw) / (n̄_t R_t) − (y_cw − R_c n_cw) / (n̄_c R_c), s² their variance"},
    {"their interval",
     "exp(θ ± s √( 2(Wρ²+1)/(W²ρ²) · ln(√(Wρ²+1)/α) )), ρ = √( (−2 ln α + ln(1 − 2 ln α)) / W* ); s of clients where that "
     "is larger"},
    {"Quantiles",
     "ranks p − r … p + r from the beta-binomial mixture, n divided by the design effect, α/2 an arm: [lo_t/hi_c, "
     "hi_t/lo_c]"},
    {"Band of all quantiles", "F ± 0.85 √( (ln ln(e·t/100) + 0.8 ln(1612/α)) / t ), α/2 an arm"},
    {"Mismatches", "{p : lnB(x+½, n−x+½) − lnB(½,½) − x ln p − (n−x) ln(1−p) < ln(1/α)}"},
    {"b:c", "ln E of Beta(5,5) against a fair coin, one-sided; all kinds together by e-BH"},
    {"Error events", "grid of risk ratios 2^(j/16), j = −80 … 80, mixed with weights e^(−|ln ψ|)"},
    {"Sample ratio", "X² = Σ (O−E)²/E at a fixed time; Dirichlet-multinomial ln E, k = 100, at any time"},
};

std::string method_part(const Report& report) {
  auto text = list(method_of(report));
  text += "<ul>\n";
  for (const auto& formula : kFormulas)
    text += "<li>" + escaped(formula.what) + ": <code>" + escaped(formula.text) + "</code></li>\n";
  text += "</ul>\n";
  std::vector<std::string> facts{
      "α = " + format_number(report.demands.alpha) + " in all, " + format_number(report.demands.alpha / 2) +
          " of it for the mean; W* = " + std::to_string(report.demands.planned_windows) +
          " planned windows; a verdict needs " + std::to_string(report.demands.min_windows) + " windows and " +
          std::to_string(report.demands.min_seconds) + " s.",
      "Margins: " + format_percent(report.demands.margin) + " for means, CPU, errors and bytes, " +
          format_percent(report.demands.quantile_margin) + " for quantiles.",
      "Assignment: " + report.assign + ", by MurmurHash3 with seed 0 and the salt \"" + report.salt + "\".",
  };
  std::string guardrails;
  for (const auto& one : report.guardrails) {
    guardrails += guardrails.empty() ? "" : ", ";
    guardrails += one.metric + (one.margin > 0 ? " beyond " + format_number(one.margin) : "") + " (" + one.action + ")";
  }
  facts.push_back(guardrails.empty() ? "No guardrails." : "Guardrails: " + guardrails + ".");
  facts.push_back("Made by Tandem " TANDEM_VERSION " from a state of schema " + std::to_string(State::kSchema) +
                  ", revision " + std::to_string(report.revision) + ". The same state makes the same page, byte for byte.");
  return section("method", "How this was computed", "<div class=\"box\">\n" + text + list(facts) + "</div>\n");
}

std::string candidates_of(const Report& report) {
  std::string text;
  for (const auto& candidate : report.candidates)
    text += std::string(text.empty() ? "" : ", ") + "<strong>" + escaped(candidate.name) + "</strong> (" +
            escaped(language_of(candidate.backend)) + ", " + format_percent(candidate.weight_bp / 10'000.0) +
            " of the traffic now)";
  return text;
}

std::string header_of(const Report& report) {
  const bool is_one = report.candidates.size() == 1;
  auto state = report.state;
  std::replace(state.begin(), state.end(), '_', ' ');
  return "<header>\n<h1>" + escaped("Experiment " + report.experiment + " on route " + report.route) +
         "</h1>\n<p>Requests to one address of a web server are answered by " + (is_one ? "two" : "several") +
         " programs: by the control <strong>" + escaped(report.control) + "</strong> (" +
         escaped(language_of(report.control_backend)) + "), which is trusted, and by the " +
         (is_one ? "candidate " : "candidates ") + candidates_of(report) + ", which may replace it. " +
         "Chance decides which of these <em>arms</em> serves whom, and all are measured at the same time. The experiment "
         "is " +
         escaped(state) + ".</p>\n" +
         paragraph(
             "Ratios are candidate / control: 0.50× is half as much, and less is better. In brackets stands where the true "
             "ratio lies, at a confidence of " +
             format_percent(1 - report.demands.alpha) +
             " over all figures together and however often one looks. While that includes 1, it is undecided which arm is "
             "better.") +
         "</header>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  auto body = header_of(report) + verdict_part(report);
  for (const auto& candidate : report.candidates) {
    const bool is_one_of_many = report.candidates.size() > 1;
    const auto suffix = is_one_of_many ? "-" + std::to_string(&candidate - report.candidates.data() + 1) : std::string();
    if (is_one_of_many) body += "<h2 class=\"arm\">" + escaped(candidate.name) + "</h2>\n";
    body += health_part(report, candidate, suffix) + effects_part(report, candidate, suffix) +
            pictures_html(report, candidate, suffix) + differences_part(candidate, suffix);
  }
  return html_page("Experiment " + report.experiment + " on route " + report.route,
                   body + audit_part(report) + method_part(report));
}

}  // namespace tandem::report
