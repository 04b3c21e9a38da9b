// The native endpoints that config files can name.
#pragma once

#include "native/catalog.hpp"

namespace tandem::handlers {

native::Catalog catalog();

}  // namespace tandem::handlers
