#include "report/html_pictures.hpp"

#include <algorithm>
#include <utility>

#include "report/charts.hpp"
#include "report/format.hpp"
#include "report/html_page.hpp"

namespace tandem::report {
namespace {

std::string against(const Report& report, const CandidateReport& candidate) {
  return candidate.name + " against " + report.control;
}

std::string forest_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  std::vector<charts::ForestRow> rows;
  std::string description;
  for (const auto& effect : candidate.effects) {
    charts::ForestRow row;
    row.label = name_of(effect.metric);
    row.margin = effect.margin;
    row.value = verdict_text(effect);
    if (effect.ratio > 0) {
      row.value = format_ratio(effect.ratio) + " " + format_interval(effect.interval) + ", " + row.value;
      row.low = effect.interval.low;
      row.mid = effect.ratio;
      row.high = effect.interval.high;
    }
    if (effect.noise_floor) {
      row.noise_low = effect.noise_floor->interval.low;
      row.noise_high = effect.noise_floor->interval.high;
    }
    description += row.label + ": " + row.value + ". ";
    rows.push_back(std::move(row));
  }
  const std::string id = "forest" + suffix, heading = "Effects at a glance";
  if (candidate.standing == Standing::no_data)
    return section(id, heading, nothing_to_show("No effects to draw: " + candidate.why + "."));
  return section(
      id, heading,
      figures({figure(charts::forest_plot({"Ratios of " + against(report, candidate), description}, rows),
                      "Diamond: the ratio; line: its interval, an arrow where it goes on; shaded: the margin within which "
                      "the arms count as equivalent; dotted: control against itself.")}));
}

std::string shift_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  const std::string id = "shift" + suffix, heading = "Which requests got faster or slower";
  if (candidate.shift.empty())
    return section(id, heading, nothing_to_show("No quantiles: no window has compared requests of both arms."));
  std::vector<charts::ShiftPoint> points;
  std::string description;
  for (const auto& one : candidate.shift) {
    const auto label = "p" + format_number(one.p * 100);
    points.push_back({label, one.band.low, one.ratio, one.band.high});
    description += label + " " + format_ratio(one.ratio) + " " + format_interval(one.band) + ". ";
  }
  return section(
      id, heading,
      figures({figure(charts::shift_plot({"Ratio of quantiles, " + against(report, candidate), description}, points),
                      "From the fastest requests (p1) to the slowest (p99.9): the ratio of the arms' times there. The band "
                      "holds for all of them at once; where it leaves the picture, too few requests say something.")}));
}

std::string heat_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  const std::string id = "heat" + suffix, heading = "Times over the course of the experiment";
  if (!candidate.pictures || candidate.pictures->heat.control.empty())
    return section(id, heading, nothing_to_show("No times: no request was counted."));
  const auto& heat = candidate.pictures->heat;
  const auto map = [&](const std::string& arm, const std::vector<std::vector<std::uint64_t>>& counts) {
    const auto title = "Times of " + arm;
    const auto seconds = heat.column_seconds * static_cast<std::int64_t>(counts.size());
    return figure(charts::heat_map({title, "Requests by time of day and duration, from " + format_time(heat.since * 1000) +
                                               " on, for " + std::to_string(seconds) + " s."},
                                   {heat.since, heat.column_seconds, heat.borders, counts}),
                  "<strong>" + escaped(arm) + "</strong>, columns of " + std::to_string(heat.column_seconds) +
                      " s, UTC, from " + format_time(heat.since * 1000));
  };
  return section(
      id, heading,
      figures({map(report.control, heat.control), map(candidate.name, heat.candidate)}) +
          figures({figure(charts::heat_scale(), "Both maps: the darker, the larger the share of a column's requests.")}));
}

