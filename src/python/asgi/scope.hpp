// Makes the scope dict of a connection. What stays the same from one request of an endpoint to the next lies in a template
// that is copied; the rest is set on the copy.
// Source: ASGI 3.0, "HTTP Connection Scope", "Websocket Connection Scope", message format 2.4.
// Thread: the asynchronous executor's, with the GIL.
#pragma once

#include <string>
#include <vector>

#include "python/exchange.hpp"
#include "python/executor.hpp"
#include "python/gil.hpp"
#include "python/object.hpp"

namespace tandem::python {

class ScopeMaker {
 public:
  explicit ScopeMaker(const Program& program) : program_(program) {}

  // `states`: by endpoint the dict that the application's lifespan filled, or None. False with a Python exception set.
  bool open(const Gil& gil, PyObject* states);
  void close() {
    applications_.clear();
    extensions_http_ = extensions_websocket_ = Object();
  }

  // Empty with a Python exception set.
  Object make_http(const Gil& gil, const Exchange& exchange);
  Object make_websocket(const Gil& gil, const Exchange& exchange);

 private:
  // With the values that were last put into it.
  struct Template {
    Object scope;
    std::string mount, server, scheme;
    unsigned server_port = 0;
    unsigned version = 0;
  };
  struct Application {
    Template http, websocket;
    Object state;  // None: without lifespan
  };

  bool update(const Gil& gil, const Exchange& exchange, Template& kept);
  Object copy(const Gil& gil, const Exchange& exchange, Application& application, Template& kept);
  Object path_of(const Gil& gil, const Exchange& exchange) const;

  const Program& program_;
  std::vector<Application> applications_;  // by endpoint
  Object extensions_http_, extensions_websocket_;
};

}  // namespace tandem::python
