#include "python/wsgi/environ.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "http/headers.hpp"
#include "python/names.hpp"

namespace tandem::python::wsgi {
namespace {

// Names of fields that are remembered: as many as well-behaved clients send, so that others can't fill the memory.
constexpr std::size_t kRememberedNames = 512;
constexpr std::size_t kRememberedLength = 64;

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Variables that most requests have.
struct Keys {
  PyObject *request_method, *script_name, *path_info, *query_string, *content_type, *content_length, *remote_addr,
      *remote_port, *server_name, *server_port, *server_protocol, *raw_uri, *request_uri, *input, *url_scheme;
};

// Made by load_environ(), then touched with the GIL held only; lives as long as the interpreter.
PyObject* constants = nullptr;  // the dict that is copied
Keys keys;
PyObject *scheme_http, *scheme_https, *version_1_0, *version_1_1, *comma, *semicolon;
std::array<PyObject*, 32> known_names{};                                             // by http::Field
std::unordered_map<std::string, PyObject*, Hash, std::equal_to<>> remembered_names;  // by the name as received

PyObject* decode(std::string_view text) {
  return PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
}

// A text that is the same from request to request more often than not.
class Repeated {
 public:
  PyObject* get(std::string_view text) {
    if (object_ == nullptr || text != text_) {
      Py_XDECREF(std::exchange(object_, decode(text)));
      text_ = text;
    }
    return Py_XNewRef(object_);
  }

 private:
  std::string text_;
  PyObject* object_ = nullptr;
};
Repeated server_name, server_port, remote_addr;

// Sets what is not there yet, taking the reference to `value`.
bool set(PyObject* environ, PyObject* key, PyObject* value) {
  const auto owner = Object::steal(value);
  return value != nullptr && PyDict_SetItem(environ, key, value) == 0;
}

PyObject* make_name(std::string_view field) {
  std::string name("HTTP_");
  for (const char c : field) name.push_back(c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  PyObject* made = decode(name);
  if (made != nullptr) PyUnicode_InternInPlace(&made);
  return made;
}

// The variable of a field. Empty without an exception for one that gets none: a name with '_' can't be told from one with
// '-' once it is a variable, and a proxy that removes the one does not remove the other.
Object name_of(std::uint32_t known, std::string_view field) {
  if (known != 0 && known < known_names.size()) {
    auto& name = known_names[known];
    if (name == nullptr) name = make_name(field);
    return Object::borrow(name);
  }
  if (const auto found = remembered_names.find(field); found != remembered_names.end()) return Object::borrow(found->second);
  if (field.find('_') != std::string_view::npos) return {};
  auto name = Object::steal(make_name(field));
  if (name && remembered_names.size() < kRememberedNames && field.size() <= kRememberedLength)
    remembered_names.emplace(field, Py_NewRef(name.get()));
  return name;
}

// A field that comes again is a list that goes on (RFC 9110 §5.3), cookies are one with another separator (RFC 6265 §5.4).
bool append_to(PyObject* environ, PyObject* name, PyObject* value, std::uint32_t known) {
  const bool is_cookie = known == static_cast<std::uint32_t>(http::Field::cookie);
  const auto before = Object::borrow(PyDict_GetItemWithError(environ, name));
  const auto started = Object::steal(PyUnicode_Concat(before.get(), is_cookie ? semicolon : comma));
  return started && set(environ, name, PyUnicode_Concat(started.get(), value));
}

bool add_fields(PyObject* environ, const Exchange& exchange) {
  for (std::size_t i = 0; i < exchange.head.field_count; ++i) {
    frames::FieldRef field;
    std::memcpy(&field, exchange.fields.data() + i * sizeof(field), sizeof(field));
    const auto value = Object::steal(decode(exchange.text(field.value)));
    if (!value) return false;
    Object name;
    if (field.known == static_cast<std::uint32_t>(http::Field::content_type))
      name = Object::borrow(keys.content_type);
    else if (field.known == static_cast<std::uint32_t>(http::Field::content_length))
      name = Object::borrow(keys.content_length);
    else
      name = name_of(field.known, exchange.text(field.name));
    if (!name) {
      if (PyErr_Occurred() != nullptr) return false;
      continue;
    }
    PyObject* kept = PyDict_SetDefault(environ, name.get(), value.get());
    if (kept == nullptr) return false;
    if (kept != value.get() && !append_to(environ, name.get(), value.get(), field.known)) return false;
  }
  return true;
}

// SCRIPT_NAME is what the application is mounted under, here and at a proxy before; PATH_INFO is the rest of the path.
bool add_path(PyObject* environ, const Exchange& exchange, const Endpoint& endpoint) {
  auto path = exchange.text(exchange.head.path);
  auto mounted = exchange.text(exchange.head.root_path);
  if (path.substr(0, mounted.size()) == mounted)
    path.remove_prefix(mounted.size());
  else
    mounted = {};
  if (!set(environ, keys.path_info, decode(path))) return false;
  Py_ssize_t size = 0;
  const char* root = PyUnicode_AsUTF8AndSize(endpoint.root_path, &size);
  if (root == nullptr) return false;
  if (mounted.empty() && size == 0) return true;  // the copied one is empty
  std::string script(root, static_cast<std::size_t>(size));
  script.append(mounted);
  while (!script.empty() && script.back() == '/') script.pop_back();
  return set(environ, keys.script_name, decode(script));
}

PyObject* port_text(std::uint16_t port, Repeated& repeated) {
  char digits[5];
  const auto end = std::to_chars(digits, digits + sizeof(digits), port).ptr;
  return repeated.get({digits, static_cast<std::size_t>(end - digits)});
}

// A Unix socket has no address: what the client calls the server is the next best.
bool add_server(PyObject* environ, const Exchange& exchange) {
  const auto address = exchange.text(exchange.head.server);
  if (!address.empty() && exchange.head.server_port != 0)
    return set(environ, keys.server_name, server_name.get(address)) &&
           set(environ, keys.server_port, port_text(exchange.head.server_port, server_port));
  const auto authority = exchange.text(exchange.head.authority);
  auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) != std::string_view::npos)
    colon = std::string_view::npos;
  const bool has_port = colon != std::string_view::npos && colon + 1 < authority.size();
  const std::string_view usual = exchange.text(exchange.head.scheme) == "https" ? "443" : "80";
  const auto host = authority.substr(0, colon);
  return set(environ, keys.server_name, decode(host.empty() ? "localhost" : host)) &&
         set(environ, keys.server_port, decode(has_port ? authority.substr(colon + 1) : usual));
}

bool add_client(PyObject* environ, const Exchange& exchange) {
  const auto address = exchange.text(exchange.head.client);
  if (address.empty() || address.substr(0, 4) == "unix") return true;  // the copied one is empty
  char digits[5];
  const auto end = std::to_chars(digits, digits + sizeof(digits), exchange.head.client_port).ptr;
  return set(environ, keys.remote_addr, remote_addr.get(address)) &&
         set(environ, keys.remote_port, decode({digits, static_cast<std::size_t>(end - digits)}));
}

bool add_request_line(PyObject* environ, const Exchange& exchange) {
  const auto& head = exchange.head;
  const bool is_common = head.method > 0 && head.method < std::size(names().methods);
  const auto target = Object::steal(decode(exchange.text(head.target)));
  const auto query = exchange.text(head.query);
  return target && PyDict_SetItem(environ, keys.raw_uri, target.get()) == 0 &&
         PyDict_SetItem(environ, keys.request_uri, target.get()) == 0 &&
         set(environ, keys.request_method,
             is_common ? Py_NewRef(names().methods[head.method]) : decode(exchange.text(head.method_text))) &&
         (query.empty() || set(environ, keys.query_string, decode(query))) &&
         (head.version != 10 || PyDict_SetItem(environ, keys.server_protocol, version_1_0) == 0) &&
         (exchange.text(head.scheme) != "https" || PyDict_SetItem(environ, keys.url_scheme, scheme_https) == 0);
}

bool load_keys() {
  const struct {
    PyObject** object;
    const char* text;
  } texts[] = {
      {&keys.request_method, "REQUEST_METHOD"},
      {&keys.script_name, "SCRIPT_NAME"},
      {&keys.path_info, "PATH_INFO"},
      {&keys.query_string, "QUERY_STRING"},
      {&keys.content_type, "CONTENT_TYPE"},
      {&keys.content_length, "CONTENT_LENGTH"},
      {&keys.remote_addr, "REMOTE_ADDR"},
      {&keys.remote_port, "REMOTE_PORT"},
      {&keys.server_name, "SERVER_NAME"},
      {&keys.server_port, "SERVER_PORT"},
      {&keys.server_protocol, "SERVER_PROTOCOL"},
      {&keys.raw_uri, "RAW_URI"},
      {&keys.request_uri, "REQUEST_URI"},
      {&keys.input, "wsgi.input"},
      {&keys.url_scheme, "wsgi.url_scheme"},
      {&scheme_http, "http"},
      {&scheme_https, "https"},
      {&version_1_0, "HTTP/1.0"},
      {&version_1_1, "HTTP/1.1"},
      {&comma, ","},
      {&semicolon, "; "},
  };
  for (const auto& one : texts)
    if ((*one.object = PyUnicode_InternFromString(one.text)) == nullptr) return false;
  return true;
}

// A dict that has once held a little more has room for the fields of most requests without growing, and so has its copy.
bool make_room(PyObject* dict) {
  for (int i = 0; i < 2; ++i) {
    for (long n = 0; n < 4; ++n) {
      const auto key = Object::steal(PyLong_FromLong(n));
      if (!key || (i == 0 ? PyDict_SetItem(dict, key.get(), Py_None) : PyDict_DelItem(dict, key.get())) != 0) return false;
    }
  }
  return true;
}

}  // namespace