std::string stages_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  const std::string id = "stages" + suffix, heading = "Where the time goes";
  if (candidate.stages_control.total + candidate.stages_candidate.total <= 0)
    return section(id, heading, nothing_to_show("No times: no request was counted."));
  const auto rest = [](const Stages& stages) {
    return std::max(0.0, stages.total - stages.queue - stages.gil - stages.exec);
  };
  const auto bar = [&](const std::string& arm, const Stages& stages) {
    return charts::Bar{arm, format_duration(stages.total), {stages.queue, stages.gil, stages.exec, rest(stages)}};
  };
  const std::vector<charts::Bar> bars{bar(report.control, candidate.stages_control),
                                      bar(candidate.name, candidate.stages_candidate)};
  Table table{"Mean time of a request in each stage", {"arm", "queue", "gil", "exec", "rest"}, {}};
  std::string description;
  for (const auto& one : bars) {
    table.rows.push_back({one.label});
    for (const double part : one.parts) table.rows.back().push_back(format_duration(part));
    description += one.label + ": queue " + format_duration(one.parts[0]) + ", gil " + format_duration(one.parts[1]) +
                   ", exec " + format_duration(one.parts[2]) + ", rest " + format_duration(one.parts[3]) + ". ";
  }
  return section(
      id, heading,
      figures({figure(charts::stacked_bars({"Mean time by stage", description}, {"queue", "gil", "exec", "rest"}, bars),
                      "queue: waiting for a free worker; gil: waiting for Python's interpreter lock; exec: the endpoint "
                      "itself; rest: the server around it.")}) +
          html_table(table));
}

charts::TimePlot plot_of(const Report& report, const CandidateReport& candidate, const Progress& progress) {
  charts::TimePlot plot;
  const auto length = candidate.health.window_seconds;
  plot.since = candidate.over_time.front().unix_seconds;
  plot.until = candidate.over_time.back().unix_seconds + length;
  for (const auto& one : progress.points)
    plot.points.push_back({one.unix_seconds + length, one.interval.low, one.ratio, one.interval.high});
  for (std::size_t i = 0; i < report.events.size(); ++i)
    plot.marks.push_back({report.events[i].unix_ms / 1000, std::to_string(i + 1)});
  plot.boundary = progress.guardrail;
  plot.boundary_label = "guardrail " + format_ratio(progress.guardrail);
  return plot;
}

std::string progress_part(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  const std::string id = "progress" + suffix, heading = "How the effects came about";
  if (!candidate.pictures || candidate.over_time.empty())
    return section(id, heading, nothing_to_show("Nothing over time: no window has compared requests of both arms."));
  std::vector<std::string> all;
  std::string missing;
  for (const auto& progress : candidate.pictures->progress) {
    const auto name = std::string(name_of(progress.metric));
    if (progress.points.empty()) {
      missing += (missing.empty() ? "" : ", ") + name;
      continue;
    }
    const auto& last = progress.points.back();
    const charts::Words words{"Ratio of " + name + " over time, " + against(report, candidate),
                              "At the end " + (last.ratio > 0 ? format_ratio(last.ratio) : "no ratio") + ", interval " +
                                  format_interval(last.interval) + "."};
    all.push_back(figure(charts::time_plot(words, plot_of(report, candidate, progress)),
                         "<strong>" + escaped(words_of(progress.metric)) + "</strong>" +
                             (progress.guardrail > 0 ? "" : ", without a guardrail")));
  }
  auto text = figures(all);
  if (!missing.empty()) text += nothing_to_show("Nothing to draw of: " + missing + ".");
  text += paragraph(
      "Each point is what was known then, of all windows up to it, with its interval. Dotted lines are the numbered changes "
      "listed under “What happened”, dashed ones the ratio at which a guardrail acts. Times are UTC, from " +
      format_time(candidate.over_time.front().unix_seconds * 1000) + ".");
  const bool is_narrower = std::any_of(candidate.effects.begin(), candidate.effects.end(), [](const Effect& effect) {
    return effect.is_wider_by_keys || effect.design_effect > 1;
  });
  if (is_narrower)
    text += nothing_to_show(
        "These intervals rest on windows alone; where clients differ more than windows do, those of the table are wider.");
  return section(id, heading, text);
}

}  // namespace

std::string pictures_html(const Report& report, const CandidateReport& candidate, const std::string& suffix) {
  return forest_part(report, candidate, suffix) + shift_part(report, candidate, suffix) +
         heat_part(report, candidate, suffix) + stages_part(report, candidate, suffix) +
         progress_part(report, candidate, suffix);
}

}  // namespace tandem::report
