"""The parts of the worker that are off the hot path, as the module `_tandem_runtime`. It is compiled into the binary."""

import ast
import asyncio
import atexit
import contextvars
import faulthandler
import importlib
import inspect
import io
import json
import logging
import os
import stat
import sys
import threading
import traceback

import _tandem
import tandem

current_request = contextvars.ContextVar("tandem_request", default=None)

_OWN_FILES = {"<tandem>", "<tandem runtime>", "<tandem asgi>", "<tandem warmup>"}

# What the asynchronous executor starts: of each endpoint (target, ASGI application or None), and when lifespan is used.
_applications = []
_lifespan = "auto"
_warmup = None


# --- start -----------------------------------------------------------------------------------------------------------


def load(hello, in_server_process):
    """What the hello message asks for: (threads, io_threads, failure, and of each endpoint
    callable, interface, is_async, takes_request, root_path, stream, path_without_root)."""
    global _lifespan, _warmup
    from _tandem_asgi import wants_path_without_root
    from _tandem_warmup import Warmup

    hello = json.loads(hello)
    threads, io_threads = hello.get("threads", 1), hello.get("io_threads", 1)
    if hello.get("protocol") != 1:
        message = f"the server speaks protocol {hello.get('protocol')}, this worker 1"
        return threads, io_threads, [], json.dumps({"step": "hello", "message": message, "traceback": ""})
    set_up(hello.get("path", []), in_server_process, hello.get("debug", False))
    loaded, failure = load_endpoints([(one["target"], one.get("kind", "function")) for one in hello["endpoints"]])
    if failure is not None:
        return threads, io_threads, [], failure
    endpoints, warmed = [], []
    for (endpoint, interface, is_async, takes_request), one in zip(loaded, hello["endpoints"]):
        is_asgi = interface == "asgi"
        streams = bool(one.get("stream")) or interface != "function"
        old_path = is_asgi and wants_path_without_root(endpoint)
        root_path = one.get("root_path", "")
        endpoints.append((endpoint, interface, is_async, takes_request, root_path, streams, old_path))
        warmed.append((one["target"], endpoint, interface, takes_request, root_path, old_path))
        _applications.append((one["target"], endpoint if is_asgi else None))
    _lifespan = hello.get("lifespan", "auto")
    _warmup = Warmup(hello.get("warmup", []), warmed)
    return threads, io_threads, endpoints, None


def warm_up():
    """Where there is no event loop to do so: JSON of what failed, or None."""
    return _warmup.run(None, None)


def set_up(path, in_server_process, debug):
    sys.path[:0] = path
    if debug:  # a module that was saved twice within a second would be taken for the one that is compiled
        sys.dont_write_bytecode = True
    atexit.register(finish_output)  # first, so that it runs last
    sys.stdout = _Output(1, logging.INFO)
    sys.stderr = _Output(2, logging.WARNING)
    root = logging.getLogger()
    root.addHandler(_LogHandler())
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(True)
    if not in_server_process:
        import signal

        faulthandler.enable(file=2, all_threads=True)
        faulthandler.register(signal.SIGUSR2, file=2, all_threads=True)


def load_endpoints(endpoints):
    """Gives ([(callable, interface, is_async, takes_request), …], None) or (None, JSON of what failed)."""
    loaded, failures = [], []
    imported = set()
    for target, kind in endpoints:
        module = target.partition(":")[0]
        if module not in imported:
            imported.add(module)
            _tandem.step(f"import {module}")
        try:
            loaded.append(_load_endpoint(target, kind))
        except BaseException as error:  # a module may raise SystemExit
            text = "" if isinstance(error, _Refused) else format_error(error)
            message = str(error) if isinstance(error, _Refused) else f"{type(error).__name__}: {error}"
            failures.append((module, f"{target}: {message}", text))
    if not failures:
        return loaded, None
    tracebacks = list(dict.fromkeys(text for _, _, text in failures if text))  # one a module, not one an endpoint
    return None, json.dumps(
        {
            "step": f"import {failures[0][0]}",
            "message": "\n".join(dict.fromkeys(message for _, message, _ in failures)),
            "traceback": "\n".join(tracebacks),
        }
    )


class _Refused(Exception):
    pass


def _load_endpoint(target, kind):
    if kind not in ("function", "asgi", "wsgi", "application"):
        raise _Refused(f'endpoints of the kind "{kind}" are not known')
    endpoint, attribute = _find(target)
    if kind == "application":
        kind = "asgi" if _is_asgi(endpoint) else "wsgi"
    if kind != "function":
        if not callable(endpoint):
            raise _Refused(f"{attribute} is a {type(endpoint).__name__}, expected an application")
        return endpoint, kind, kind == "asgi", True
    if not callable(endpoint):
        raise _Refused(f"{attribute} is a {type(endpoint).__name__}, expected a function")
    call = endpoint if inspect.isroutine(endpoint) else getattr(type(endpoint), "__call__", None)
    is_async = any(
        inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (endpoint, call) if one is not None
    )
    return endpoint, kind, is_async, _takes_request(endpoint)


