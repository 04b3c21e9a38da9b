#include <algorithm>
#include <nlohmann/json.hpp>

#include "comparison/tally.hpp"

namespace tandem::comparison {
namespace {

using Json = nlohmann::json;

Kind kind_of(const std::string& name) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Kind::duplicate); ++i)
    if (name_of(static_cast<Kind>(i)) == name) return static_cast<Kind>(i);
  throw Json::other_error::create(501, "\"" + name + "\" is no kind of difference", nullptr);
}

Json to_json(const Sample& sample) {
  Json differences = Json::array();
  for (const auto& difference : sample.differences)
    differences.push_back({{"kind", name_of(difference.kind)},
                           {"path", difference.path},
                           {"control", difference.control},
                           {"candidate", difference.candidate}});
  return {{"unix_ms", sample.unix_ms},
          {"request", sample.request},
          {"request_id", sample.request_id},
          {"differences", std::move(differences)}};
}

Sample sample_of(const Json& json) {
  Sample sample;
  json.at("unix_ms").get_to(sample.unix_ms);
  json.at("request").get_to(sample.request);
  json.at("request_id").get_to(sample.request_id);
  for (const auto& each : json.at("differences"))
    sample.differences.push_back({kind_of(each.at("kind")), each.at("path"), each.at("control"), each.at("candidate")});
  return sample;
}

}  // namespace

struct TallyJson {
  static Json write(const Tally& tally) {
    Json outcomes = Json::object();
    for (std::size_t i = 0; i < kOutcomes; ++i) outcomes[name_of(static_cast<Outcome>(i))] = tally.outcomes_[i];
    Json findings = Json::array();
    for (const auto& [signature, found] : tally.findings_) {
      Json samples = Json::array();
      for (const auto& sample : found.samples) samples.push_back(to_json(sample));
      findings.push_back({{"kind", name_of(signature.kind)},
                          {"path", signature.path},
                          {"status_control", signature.status_control},
                          {"status_candidate", signature.status_candidate},
                          {"count", found.count},
                          {"first_ms", found.first_ms},
                          {"last_ms", found.last_ms},
                          {"candidate_only", found.candidate_only},
                          {"control_only", found.control_only},
                          {"samples", std::move(samples)}});
    }
    return {{"outcomes", std::move(outcomes)},       {"triples", tally.triples_},
            {"lost_findings", tally.lost_findings_}, {"findings", std::move(findings)},
            {"live_shapes", tally.live_shapes_},     {"covered_shapes", tally.covered_shapes_}};
  }

  static Tally read(const Json& json) {
    Tally tally;
    for (std::size_t i = 0; i < kOutcomes; ++i)
      json.at("outcomes").at(std::string(name_of(static_cast<Outcome>(i)))).get_to(tally.outcomes_[i]);
    json.at("triples").get_to(tally.triples_);
    json.at("lost_findings").get_to(tally.lost_findings_);
    for (const auto& each : json.at("findings")) {
      Finding found;
      each.at("count").get_to(found.count);
      each.at("first_ms").get_to(found.first_ms);
      each.at("last_ms").get_to(found.last_ms);
      each.at("candidate_only").get_to(found.candidate_only);
      each.at("control_only").get_to(found.control_only);
      for (const auto& sample : each.at("samples")) found.add_sample(sample_of(sample));
      const Signature signature{kind_of(each.at("kind")), each.at("path"), each.at("status_control"),
                                each.at("status_candidate")};
      tally.findings_[signature] = std::move(found);
    }
    for (const auto& shape : json.at("live_shapes")) Tally::note(tally.live_shapes_, shape.get<std::string>());
    for (const auto& shape : json.at("covered_shapes")) Tally::note(tally.covered_shapes_, shape.get<std::string>());
    return tally;
  }
};

std::string Tally::to_json() const { return TallyJson::write(*this).dump(-1, ' ', false, Json::error_handler_t::replace); }

Result<Tally> Tally::from_json(std::string_view text) {
  try {
    return TallyJson::read(Json::parse(text));
  } catch (const Json::exception& error) {
    return Error(std::string("the tally of comparisons can't be read: ") + error.what());
  }
}

}  // namespace tandem::comparison
