// The C++ endpoints of a catalog as a Backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "native/catalog.hpp"
#include "service/backend.hpp"

namespace tandem::native {

class NativeBackend final : public service::Backend {
 public:
  explicit NativeBackend(Catalog catalog);
  ~NativeBackend() override;

  Result<void> start() override { return {}; }
  // The error lists the names there are.
  Result<const service::Handler*> find(std::string_view endpoint) const override;
  void stop(TimePoint) override {}

 private:
  struct Named {
    std::string_view name;
    std::unique_ptr<service::Handler> handler;
  };
  std::vector<Named> endpoints_;
};

}  // namespace tandem::native