def _is_asgi(application):
    """Does calling it give a coroutine, as ASGI 3 has it?"""
    if inspect.isclass(application):
        return hasattr(application, "__await__")
    call = application if inspect.isroutine(application) else getattr(application, "__call__", None)
    return inspect.iscoroutinefunction(call)


def _find(target):
    """The object that a target names, and its name within the module."""
    module_name, colon, attribute = target.partition(":")
    if not module_name or (colon and not attribute):
        raise _Refused('expected "module:attribute"')
    module = importlib.import_module(module_name)
    if not colon:
        attribute = next((name for name in ("app", "application") if hasattr(module, name)), None)
        if attribute is None:
            raise _Refused(f'the module "{module_name}" has neither "app" nor "application": name its application')
    endpoint = module
    path, call, arguments = attribute.partition("(")
    for name in path.split("."):
        try:
            endpoint = getattr(endpoint, name)
        except AttributeError:
            raise _Refused(f'the module "{module_name}" has no "{path}"') from None
    return (_make(endpoint, call + arguments) if call else endpoint), attribute


def _make(factory, call):
    """What a factory gives; its arguments are literals: "()", "('test', debug=True)"."""
    try:
        node = ast.parse("factory" + call, mode="eval").body
        arguments = [ast.literal_eval(one) for one in node.args]
        named = {one.arg: ast.literal_eval(one.value) for one in node.keywords}
    except (SyntaxError, ValueError, AttributeError):
        raise _Refused(f"a factory is called with literals, which {call} are not") from None
    if not callable(factory):
        raise _Refused(f"a {type(factory).__name__} can't be called as a factory")
    return factory(*arguments, **named)


def _takes_request(endpoint):
    try:
        parameters = inspect.signature(endpoint).parameters.values()
    except (TypeError, ValueError):
        return True  # built in: it does not say
    required = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.VAR_POSITIONAL)
    ]
    if len(required) > 1 or (required and not positional):
        raise _Refused(f"an endpoint takes the request or nothing, not {', '.join(required)}")
    return bool(positional)


# --- answers ---------------------------------------------------------------------------------------------------------


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def dump_json(value):
    return _encode(value).encode("utf-8", "backslashreplace")  # a lone surrogate becomes its JSON escape


def format_error(error):
    """The traceback from the endpoint's first line on."""
    trace = error.__traceback__
    while trace is not None and (
        trace.tb_frame.f_code.co_filename in _OWN_FILES or "importlib" in trace.tb_frame.f_code.co_filename
    ):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def describe_error(error, cancelled):
    """(status, code, detail, traceback, headers) of the `error` frame."""
    if isinstance(error, tandem.HTTPError):
        return int(error.status), str(error.code), str(error.detail), "", error.headers
    if cancelled and isinstance(error, (tandem.Cancelled, asyncio.CancelledError)):
        return 503, "python.cancelled", "the request was given up", "", None
    return 500, "python.exception", "the endpoint raised an exception", format_error(error), None


# --- log -------------------------------------------------------------------------------------------------------------


class _LogHandler(logging.Handler):
    def emit(self, record):
        try:
            _tandem.log(record.levelno, record.name, self.format(record))
        except Exception:
            self.handleError(record)


class _Bytes(io.RawIOBase):
    def __init__(self, text, mode):
        self._text = text
        self.name = text.name
        self.mode = mode

    @property
    def raw(self):  # as a buffered writer has it
        return self

    def writable(self):
        return True

    def fileno(self):
        return self._text.fileno()

    def write(self, data):
        self._text.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)


class _Output(io.TextIOBase):
    """sys.stdout, sys.stderr and wsgi.errors: each finished line is a record of the server's log. Applications treat them as
    what CPython opens itself, an io.TextIOWrapper; what they set there is heard and means nothing."""

    encoding = "utf-8"
    errors = "backslashreplace"
    line_buffering = True
    write_through = False
    mode = "w"

    def __init__(self, descriptor, level, logger="print"):
        self._descriptor = descriptor
        self._level = level
        self._logger = logger
        self._begun = {}  # thread: its unfinished line
        self.name = {1: "<stdout>", 2: "<stderr>"}[descriptor]
        self.buffer = _Bytes(self, "wb")

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor

    def reconfigure(self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None):
        pass

    def detach(self):
        return self.buffer

    def close(self):  # the log goes on
        pass

    def write(self, text):
        thread = threading.get_ident()
        *lines, rest = (self._begun.pop(thread, "") + text).split("\n")
        if rest:
            self._begun[thread] = rest
        for line in lines:
            if line:
                _tandem.log(self._level, self._logger, line)
        return len(text)

    def finish(self):
        for line in self._begun.values():
            _tandem.log(self._level, self._logger, line)
        self._begun.clear()


