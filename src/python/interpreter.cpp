#include "python/interpreter.hpp"

#include <unistd.h>

#include <array>

#include "python/bindings.hpp"

namespace tandem::python {
namespace {

std::string said(const PyStatus& status) { return status.err_msg != nullptr ? status.err_msg : "it gave no reason"; }

// A virtual environment made for another version has no site-packages that this interpreter would find.
std::string why_not_home(const std::string& home) {
  const std::string version = std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
  if (::access((home + "/bin/python3").c_str(), X_OK) != 0)
    return home + " is no virtual environment: it has no bin/python3";
  if (::access((home + "/pyvenv.cfg").c_str(), R_OK) == 0 && ::access((home + "/lib/python" + version).c_str(), R_OK) != 0)
    return home + " was made for another Python than " + version;
  return {};
}

}  // namespace

Result<void> Interpreter::start(const std::optional<std::string>& home) {
  if (Py_IsInitialized() != 0) return Error("python.interpreter", "this process has an interpreter already");
  std::string executable = TANDEM_PYTHON_EXECUTABLE;
  if (home) {
    if (const auto reason = why_not_home(*home); !reason.empty()) return Error("python.home", reason);
    executable = *home + "/bin/python3";
  }
  if (PyImport_AppendInittab("_tandem", make_bindings) != 0) return Error("python.interpreter", "out of memory");

  // UTF-8 for file names and text files, whatever the locale is: what later Pythons make the rule (PEP 686).
  PyPreConfig preconfig;
  PyPreConfig_InitIsolatedConfig(&preconfig);
  preconfig.utf8_mode = 1;
  if (const auto status = Py_PreInitialize(&preconfig); PyStatus_Exception(status))
    return Error("python.interpreter", said(status));
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  config.install_signal_handlers = 0;  // signals belong to the C++ side
  config.use_environment = 0;
  config.parse_argv = 0;
  char program[] = "tandem";
  std::array<char*, 1> arguments{program};
  // Without the executable the first python3 on PATH would choose the standard library.
  PyStatus status = PyConfig_SetBytesString(&config, &config.executable, executable.c_str());
  if (!PyStatus_Exception(status)) status = PyConfig_SetBytesString(&config, &config.program_name, executable.c_str());
  if (!PyStatus_Exception(status)) status = PyConfig_SetBytesArgv(&config, arguments.size(), arguments.data());
  if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status)) return Error("python.interpreter", said(status) + " (" + executable + ")");
  return {};
}

void Interpreter::finish(PyThreadState* state) {
  PyEval_RestoreThread(state);
  Py_FinalizeEx();
}

}  // namespace tandem::python
