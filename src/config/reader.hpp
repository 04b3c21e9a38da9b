// Walks the JSON of a config file with typed questions. Each says what is wrong where it stands and goes on, so that one run
// finds every error; a key is known because somebody asked for it, all others are reported.
#pragma once

#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/environment.hpp"
#include "config/positions.hpp"
#include "config/problem.hpp"

namespace tandem::config {

using Json = nlohmann::ordered_json;  // arms keep the order of the file

// What all questions about one file share.
class Reader {
 public:
  // The environment outlives the reader.
  Reader(Positions positions, const Environment& environment);

  bool has(std::string_view pointer) const { return positions_.entries.count(pointer) > 0; }
  Place place(std::string_view pointer) const;      // of the value, or of the nearest one around it
  Place key_place(std::string_view pointer) const;  // of its name
  void report(Place place, std::string message) { problems_.push_back({std::move(place), std::move(message)}); }
  void know(std::string_view kind, std::string_view key) { keys_[std::string(kind)].emplace(key); }
  const Environment& environment() const { return environment_; }

  // In the order of the file; leaves none behind.
  std::vector<Problem> take_problems();
  bool has_problems() const { return !problems_.empty(); }

  // The keys asked for so far, by kind of object ("limits", "route").
  const std::map<std::string, std::set<std::string>>& keys() const { return keys_; }

 private:
  Positions positions_;
  const Environment& environment_;
  std::vector<Problem> problems_;
  std::map<std::string, std::set<std::string>> keys_;
};

// One value of the file. The reader and the JSON outlive it.
class Value {
 public:
  Value(Reader& reader, const Json& json, std::string pointer)
      : reader_(&reader), json_(&json), pointer_(std::move(pointer)) {}

  Reader& reader() const { return *reader_; }
  const Json& json() const { return *json_; }
  const std::string& pointer() const { return pointer_; }
  Place place() const { return reader_->place(pointer_); }
  void report(std::string message) const { reader_->report(place(), std::move(message)); }

  bool is_null() const { return json_->is_null(); }
  bool is_string() const { return json_->is_string(); }
  bool is_object() const { return json_->is_object(); }

  // Nothing, and a problem, when the value is of another type or outside the limits. A string that takes its text from the
  // environment ("${WORKERS:-4}") may stand for a number or a boolean.
  std::optional<std::string> text() const;  // references expanded, without control characters
  std::optional<bool> boolean() const;
  std::optional<std::uint64_t> integer(std::uint64_t min, std::uint64_t max, std::string_view what = "a whole number") const;
  std::optional<double> weight() const;  // a finite number ≥ 0
  // A finite number; `what` says which ones are allowed, "a share from 0 to 1".
  std::optional<double> number(double min, double max, std::string_view what) const;
  std::optional<Milliseconds> duration(Milliseconds min, Milliseconds max) const;
  std::optional<std::uint64_t> size(std::uint64_t min, std::uint64_t max) const;

  // The elements of an array; with a problem, none.
  std::vector<Value> elements() const;
  // The members of an object whose names the user chose, in file order; with a problem, none.
  std::vector<std::pair<std::string, Value>> members() const;
  // An array of strings.
  std::vector<std::string> texts() const;

  // "true", "\"abc\"", "an object": for "expected …, got …".
  std::string described() const;
  void report_expected(std::string_view what) const { report("expected " + std::string(what) + ", got " + described()); }

 private:
  bool has_reference() const;  // a string with "${…}"

  Reader* reader_;
  const Json* json_;
  std::string pointer_;
};

// An object with keys of a fixed set: those asked for before close().
class Object {
 public:
  // Reports a value that is no object and then behaves as an empty one. `kind` names the set of keys ("limits").
  Object(const Value& value, std::string_view kind);

  Reader& reader() const { return value_.reader(); }
  const std::string& pointer() const { return value_.pointer(); }
  Place place() const { return value_.place(); }
  void report(std::string message) const { value_.report(std::move(message)); }

  std::optional<Value> find(std::string_view key);
  // The member as an object; an empty one when it is missing.
  Object section(std::string_view key, std::string_view kind);

  // Each leaves the target alone when the key is missing or its value is wrong.
  void text(std::string_view key, std::string& target);
  void boolean(std::string_view key, bool& target);
  void duration(std::string_view key, Milliseconds& target, Milliseconds min, Milliseconds max);
  void size(std::string_view key, std::uint64_t& target, std::uint64_t min, std::uint64_t max);
  void number(std::string_view key, double& target, double min, double max, std::string_view what);
  template <class Integer>
  void integer(std::string_view key, Integer& target, std::uint64_t min, std::uint64_t max) {
    if (const auto value = find(key))
      if (const auto number = value->integer(min, max)) target = static_cast<Integer>(*number);
  }
  template <class Choice>
  void choice(std::string_view key, Choice& target, std::initializer_list<std::pair<std::string_view, Choice>> choices) {
    const auto value = find(key);
    if (!value) return;
    std::vector<std::string> names;
    for (const auto& each : choices) names.emplace_back(each.first);
    if (const auto index = one_of(*value, names)) target = (choices.begin() + *index)->second;
  }

  // Reports the key, where it is given, in other words than close() would.
  void refuse(std::string_view key, std::string message);

  // Reports the keys nobody asked for. Was every key known?
  bool close();

 private:
  static std::optional<std::size_t> one_of(const Value& value, const std::vector<std::string>& names);

  Value value_;
  std::string kind_;
  std::vector<std::string> known_;
  std::vector<std::string> refused_;
};

}  // namespace tandem::config
