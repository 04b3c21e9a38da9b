#include <gtest/gtest.h>

#include <regex>

#include "unit/report/traffic.hpp"

namespace tandem::report {
namespace {

// A state with something for every part of the page.
State full_state() {
  auto state = state_of();
  Traffic traffic;
  traffic.fill(state, 60, 100, 2, 1, [n = 0](auto& one) mutable { one.status = ++n % 50 == 0 ? 500 : 200; });
  traffic.add(state, kControl, kStart, 100, 2, [](auto& one) { one.status = 500; });
  comparison::Tally tally;
  for (int i = 0; i < 900; ++i) tally.add(comparison::Outcome::match);
  const comparison::Signature signature{comparison::Kind::value, "$.mean", 200, 200};
  for (int i = 0; i < 30; ++i) {
    tally.add_pair(comparison::Outcome::mismatch, {signature}, {kStart * 1000 + i, "GET /stats", "id", {}});
    tally.add_triple({signature}, {}, kStart * 1000 + i);
  }
  state.comparisons["cpp"] = tally;
  state.events = {{kStart * 1000, "start by file"}, {(kStart + 300) * 1000, "weights by api: cpp 50 %"}};
  state.guardrails = {{"p99", 1.25, "rollback"}};
  return state;
}

std::string page_of(const State& state) { return to_html(evaluate(state, Depth::everything)); }

std::vector<std::string> parts_of(const std::string& page) {
  std::vector<std::string> parts;
  const std::regex heading("<h2 id=\"([^\"]*)\">");
  for (auto match = std::sregex_iterator(page.begin(), page.end(), heading); match != std::sregex_iterator(); ++match)
    parts.push_back((*match)[1]);
  return parts;
}

const std::vector<std::string> kParts{"verdict", "health",   "effects",     "forest", "shift", "heat",
                                      "stages",  "progress", "differences", "audit",  "method"};

TEST(RenderHtml, HasElevenPartsInTheirOrder) {
  EXPECT_EQ(parts_of(page_of(full_state())), kParts);
  EXPECT_EQ(parts_of(page_of(state_of())), kParts) << "without data too";
}

TEST(RenderHtml, TheSameStateIsTheSamePage) {
  const auto page = page_of(full_state());
  EXPECT_EQ(page_of(full_state()), page);
  EXPECT_EQ(page_of(*parse_state(to_json(full_state()))), page) << "guardrails are in the state's file";
}

TEST(RenderHtml, FetchesAndRunsNothing) {
  const auto page = page_of(full_state());
  for (const auto* wrong : {"<script", "<img", "<iframe", "@import", "url(", "http://", "https://", "javascript:",
                            " on"
                            "load="})
    EXPECT_EQ(page.find(wrong), std::string::npos) << wrong;
}

TEST(RenderHtml, SaysOfEachPartWhyItIsEmpty) {
  const auto page = page_of(state_of());
  for (const auto* why :
       {"No effects: no window has compared requests of both arms", "No quantiles: ", "No times: no request was counted",
        "Nothing over time: ", "Nothing was compared: ", "No change was noted."})
    EXPECT_NE(page.find(why), std::string::npos) << why;
  EXPECT_EQ(page.find("<svg"), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
}

TEST(RenderHtml, DrawsEveryPicture) {
  const auto page = page_of(full_state());
  // forest, shift, two maps and their scale, bars, and how mean, p99, CPU and errors came about
  const std::regex title("<title>([^<]*)</title>");
  std::vector<std::string> titles;
  for (auto match = std::sregex_iterator(page.begin(), page.end(), title); match != std::sregex_iterator(); ++match)
    titles.push_back((*match)[1]);
  EXPECT_EQ(titles, (std::vector<std::string>{
                        "Experiment fib-port on route fib", "Ratios of cpp against py", "Ratio of quantiles, cpp against py",
                        "Times of py", "Times of cpp", "The scale of both maps", "Mean time by stage",
                        "Ratio of mean over time, cpp against py", "Ratio of p99 over time, cpp against py",
                        "Ratio of cpu over time, cpp against py", "Ratio of errors over time, cpp against py"}));
  for (const auto* wanted :
       {"<strong>Mean time: better.</strong>", "guardrail 1.25×", "30:0", "$.mean", "weights by api: cpp 50 %",
        "noise floor (A/A)", "design effect", "MurmurHash3 with seed 0", "p99 beyond 1.25 (rollback)"})
    EXPECT_NE(page.find(wanted), std::string::npos) << wanted;
}

TEST(RenderHtml, NamesAreText) {
  const std::string hostile = "<script>alert(1)</script>";
  auto state = full_state();
  state.experiment = state.route = state.salt = state.assign = state.state = hostile;
  state.arms[0].name = state.arms[0].backend = hostile;
  state.arms[1].name = hostile + "2";
  state.comparisons[hostile + "2"] = state.comparisons["cpp"];
  state.comparisons[hostile + "2"].add_pair(comparison::Outcome::mismatch, {{comparison::Kind::value, hostile, 200, 200}},
                                            {1, "GET /", "id", {}});
  state.events.push_back({1, hostile});
  state.guardrails.push_back({hostile, 2, hostile});
  state.drift = {hostile};
  const auto page = page_of(state);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
}

TEST(RenderHtml, EachOfSeveralCandidatesHasItsParts) {
  auto state = state_of();
  state.arms.push_back({"rust", "native", 3000});
  state.record = measure::Record(3, 10);
  state.record.begin_epoch(1, kStart, {4000, 3000, 3000});
  Traffic traffic;
  for (int i = 0; i < 40; ++i)
    for (std::size_t arm = 0; arm < 3; ++arm) traffic.add(state, arm, kStart + 10 * i, 50, 1 + static_cast<double>(arm));
  const auto parts = parts_of(page_of(state));
  ASSERT_EQ(parts.size(), 3u + 2 * 8);
  EXPECT_EQ(parts[1], "health-1");
  EXPECT_EQ(parts[9], "health-2");
}

TEST(RenderHtml, AVerdictThatIsNotThereIsNotShown) {
  auto state = state_of();
  Traffic().fill(state, 10, 100, 2, 1);
  const auto page = page_of(state);
  EXPECT_NE(page.find("<strong>Mean time: too little data to say.</strong>"), std::string::npos);
  EXPECT_EQ(page.find("better.</strong>"), std::string::npos);
}

TEST(RenderHtml, AReasonOfAllIsNotSaidOfEach) {
  auto state = state_of();
  Traffic().fill(state, 10, 100, 2, 1);
  const auto why = evaluate(state).candidates.front().why;
  const auto page = page_of(state);
  const auto effects = page.find("aria-labelledby=\"effects\"");
  ASSERT_NE(page.find(why), std::string::npos);
  ASSERT_NE(effects, std::string::npos);
  EXPECT_EQ(page.find(why, effects), std::string::npos) << why;
}

}  // namespace
}  // namespace tandem::report
