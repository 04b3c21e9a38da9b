// The Python sources that are compiled into the binary.
#pragma once

namespace tandem::python {

extern const char* const kTandemSource;   // python/tandem/__init__.py
extern const char* const kRuntimeSource;  // src/python/runtime.py
extern const char* const kAsgiSource;     // src/python/asgi/asgi.py
extern const char* const kWarmupSource;   // src/python/warmup.py

}  // namespace tandem::python
