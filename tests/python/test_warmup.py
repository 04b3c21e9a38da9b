"""Requests that a worker answers to itself before it is ready."""

import pytest
from worker_front import FAILED, READY

WSGI = """
import wsgiref.validate
def app(environ, start_response):
    for _ in (environ["wsgi.input"].read(10), environ["wsgi.errors"]): pass
    print(environ["REQUEST_METHOD"], environ["SCRIPT_NAME"] + environ["PATH_INFO"], environ["QUERY_STRING"], environ["HTTP_HOST"])
    path = environ["PATH_INFO"]
    if path == "/raises": raise ValueError("a cold start")
    if path == "/late":
        def late():
            yield b""
            raise ValueError("while it was gone over")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return late()
    if path == "/silent": return []
    if path == "/exits": raise SystemExit(4)
    status = {"/broken": "503 Service Unavailable", "/missing": "404 Not Found"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain")])
    return [b"warm"]
app = wsgiref.validate.validator(app)
"""

ASGI = """
from contextlib import asynccontextmanager
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["opened"] = "opened"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        print("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    print(scope["method"], scope["path"], scope["root_path"], scope["query_string"], scope["state"]["opened"])
    assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
    path = scope["path"].removeprefix(scope["root_path"])
    if path == "/raises": raise ValueError("a cold start")
    if path == "/silent": return
    if path == "/exits": raise SystemExit(4)
    status = {"/broken": 503, "/missing": 404}.get(path, 200)
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"wa", "more_body": True})
    await send({"type": "http.response.body", "body": b"rm"})
    assert (await receive())["type"] == "http.disconnect"
"""

FUNCTIONS = """
import tandem
from tandem import HTTPError, Request, Response, EventStream
def greet(request):
    print(request.method, request.path, request.query_params.get("q"), request.headers["host"])
    if request.path == "/raises": raise ValueError("a cold start")
    if request.path == "/missing": raise HTTPError(404, "no")
    if request.path == "/broken": return Response("x", status=503)
    if request.path == "/unavailable": raise HTTPError(503, "no")
    if request.path == "/nonsense": return {"x": {1}}
    if request.path == "/exits": raise SystemExit(4)
    return {"warm": True}
def bare(): return (print("piece") or "x" for _ in range(2))
async def later(request):
    print("later", request.path)
    if request.path == "/raises": raise ValueError("a cold start")
    return "warm"
async def events():
    async def ticks():
        yield "one"
        print("one event")
    return EventStream(ticks())
"""


def warmed(worker, source, endpoint, *requests, wait=True, **more):
    requests = [{"method": "GET", "path": one} if isinstance(one, str) else one for one in requests]
    return worker(source, [endpoint], warmup=requests, wait=wait, **more)


@pytest.mark.parametrize(
    ("source", "endpoint", "log"),
    [
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "POST /caf\xc3\xa9 q=1 localhost"),
        (WSGI, {"target": "app:app", "kind": "wsgi", "root_path": "/shop"}, "POST /shop/caf\xc3\xa9 q=1 localhost"),
        (ASGI, {"target": "app:app", "kind": "asgi"}, "POST /café  b'q=1' opened"),
        (ASGI, {"target": "app:app", "kind": "asgi", "root_path": "/shop"}, "POST /shop/café /shop b'q=1' opened"),
        (FUNCTIONS, "app:greet", "POST /café 1 localhost"),
        (FUNCTIONS, "app:later", "later /café"),
    ],
)
def test_the_request_comes_before_ready(worker, source, endpoint, log):
    one = warmed(worker, source, endpoint, {"method": "POST", "path": "/caf%C3%A9?q=1"}, {"path": "/"})
    assert one.first.type == READY
    assert one.steps[-2:] == ["warmup POST /caf%C3%A9?q=1", "warmup GET /"]
    assert log in [text for _, _, text, _ in one.logs]
    assert not [text for _, _, text, _ in one.logs if "Error" in text or "Warning" in text]
    assert one.drain() == 0


