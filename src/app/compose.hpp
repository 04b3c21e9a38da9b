// Config → the object graph between the router and the endpoints: the only place that knows which backend is which.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "config/config.hpp"
#include "experiment/experiment_handler.hpp"
#include "experiment/split_handler.hpp"
#include "observe/metrics.hpp"
#include "routing/mount_handler.hpp"
#include "routing/route_table.hpp"

namespace tandem::app {

// A table together with the handlers that its routes point to.
class ComposedTable {
 public:
  // Finds the handler of an endpoint; the timeout is the route's or the endpoint's own, if there is one.
  using FindEndpoint = std::function<Result<const service::Handler*>(const config::EndpointConfig& endpoint,
                                                                     std::optional<Milliseconds> timeout)>;

  // The running experiment of these settings: the one of an earlier table, or a new one.
  using PrepareExperiment = std::function<std::shared_ptr<experiment::Experiment>(const experiment::Settings&)>;

  // Errors carry the endpoint's place in the file. `registry` may be null: a table to look at, not to serve from.
  static Result<std::shared_ptr<const ComposedTable>> make(const config::Config& config, const FindEndpoint& find,
                                                           const PrepareExperiment& prepare, observe::Registry* registry);

  const routing::RouteTable& table() const { return table_; }
  // The handlers of routes with an experiment.
  const std::deque<experiment::ExperimentHandler>& experiments() const { return experiments_; }

 private:
  ComposedTable() = default;

  routing::RouteTable table_;
  std::deque<routing::MountHandler> mounts_;
  std::deque<experiment::SingleHandler> singles_;
  std::deque<experiment::SplitHandler> splits_;
  std::deque<experiment::ExperimentHandler> experiments_;
};

// What a route answers: the methods given, else GET; HEAD follows GET. Empty: any method.
std::vector<std::string> effective_methods(const config::RouteConfig& route);

std::string_view format_backend(config::Backend backend);

}  // namespace tandem::app
