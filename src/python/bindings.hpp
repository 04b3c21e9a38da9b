// `_tandem`, the module that the worker's own Python code imports, and the embedded modules `tandem` and `_tandem_runtime`.
#pragma once

#include "python/control_channel.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

// For PyImport_AppendInittab.
extern "C" PyObject* make_bindings();

// Where log records and start-up steps go. Set before the interpreter starts; outlives it.
void set_control(ControlChannel* control);

// Puts the embedded modules into sys.modules and gives `_tandem_runtime`; empty with a Python exception set.
Object import_embedded(const Gil& gil);

}  // namespace tandem::python