@pytest.mark.parametrize(("target", "log"), [("app:bare", "piece"), ("app:events", "one event")])
def test_a_stream_is_gone_over(worker, target, log):
    one = warmed(worker, FUNCTIONS, target, "/")
    assert log in [text for _, _, text, _ in one.logs]


@pytest.mark.parametrize(
    ("source", "endpoint", "path", "message", "in_traceback"),
    [
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "/raises", "ValueError: a cold start", "app.py"),
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "/late", "ValueError: while it was gone over", "app.py"),
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "/broken", "the answer was 503", ""),
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "/silent", "the application did not call start_response()", ""),
        (WSGI, {"target": "app:app", "kind": "wsgi"}, "/exits", "SystemExit: 4", "app.py"),
        (ASGI, {"target": "app:app", "kind": "asgi"}, "/raises", "ValueError: a cold start", "app.py"),
        (ASGI, {"target": "app:app", "kind": "asgi"}, "/broken", "the answer was 503", ""),
        (ASGI, {"target": "app:app", "kind": "asgi"}, "/silent", "the application returned without an answer", ""),
        (ASGI, {"target": "app:app", "kind": "asgi"}, "/exits", "SystemExit: 4", "app.py"),
        (FUNCTIONS, "app:greet", "/raises", "ValueError: a cold start", "app.py"),
        (FUNCTIONS, "app:greet", "/broken", "the answer was 503", ""),
        (FUNCTIONS, "app:greet", "/unavailable", "the answer was 503", ""),
        (FUNCTIONS, "app:greet", "/nonsense", "TypeError: Object of type set is not JSON serializable", ""),
        (FUNCTIONS, "app:greet", "/exits", "SystemExit: 4", "app.py"),
        (FUNCTIONS, "app:later", "/raises", "ValueError: a cold start", "app.py"),
    ],
)
def test_what_fails_refuses_the_start(worker, source, endpoint, path, message, in_traceback):
    one = warmed(worker, source, endpoint, "/", path, "/never", wait=False)
    assert one.first.type == FAILED
    assert one.told["step"] == f"warmup GET {path}"
    assert one.told["message"].startswith(f"warmup GET {path}: ") and message in one.told["message"]
    assert in_traceback in one.told["traceback"]
    assert "warmup GET /never" not in one.steps
    assert one.wait() == 1


def test_a_lifespan_ends_when_the_warm_up_fails(worker):
    one = warmed(worker, ASGI, {"target": "app:app", "kind": "asgi"}, "/raises", wait=False)
    assert one.first.type == FAILED
    assert "shut down" in [text for _, _, text, _ in one.logs]


@pytest.mark.parametrize(
    ("source", "endpoint"), [(WSGI, {"target": "app:app", "kind": "wsgi"}), (ASGI, {"target": "app:app", "kind": "asgi"}), (FUNCTIONS, "app:greet")]
)
def test_an_answer_below_500_is_only_noted(worker, source, endpoint):
    one = warmed(worker, source, endpoint, "/missing")
    assert one.first.type == READY
    assert (3, "tandem", "warmup GET /missing was answered 404", "") in one.logs


def test_several_endpoints(worker):
    endpoints = ["app:greet", "app:later"]
    requests = [{"path": "/a", "endpoint": "app:later"}, {"path": "/b", "endpoint": "app:greet"}]
    one = worker(FUNCTIONS, endpoints, warmup=requests)
    said = [text for _, _, text, _ in one.logs]
    assert said == ["later /a", "GET /b None localhost"]
    unsaid = worker(FUNCTIONS, endpoints, warmup=[{"path": "/"}], wait=False)
    assert unsaid.told["message"].endswith("there are several endpoints: say which one answers")
    unknown = worker(FUNCTIONS, endpoints, warmup=[{"path": "/", "endpoint": "app:other"}], wait=False)
    assert unknown.told["message"].endswith('there is no endpoint "app:other"')
