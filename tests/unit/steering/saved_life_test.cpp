#include "steering/saved_life.hpp"

#include <gtest/gtest.h>

#include "unit/steering/settings.hpp"

namespace tandem::steering {
namespace {

using experiment::State;
using Weights = std::vector<unsigned>;

class SavedLifeTest : public ::testing::Test {
 protected:
  void change_weights(unsigned candidate_bp) {
    life = *apply(settings, life, change(Action::weights, {candidate_bp, 10000 - candidate_bp}), kNow);
  }
  // What a restart makes of it.
  Adoption restart(const experiment::Settings& in_file) const {
    const auto text = saved_life_json(settings, save_life(settings, life)).dump();
    auto saved = parse_saved_life(text);
    EXPECT_TRUE(saved) << saved.error().message;
    return adoption_of(in_file, *saved, kNow + std::chrono::hours(1), 0);
  }

  experiment::Settings settings = two_arms();
  Life life = begin_life(settings, kNow);
};

TEST_F(SavedLifeTest, IsReadAsItWasWritten) {
  settings.schedule = {step(100), step(5000)};
  life = begin_life(settings, kNow);
  life.held = "why \"not\"";
  life.judged_from = life.epoch = 4;
  const auto adoption = restart(settings);
  EXPECT_EQ(adoption.life, life);
  EXPECT_FALSE(adoption.is_changed);
}

TEST_F(SavedLifeTest, SavedWeightsWinOverAnUnchangedFile) {
  change_weights(700);
  const auto adoption = restart(settings);
  EXPECT_EQ(adoption.life.weights_bp, (Weights{700, 9300}));
  EXPECT_NE(adoption.note.find("the saved weights count (cpp 7 %, py 93 %, running since revision 2), not the config's"),
            std::string::npos)
      << adoption.note;
}

TEST_F(SavedLifeTest, ArmsThatChangedInTheFileWinOverSavedWeights) {
  change_weights(700);
  const auto adoption = restart(two_arms(2000));
  EXPECT_EQ(adoption.life.weights_bp, (Weights{2000, 8000}));
  EXPECT_EQ(adoption.life.revision, 3u);
  EXPECT_TRUE(adoption.is_changed);
  EXPECT_NE(adoption.note.find("the config's weights count (cpp 20 %, py 80 %)"), std::string::npos) << adoption.note;

  auto renamed = two_arms();
  renamed.arms[0].name = "rust";
  EXPECT_EQ(restart(renamed).life.weights_bp, (Weights{5000, 5000}));
  auto salted = two_arms();
  salted.salt = "other";
  EXPECT_TRUE(restart(salted).is_changed);
}

TEST_F(SavedLifeTest, RollbackSurvivesRestartsAndChangesOfTheFile) {
  life = *apply(settings, life, change(Action::rollback), kNow);
  EXPECT_EQ(restart(settings).life.state, State::rolled_back);
  EXPECT_EQ(effective_weights(settings, restart(two_arms(9000)).life), (Weights{0, 10000}));
}

TEST_F(SavedLifeTest, ChangedScheduleLeavesTheWeights) {
  change_weights(700);
  auto scheduled = settings;
  scheduled.schedule = {step(500), step(1000)};
  const auto adoption = restart(scheduled);
  EXPECT_EQ(adoption.life.weights_bp, (Weights{700, 9300}));
  EXPECT_EQ(adoption.life.ramp->taken, 1u);
  EXPECT_TRUE(adoption.is_changed);
}

TEST_F(SavedLifeTest, FirstSightFollowsTheFile) {
  const auto adoption = adoption_of(settings, std::nullopt, kNow, 0);
  EXPECT_EQ(adoption.life, life);
  EXPECT_TRUE(adoption.is_changed);
  EXPECT_EQ(adoption.note, "");
}

TEST_F(SavedLifeTest, WhatCanNotBeReadGivesTheCandidateNothing) {
  const auto adoption = adopt_unreadable(settings, kNow);
  EXPECT_EQ(effective_weights(settings, adoption.life), (Weights{0, 10000}));
}

TEST_F(SavedLifeTest, NonsenseIsAnError) {
  const auto good = saved_life_json(settings, save_life(settings, life));
  std::vector<std::string> bad = {"", "{", "[]", "null", "{}", "17"};
  for (const auto& [key, value] : good.items()) {
    if (key == "id" || key == "route") continue;
    auto without = good;
    without.erase(key);
    if (key != "shares_since" && key != "shares_number") bad.push_back(without.dump());  // older files have neither
    auto wrong = good;
    wrong[key] = Json::array({1});
    bad.push_back(wrong.dump());
  }
  auto unbalanced = good;
  unbalanced["weights_bp"]["cpp"] = 1;
  bad.push_back(unbalanced.dump());
  for (const auto& text : bad) {
    const auto parsed = parse_saved_life(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "state.not_read");
  }
}

TEST(MergePatch, IsWhatHasChanged) {
  const auto before = Json::parse(R"({"a":1,"b":{"c":2,"d":3},"e":4})");
  const auto after = Json::parse(R"({"a":1,"b":{"c":2,"d":5},"f":null})");
  const auto patch = merge_patch(before, after);
  EXPECT_EQ(patch.dump(), R"({"b":{"d":5},"f":null,"e":null})");
  auto patched = before;
  patched.merge_patch(patch);
  EXPECT_EQ(patched["b"]["d"], 5);
  EXPECT_EQ(merge_patch(before, before), Json::object());
}

}  // namespace
}  // namespace tandem::steering