bool load_environ(const Gil&, PyObject* runtime, bool multithread, bool multiprocess) {
  if (!load_keys()) return false;
  const auto made = Object::steal(PyObject_CallMethod(runtime, "load_wsgi_constants", "sNN", "tandem/" TANDEM_VERSION,
                                                      PyBool_FromLong(multithread), PyBool_FromLong(multiprocess)));
  if (!made) return false;
  // What a request may leave as it is, and what it always sets: replacing is cheaper than adding.
  for (PyObject* const key : {keys.script_name, keys.query_string, keys.remote_addr, keys.request_method, keys.path_info,
                              keys.raw_uri, keys.request_uri, keys.server_name, keys.server_port, keys.input})
    if (PyDict_SetItem(made.get(), key, names().empty_string) != 0) return false;
  if (PyDict_SetItem(made.get(), keys.server_protocol, version_1_1) != 0 ||
      PyDict_SetItem(made.get(), keys.url_scheme, scheme_http) != 0 || !make_room(made.get()))
    return false;
  constants = Py_NewRef(made.get());
  return true;
}

Object make_environ(const Gil&, const Exchange& exchange, const Endpoint& endpoint, PyObject* input) {
  auto environ = Object::steal(PyDict_Copy(constants));
  if (!environ || PyDict_SetItem(environ.get(), keys.input, input) != 0 || !add_request_line(environ.get(), exchange) ||
      !add_path(environ.get(), exchange, endpoint) || !add_server(environ.get(), exchange) ||
      !add_client(environ.get(), exchange) || !add_fields(environ.get(), exchange))
    return {};
  return environ;
}

}  // namespace tandem::python::wsgi
