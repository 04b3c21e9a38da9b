"""Requests that a worker answers to itself before it is ready, as the module `_tandem_warmup`. It is compiled into the binary."""

import asyncio
import inspect
import io
import json
import logging
import urllib.parse

import _tandem
import tandem
from _tandem_runtime import describe_error, dump_json, format_error, wsgi_constants

_log = logging.getLogger("tandem")


class Warmup:
    """`requests` as the hello message has them; `endpoints`: of each (target, callable, interface, takes_request, root path,
    path_without_root)."""

    def __init__(self, requests, endpoints):
        self._requests = requests
        self._endpoints = endpoints

    def run(self, loop, states):
        """On `loop`, which does not run, if there are coroutines among the endpoints. `states`: of each endpoint the state of its
        lifespan, or None. Gives JSON of what failed, or None."""
        for one in self._requests:
            method, target = one.get("method", "GET"), one.get("path", "/")
            step = f"warmup {method} {target}"
            _tandem.step(step)
            try:
                index = self._index_of(one.get("endpoint"))
                status = self._answer(index, method, target, loop, states[index] if states else None)
                if status < 500:
                    if status >= 400:
                        _log.warning("%s was answered %d", step, status)
                    continue
                message, trace = f"the answer was {status}", ""
            except BaseException as error:  # SystemExit too
                message, trace = f"{type(error).__name__}: {error}", format_error(error)
            return json.dumps({"step": step, "message": f"{step}: {message}", "traceback": trace})
        return None

    def _index_of(self, target):
        targets = [endpoint[0] for endpoint in self._endpoints]
        if target is None and len(targets) == 1:
            return 0
        if target not in targets:
            raise LookupError(f'there is no endpoint "{target}"' if target else "there are several endpoints: say which one answers")
        return targets.index(target)

    def _answer(self, index, method, target, loop, state):
        """The status."""
        _, endpoint, interface, takes_request, root_path, path_without_root = self._endpoints[index]
        raw_path, _, query = target.partition("?")
        if interface == "wsgi":
            return _answer_wsgi(endpoint, method, raw_path, query, root_path)
        if interface == "asgi":
            shown_root = "" if path_without_root else root_path
            return loop.run_until_complete(_answer_asgi(endpoint, method, raw_path, query, root_path, shown_root, state))
        return _answer_function(endpoint, takes_request, method, raw_path, query, loop)


# --- functions -------------------------------------------------------------------------------------------------------


def _answer_function(function, takes_request, method, raw_path, query, loop):
    request = tandem._PlainRequest(method, urllib.parse.unquote(raw_path), query=query, headers={"Host": "localhost"}, id="warmup")
    try:
        returned = function(request) if takes_request else function()
        if inspect.iscoroutine(returned):
            returned = loop.run_until_complete(returned)
        status, body = 200, returned
        if isinstance(returned, tandem.Response):
            status, body = returned.status, returned.body
        if hasattr(body, "__aiter__"):
            loop.run_until_complete(_use_up(body))
        elif isinstance(body, (dict, list)):
            dump_json(body)
        elif hasattr(body, "__next__"):
            for _ in body:
                pass
        return status
    except tandem.HTTPError as error:
        return describe_error(error, False)[0]


async def _use_up(pieces):
    async for _ in pieces:
        pass


# --- WSGI ------------------------------------------------------------------------------------------------------------


def _answer_wsgi(application, method, raw_path, query, root_path):
    target = raw_path + ("?" + query if query else "")
    environ = wsgi_constants() | {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": root_path.encode().decode("latin-1"),
        "PATH_INFO": urllib.parse.unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "0",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    told = []

    def start_response(status, headers, exc_info=None):
        told[:] = [int(status[:3])]
        return lambda data: None

    answer = application(environ, start_response)
    try:
        for _ in answer:
            pass
    finally:
        if hasattr(answer, "close"):
            answer.close()
    if not told:
        raise RuntimeError("the application did not call start_response()")
    return told[0]


# --- ASGI ------------------------------------------------------------------------------------------------------------


async def _answer_asgi(application, method, raw_path, query, root_path, shown_root, state):
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": shown_root + urllib.parse.unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": root_path,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
        "extensions": {},
    }
    if state is not None:
        scope["state"] = state.copy()
    told = []
    received = False
    answered = asyncio.Event()

    async def receive():
        nonlocal received
        if not received:
            received = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            told.append(message["status"])
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await application(scope, receive, send)
    if not answered.is_set():
        raise RuntimeError("the application returned without an answer")
    return told[0]