def finish_output():
    """At exit, after everything else: lines that never got their end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Output):
            stream.finish()


# --- WSGI ------------------------------------------------------------------------------------------------------------


class FileWrapper:
    """wsgi.file_wrapper (PEP 3333): goes over a file in pieces that fit a frame."""

    def __init__(self, filelike, block_size=65536):
        self.filelike = filelike
        self.block_size = max(block_size, 65536)
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        piece = self.filelike.read(self.block_size)
        if not piece:
            raise StopIteration
        return piece


def length_of_file(wrapper):
    """The bytes that a FileWrapper will give, where that is certain: what is left of a regular file on disk."""
    file = getattr(wrapper.filelike, "file", wrapper.filelike)  # tempfile.NamedTemporaryFile wraps another
    if not isinstance(file, (io.BufferedReader, io.BufferedRandom, io.FileIO)):
        return None
    raw = file if isinstance(file, io.FileIO) else file.raw
    if not isinstance(raw, io.FileIO):
        return None
    try:
        status = os.fstat(file.fileno())
        return max(status.st_size - file.tell(), 0) if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None


_wsgi_constants = {}


def load_wsgi_constants(software, multithread, multiprocess):
    """What every environ begins with."""
    _wsgi_constants.update(
        {
            "SERVER_SOFTWARE": software,
            "wsgi.version": (1, 0),
            "wsgi.errors": _Output(2, logging.WARNING, "wsgi.errors"),
            "wsgi.multithread": multithread,
            "wsgi.multiprocess": multiprocess,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
        }
    )
    return wsgi_constants()


def wsgi_constants():
    return _wsgi_constants.copy()


# --- stacks ----------------------------------------------------------------------------------------------------------


_loops = []
_MOST_TASKS = 1000  # more would hold the others up, and nobody reads them


def format_stacks(executors):
    """What every thread and every task is doing. `executors`: thread ident → what it is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    out = []
    for ident, frame in sys._current_frames().items():
        if ident == threading.get_ident():
            continue
        out.append(f"thread {executors.get(ident) or names.get(ident) or ident}\n")
        out += traceback.format_stack(frame)
    for loop in _loops:
        tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
        for task in tasks[:_MOST_TASKS]:
            out.append(f"task {task.get_name()}, {getattr(task.get_coro(), '__qualname__', task.get_coro())}\n")
            out += traceback.format_list(traceback.StackSummary.extract(_frames_of(task.get_coro())))
        if len(tasks) > _MOST_TASKS:
            out.append(f"and {len(tasks) - _MOST_TASKS} more tasks\n")
    return "".join(out)


def _frames_of(awaited):
    """The frame of a coroutine and of each one that it awaits."""
    while awaited is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(awaited, f"{kind}_frame")), None)
        if kind is None:
            return
        frame = getattr(awaited, f"{kind}_frame")
        if frame is not None:
            yield frame, frame.f_lineno
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")


# --- the asynchronous executor ---------------------------------------------------------------------------------------


def make_loop():
    try:
        import uvloop
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    _loops.append(loop)
    return loop


def run_loop(loop, executor, lanes, wake):
    """Starts the applications, serves until the executor stops the loop, and lets the applications end."""
    from _tandem_asgi import Lifespans

    asyncio.set_event_loop(loop)
    lifespans = Lifespans()
    failure = loop.run_until_complete(lifespans.start_up(_applications, _lifespan))
    states = lifespans.states(_applications)
    if failure is None:
        failure = _warmup.run(loop, states)
        if failure is not None:
            loop.run_until_complete(lifespans.shut_down())
    executor.started(failure, states)
    if failure is None:
        _serve(loop, executor, lanes, wake)
        loop.run_until_complete(lifespans.shut_down())
    _close_loop(loop)


def _serve(loop, executor, lanes, wake):
    for index, lane in enumerate(lanes):
        loop.add_reader(lane, executor.read, index)
    loop.add_reader(wake, executor.wake)
    while not executor.stopped():
        try:
            loop.run_forever()
        except BaseException as error:  # SystemExit in a task leaves the loop; the request has been answered
            logging.getLogger("tandem").error("the event loop was left: %s", format_error(error))
    for lane in lanes:
        loop.remove_reader(lane)
    loop.remove_reader(wake)


def _close_loop(loop):
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


async def async_pieces(body):
    """What `async for` goes over in request.stream()."""
    while True:
        piece = body.take()
        if piece is None:
            await body.wait()
        elif piece:
            yield piece
        else:
            return


async def send_stream(stream, body, is_async):
    """Sends a streamed answer as fast as the front grants credit."""
    try:
        if is_async:
            async for piece in body:
                if not stream.send(piece):
                    await _sent(stream)
        else:
            for piece in body:
                if not stream.send(piece):
                    await _sent(stream)
                await asyncio.sleep(0)  # it never waits by itself
    finally:
        if hasattr(body, "aclose"):
            await body.aclose()
        elif hasattr(body, "close"):
            body.close()
    stream.end()


async def _sent(stream):
    while not stream.resume():
        await stream.wait()
