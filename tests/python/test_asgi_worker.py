"""ASGI applications in the worker, with the test as its front: scope, receive, send, tasks, lifespan, WebSocket."""

import json
import struct

import pytest
from worker_front import (
    CANCEL, CLIENT_GONE, CLOSE, CREDIT, DRAIN, END, ERROR, FAILED, INFORMATIONAL, INITIAL_CREDIT, MESSAGE, OUT_OF_TIME,
    REQUEST_BODY, REQUEST_CREDIT, RESPONSE_BODY, RESPONSE_END, RESPONSE_HEAD, STREAMED, TEXT, UNKNOWN, WORKER_CLOSE,
    WORKER_MESSAGE, error_of, frame, request_head,
)  # fmt: skip

PRELUDE = """
import asyncio, contextvars, gc, json, logging, os, threading
async def answer(send, content, status=200, headers=()):
    body = content if isinstance(content, bytes) else json.dumps(content, default=lambda one: one.decode("latin-1")).encode()
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
def asgi(worker):
    """asgi(source, name, …) starts a worker with these applications of the module."""

    def start(source, *names, **options):
        endpoints = [{"target": f"app:{name}", "kind": "asgi", **options.pop(name, {})} for name in names or ("app",)]
        return worker(_module(source), endpoints, **options)

    return start


def _module(source):
    import textwrap

    return PRELUDE + textwrap.dedent(source)


def head_of(one):
    """(status, field lines, content length, first body) of a response_head or informational frame."""
    status, _, fields_length, content_length = struct.unpack("<HHIQ", one.payload[:16])
    return status, one.payload[40 : 40 + fields_length].decode(), content_length, one.payload[40 + fields_length :]


def read(lane, kind, number=None):
    one = lane.read()
    assert one.type == kind, (one, error_of(one) if one.type == ERROR else None)
    assert number is None or one.id == number
    return one


# --- scope -----------------------------------------------------------------------------------------------------------

SCOPES = """
async def app(scope, receive, send):
    seen = dict(scope, types={key: type(value).__name__ for key, value in scope.items()})
    await answer(send, seen)
"""


def test_the_scope_of_a_request(asgi):
    one = asgi(SCOPES)
    seen = one.call(
        method="POST", path=b"/a \xc3\xa9\xff", raw_path=b"/a%20%C3%A9%FF", query=b"q=%20&r", scheme=b"https",
        fields=[(b"Host", b"h"), (b"X-Thing", b"caf\xe9"), (b"x-thing", b"2"), (b"A" * 100, b"long"), (b"Cookie", b"a=1")],
    ).json()  # fmt: skip
    types = seen.pop("types")
    assert seen == {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST",
        "scheme": "https", "path": "/a é\ufffd", "raw_path": "/a%20%C3%A9%FF", "query_string": "q=%20&r", "root_path": "",
        "headers": [["host", "h"], ["x-thing", "café"], ["x-thing", "2"], ["a" * 100, "long"], ["cookie", "a=1"]],
        "client": ["192.0.2.7", 40000], "server": ["198.51.100.1", 8080],
        "extensions": {"http.response.pathsend": {}, "http.response.early_hint": {}},
    }  # fmt: skip
    assert types["path"] == types["root_path"] == "str" and types["raw_path"] == types["query_string"] == "bytes"


def test_a_scope_follows_each_request(asgi):
    one = asgi(SCOPES)
    first = one.call(version=10, root_path=b"/shop", path=b"/shop/x", scheme=b"https", client=b"unix", server=b"").json()
    assert (first["http_version"], first["root_path"], first["path"], first["client"], first["server"]) == (
        "1.0", "/shop", "/shop/x", None, None,
    )  # fmt: skip
    second = one.call(method="BREW").json()
    assert [second[key] for key in ("http_version", "root_path", "path", "scheme", "method", "client", "server")] == [
        "1.1", "", "/", "http", "BREW", ["192.0.2.7", 40000], ["198.51.100.1", 8080],
    ]  # fmt: skip


def test_the_root_path_of_the_endpoint_stands_in_front(asgi):
    one = asgi(SCOPES, "app", app={"root_path": "/proxy"})
    seen = one.call(root_path=b"/shop", path=b"/shop/x").json()
    assert (seen["root_path"], seen["path"]) == ("/proxy/shop", "/proxy/shop/x")


def test_a_change_of_the_scope_stays_in_its_request(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            seen = sorted(scope), sorted(scope["extensions"])
            scope["added"] = scope["extensions"]["added"] = 1
            scope["headers"].append((b"added", b"1"))
            await answer(send, seen)
        """)
    assert one.call().json() == one.call().json()


@pytest.mark.parametrize("wrapped", ["app", "wrapped", "method", "plain"])
def test_an_old_starlette_gets_the_path_below_its_root(asgi, wrapped):
    starlette = pytest.importorskip("starlette")
    old = tuple(int(part) for part in starlette.__version__.split(".")[:2]) < (0, 33)
    one = asgi(
        """
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Mount, Route
        async def see(request):
            return JSONResponse([request.scope["path"], request.scope["root_path"], str(request.url)])
        app = Starlette(routes=[Route("/", see), Route("/x", see), Mount("/sub", routes=[Route("/x", see)])])
        class Middleware:
            def __init__(self, app): self.app = app
            async def __call__(self, scope, receive, send): await self.app(scope, receive, send)
            async def call(self, scope, receive, send): await self.app(scope, receive, send)
        wrapped = Middleware(Middleware(app))
        method = wrapped.call
        async def plain(scope, receive, send):
            await answer(send, [scope["path"], scope["root_path"], ""])
        """,
        wrapped,
    )
    path, root_path, url = one.call(root_path=b"/shop", path=b"/shop/x").json()
    without = old and wrapped != "plain"
    assert (path, root_path) == ("/x" if without else "/shop/x", "/shop")
    if wrapped == "plain":
        return
    assert url == "http://tandem.test/shop/x" or "198.51.100.1" in url
    root = one.call(root_path=b"/shop", path=b"/shop")
    if old:
        assert root.json()[0] == "/"
    else:  # below its root there is nothing, which a new one sends to "/"
        assert root.status == 307 and root.get("Location").endswith("/shop/")
    assert one.call(root_path=b"/shop", path=b"/shop/sub/x").status == 200


# --- receive ---------------------------------------------------------------------------------------------------------

BODIES = """
async def app(scope, receive, send):
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    await answer(send, messages)
async def lengths(scope, receive, send):
    total = 0
    while True:
        message = await receive()
        total += len(message["body"])
        if not message["more_body"]:
            return await answer(send, total)
"""


def test_a_request_without_body(asgi):
    assert asgi(BODIES).call().json() == [{"type": "http.request", "body": "", "more_body": False}]


def test_a_body_that_came_with_the_head(asgi):
    assert asgi(BODIES).call(method="POST", body=b"abc").json() == [{"type": "http.request", "body": "abc", "more_body": False}]


def test_a_body_comes_as_it_arrives_and_credit_is_granted(asgi):
    one = asgi(BODIES, "app", "lengths")
    lane = one.lane_of(0)
    number = one.start(0, method="POST", end=False, content_length=UNKNOWN)
    lane.send(frame(REQUEST_BODY, number, b"one"))
    lane.send(frame(REQUEST_BODY, number, b"two"))
    lane.send(frame(REQUEST_BODY, number, b"", END))
    messages = one.answer(lane, number).json()
    assert "".join(message["body"] for message in messages) == "onetwo"
    assert [message["more_body"] for message in messages][-1] is False

    number = one.start(1, method="POST", end=False, content_length=UNKNOWN)
    granted = 0
    for _ in range(4):
        lane.send(frame(REQUEST_BODY, number, b"x" * 65536))
    while granted < 4 * 65536:
        granted += struct.unpack("<I", read(lane, REQUEST_CREDIT, number).payload)[0]
    lane.send(frame(REQUEST_BODY, number, b"", END))
    assert one.answer(lane, number).json() == 4 * 65536


def test_receive_waits_and_tells_of_the_end(asgi):
    one = asgi("""
        told = []
        async def app(scope, receive, send):
            if scope["path"] == "/told":
                return await answer(send, told)
            first = await receive()
            waiting = asyncio.create_task(receive())
            also = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            told.append([first["type"], waiting.done(), also.done()])
            await answer(send, b"done")
            told.append([(await waiting)["type"], (await also)["type"], (await receive())["type"]])
        """)
    assert one.call().body == b"done"
    while len(told := one.call(path=b"/told").json()) < 2:
        pass
    assert told == [["http.request", False, False], ["http.disconnect"] * 3]


def test_a_cancelled_receive_loses_nothing(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            never = asyncio.create_task(receive())
            never.cancel()
            try:
                await never
            except asyncio.CancelledError:
                pass
            try:
                await asyncio.wait_for(receive(), None)
                await asyncio.wait_for(receive(), 0.01)
            except asyncio.TimeoutError:
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": b"waiting", "more_body": True})
            message = await receive()
            await send({"type": "http.response.body", "body": message["body"]})
        """)
    lane = one.lane_of(0)
    number = one.start(0, method="POST", body=b"first", end=False, content_length=UNKNOWN)
    read(lane, RESPONSE_HEAD, number)
    assert read(lane, RESPONSE_BODY, number).payload == b"waiting"
    lane.send(frame(REQUEST_BODY, number, b"second", END))
    assert read(lane, RESPONSE_BODY, number).payload == b"second"
    read(lane, RESPONSE_END, number)


# --- send ------------------------------------------------------------------------------------------------------------


def test_a_one_part_answer_is_one_frame(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await answer(send, b"hello", 201, [(b"content-type", b"text/x"), (b"content-length", b"5"), (b"set-cookie", b"a=1"),
                                               [b"set-cookie", b" b=2 "], (b"transfer-encoding", b"chunked")])
        """)
    lane = one.lane_of(0)
    number = one.start()
    first = read(lane, RESPONSE_HEAD, number)
    assert first.flags == END
    assert head_of(first) == (201, "content-type: text/x\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n", 5, b"hello")


def test_a_streamed_answer_obeys_credit(asgi):
    one = asgi("""
        sent = []
        async def app(scope, receive, send):
            if scope["path"] == "/sent":
                return await answer(send, sent)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"1")]})
            for i in range(8):
                await send({"type": "http.response.body", "body": bytes([i]) * 65536, "more_body": True})
                sent.append(i)
            await send({"type": "http.response.body"})
        """)
    lane = one.lane_of(0)
    number = one.start()
    first = read(lane, RESPONSE_HEAD, number)
    assert first.flags == STREAMED and head_of(first) == (200, "a: 1\r\n", UNKNOWN, b"")
    body = b""
    while len(body) < INITIAL_CREDIT:
        body += read(lane, RESPONSE_BODY, number).payload
    assert one.call(path=b"/sent").json() == [0, 1, 2, 3]  # the fifth waits
    lane.send(frame(CREDIT, number, struct.pack("<I", 100)))
    assert len(read(lane, RESPONSE_BODY, number).payload) == 100
    assert one.call(path=b"/sent").json() == [0, 1, 2, 3]
    lane.send(frame(CREDIT, number, struct.pack("<I", 1 << 20)))
    last = lane.read()
    while last.type == RESPONSE_BODY:
        body += last.payload
        last = lane.read()
    assert last.type == RESPONSE_END and len(body) == 8 * 65536 - 100
    assert one.call(path=b"/sent").json() == list(range(8))


@pytest.mark.parametrize("how", ["bytes", "bytearray", "memoryview", "declared", "unawaited"])
def test_a_large_part_goes_out_as_credit_comes(asgi, how):
    one = asgi(f"""
        async def app(scope, receive, send):
            body = bytes(range(256)) * 4096
            headers = [(b"content-length", str(len(body)).encode())] if {how!r} == "declared" else []
            body = {{"bytearray": bytearray, "memoryview": memoryview}}.get({how!r}, bytes)(body)
            await send({{"type": "http.response.start", "status": 200, "headers": headers}})
            sending = send({{"type": "http.response.body", "body": body}})
            if {how!r} != "unawaited":
                await sending
        """)
    answer = one.call()
    assert answer.streamed and answer.content_length == 1 << 20 and answer.body == bytes(range(256)) * 4096


def test_the_first_part_brings_the_head_even_when_it_is_empty(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "more_body": True})
            await receive()
            await receive()
        """)
    number = one.start()
    assert read(one.lane_of(0), RESPONSE_HEAD, number).flags == STREAMED
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    read(one.lane_of(0), ERROR, number)


@pytest.mark.parametrize(
    ("method", "status", "headers", "length"),
    [("HEAD", 200, [[b"content-length", b"9"]], 9), ("HEAD", 200, [], 5), ("GET", 304, [], 5), ("GET", 204, [], 5)],
)
def test_a_response_without_a_body(asgi, method, status, headers, length):
    one = asgi(f"""
        async def app(scope, receive, send):
            await send({{"type": "http.response.start", "status": {status}, "headers": {headers!r}}})
            await send({{"type": "http.response.body", "body": b"12345"}})
        """)
    answer = one.call(method=method)
    assert (answer.status, answer.body, answer.content_length) == (status, b"", length)


def test_the_streamed_body_of_a_head_is_taken_and_dropped(asgi):
    one = asgi("""
        told = []
        async def app(scope, receive, send):
            if scope["path"] == "/told":
                return await answer(send, told)
            await send({"type": "http.response.start", "status": 200})
            for _ in range(50):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await send({"type": "http.response.body"})
            told.append("all")
        """)
    assert one.call(method="HEAD").content_length == UNKNOWN
    assert one.call(path=b"/told").json() == ["all"]


WRONG = [
    ('{"type": "http.response.body"}', "Expected ASGI message 'http.response.start', but got 'http.response.body'."),
    ('{"type": "nonsense"}', "Expected ASGI message 'http.response.start', but got 'nonsense'."),
    ('{"type": 7}', 'a message has a "type"'),
    ("{}", 'a message has a "type"'),
    ('"http.response.start"', "a message is a dict, not str"),
    ('{"type": "http.response.start"}', "the status of a response is a number from 200 to 999"),
    ('{"type": "http.response.start", "status": "200"}', "the status of a response"),
    ('{"type": "http.response.start", "status": 10**30}', "the status of a response"),
    ('{"type": "http.response.start", "status": 200, "headers": 5}', "the headers of a response are pairs of bytes"),
    ('{"type": "http.response.start", "status": 200, "headers": [5]}', "a header is a pair of bytes"),
    ('{"type": "http.response.start", "status": 200, "headers": [("a", "b")]}', "a header is a pair of bytes"),
    ('{"type": "http.response.start", "status": 200, "headers": [(b"a b", b"")]}', "b'a b' is no name of a header"),
    ('{"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\\r\\nc: d")]}', "is no value of a header"),
    ('{"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"x")]}', "the Content-Length is no number"),
]


@pytest.mark.parametrize(("message", "said"), WRONG)
def test_a_wrong_message_raises_and_harms_nothing(asgi, message, said):
    one = asgi(f"""
        async def app(scope, receive, send):
            try:
                await send({message})
            except Exception as error:
                return await answer(send, str(error))
        """)
    assert said in one.call().json()


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (['{"type": "http.response.start", "status": 200}'], "Expected ASGI message 'http.response.body', but got 'http.response.start'."),
        (['{"type": "http.response.body", "body": "text"}'], "a body is bytes, not str"),
        (['{"type": "http.response.body"}', '{"type": "http.response.body"}'], "after response already completed."),
        (['{"type": "http.response.body", "body": b"123456"}'], "Response content longer than Content-Length"),
        (['{"type": "http.response.body", "body": b"1"}'], "Response content shorter than Content-Length"),
        (['{"type": "http.response.pathsend"}'], "names no path"),
        (['{"type": "http.response.pathsend", "path": "relative"}'], "takes an absolute path, not 'relative'"),
        (['{"type": "http.response.pathsend", "path": "/nowhere/at/all"}'], "No such file"),
        (['{"type": "http.response.pathsend", "path": "/"}'], "Is a directory"),
    ],
)  # fmt: skip
def test_a_wrong_message_after_the_start(asgi, messages, said):
    length = b"0" if "completed" in said else b"5"
    one = asgi(f"""
        told = []
        async def app(scope, receive, send):
            if scope["path"] == "/told":
                return await answer(send, told)
            await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-length", {length!r})]}})
            try:
                for message in [{", ".join(messages)}]:
                    await send(message)
            except Exception as error:
                told.append(str(error))
                raise
        """)
    answer = one.call()
    assert answer.code == ("python.exception" if "completed" not in said else None)
    assert said in one.call(path=b"/told").json()[0]


def test_early_hints(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload", b"</b.js>; rel=preload"]})
            await answer(send, b"late")
        """)
    lane = one.lane_of(0)
    number = one.start()
    hint = read(lane, INFORMATIONAL, number)
    assert head_of(hint) == (103, "Link: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n", 0, b"")
    assert one.answer(lane, number).body == b"late"


@pytest.mark.parametrize("size", [0, 5, 1_000_000])
def test_a_file_is_sent(asgi, tmp_path, size):
    (tmp_path / "file").write_bytes(b"abcde" * (size // 5))
    one = asgi(f"""
        async def app(scope, receive, send):
            await send({{"type": "http.response.start", "status": 200}})
            await send({{"type": "http.response.pathsend", "path": {str(tmp_path / "file")!r}}})
        """)
    answer = one.call()
    assert answer.body == b"abcde" * (size // 5) and answer.content_length == size
    head = one.call(method="HEAD")
    assert head.body == b"" and head.content_length == size


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("raise ValueError('no luck')", "python.exception", "ValueError: no luck"),
        ("raise SystemExit(3)", "python.exception", "SystemExit: 3"),
        ("raise asyncio.CancelledError", "python.exception", "CancelledError"),
        ("return None", "python.bad_response", "ASGI callable returned without starting response."),
        ("await send({'type': 'http.response.start', 'status': 200})", "python.bad_response", "without completing response."),
        ("await send({'type': 'http.response.start', 'status': 200}); 1 / 0", "python.exception", "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_what_goes_wrong_before_the_head(asgi, body, code, text, later):
    one = asgi(f"""
        async def app(scope, receive, send):
            if {later}: await asyncio.sleep(0)
            {body}
        """)
    for _ in range(2):
        answer = one.call()
        assert (answer.status, answer.code) == (500, code) and text in answer.traceback
    assert one.drain() == 0


def test_what_goes_wrong_after_the_head(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
            if scope["path"] == "/raise": raise ValueError("in the middle")
        """)
    answer = one.call()
    assert answer.code == "python.bad_response" and "without completing response" in answer.traceback
    answer = one.call(path=b"/raise")
    assert answer.code == "python.exception" and "in the middle" in answer.traceback and answer.body == b"part"


@pytest.mark.parametrize("source", ["def app(scope, receive, send): return 5", "def app(scope): return 5"])
def test_what_is_no_asgi_application(asgi, source):
    answer = asgi(source).call()
    assert answer.code == "python.exception" and "TypeError" in answer.traceback


def test_an_application_may_be_any_awaitable(asgi):
    one = asgi("""
        class Awaitable:
            def __init__(self, scope, receive, send): self.send = send
            def __await__(self): return answer(self.send, b"done").__await__()
        def app(scope, receive, send): return Awaitable(scope, receive, send)
        """)
    assert one.call().body == b"done"


# --- tasks -----------------------------------------------------------------------------------------------------------


def test_each_request_has_a_task_and_a_context_of_its_own(asgi):
    one = asgi("""
        variable = contextvars.ContextVar("variable", default="unset")
        async def app(scope, receive, send):
            before = variable.get()
            variable.set(scope["path"])
            task = asyncio.current_task()
            first = [before, task is not None, isinstance(task, asyncio.Task), asyncio.get_running_loop() is task.get_loop()]
            await asyncio.sleep(0)
            nested = asyncio.create_task(inner())
            await answer(send, first + [asyncio.current_task() is task, task in asyncio.all_tasks(), variable.get(), await nested])
        async def inner():
            await asyncio.sleep(0)
            return variable.get()
        """)
    lane = one.lane_of(0)
    lane.send(*(request_head(number, 0, path=b"/%d" % number) for number in range(1, 6)))
    for _ in range(5):
        first = read(lane, RESPONSE_HEAD)
        assert json.loads(head_of(first)[3]) == ["unset", True, True, True, True, True, f"/{first.id}", f"/{first.id}"]


def test_the_first_step_is_made_at_once(asgi):
    one = asgi("""
        order = []
        async def app(scope, receive, send):
            order.append("start " + scope["path"])
            asyncio.get_running_loop().call_soon(order.append, "loop " + scope["path"])
            await answer(send, order)
        """)
    lane = one.lane_of(0)
    lane.send(request_head(1, 0, path=b"/1"), request_head(2, 0, path=b"/2"))
    seen = [json.loads(head_of(read(lane, RESPONSE_HEAD))[3]) for _ in range(2)]
    assert seen[0] == ["start /1"] and seen[1][:2] == ["start /1", "start /2"]


def test_timeouts_and_cancel_scopes(asgi):
    pytest.importorskip("anyio")
    one = asgi("""
        import anyio
        async def app(scope, receive, send):
            said = []
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                said.append("timeout")
            with anyio.move_on_after(0.01):
                await anyio.sleep_forever()
            said.append("moved on")
            async with anyio.create_task_group() as group:
                group.start_soon(receive)
                group.start_soon(anyio.sleep_forever)
                await anyio.sleep(0)
                group.cancel_scope.cancel()
            said.append("cancelled")
            async with anyio.create_task_group() as group:
                async def child(name):
                    await anyio.sleep(0)
                    said.append(name)
                group.start_soon(child, "child")
            said.append(await anyio.to_thread.run_sync(lambda: threading.current_thread() is not threading.main_thread()))
            said.append(await asyncio.get_running_loop().run_in_executor(None, lambda: "executor"))
            await answer(send, said)
        """)
    assert one.call().json() == ["timeout", "moved on", "cancelled", "child", True, "executor"]


def test_log_records_name_their_request(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            print("first", flush=True)
            async def nested():
                logging.getLogger("mine").warning("nested")
            await asyncio.create_task(nested())
            await asyncio.to_thread(print, "threaded")
            await answer(send, b"")
        """)
    one.call(request_id=b"id-5")
    assert one.wait_for_log("first")[3] == "id-5"
    assert one.wait_for_log("nested")[3] == "id-5"
    assert one.wait_for_log("threaded")[3] == "id-5"


def test_what_receive_and_send_give_is_taken_for_a_coroutine(asgi):
    one = asgi("""
        import inspect
        from collections.abc import Coroutine
        async def app(scope, receive, send):
            awaitable = receive()
            said = [inspect.iscoroutine(awaitable), asyncio.iscoroutine(awaitable), isinstance(awaitable, Coroutine)]
            said.append(inspect.getcoroutinestate(awaitable))
            said.append((await awaitable)["type"])
            await send({"type": "http.response.start", "status": 200})
            sending = send({"type": "http.response.body", "body": json.dumps(said + [inspect.iscoroutine(receive())]).encode()})
            await asyncio.create_task(sending)
        """)
    assert one.call().json() == [True, True, True, "CORO_CLOSED", "http.request", True]


def test_signal_handlers_are_refused_off_the_main_thread(asgi):
    one = asgi("""
        import signal
        async def app(scope, receive, send):
            try:
                asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
            except (ValueError, RuntimeError) as error:
                await answer(send, type(error).__name__)
        """)
    assert one.call().status == 200


# --- the client goes, time is up -------------------------------------------------------------------------------------

LEAVING = """
from _tandem_asgi import ClientDisconnected
told = []
async def app(scope, receive, send):
    if scope["path"] == "/told":
        return await answer(send, told)
    await receive()
    if scope["path"] == "/stream":
        await send({"type": "http.response.start", "status": 200})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    if scope["path"] == "/forever":
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise
    message = await receive()
    told.append(message["type"])
    told.append((await receive())["type"])
    if scope["path"] == "/raise":
        raise ValueError("a real mistake")
    try:
        await answer(send, b"too late")
    except OSError as error:
        told.append(type(error).__name__)
        raise
"""


def test_a_client_that_goes_is_told_and_the_application_goes_on(asgi):
    one = asgi(LEAVING)
    lane = one.lane_of(0)
    number = one.start()
    one.call(path=b"/told")
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    gone = error_of(read(lane, ERROR, number))
    assert gone.code == "python.cancelled" and gone.traceback == ""
    assert one.call(path=b"/told").json() == ["http.disconnect", "http.disconnect", "ClientDisconnected"]
    assert one.drain() == 0
    assert [record for record in one.logs if record[0] >= 3] == []


def test_a_client_that_goes_while_an_answer_is_streamed(asgi):
    one = asgi(LEAVING)
    lane = one.lane_of(0)
    number = one.start(path=b"/stream")
    read(lane, RESPONSE_HEAD, number)
    for _ in range(4):
        read(lane, RESPONSE_BODY, number)
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    assert error_of(read(lane, ERROR, number)).traceback == ""
    assert one.drain() == 0 and [record for record in one.logs if record[0] >= 3] == []


def test_a_mistake_after_the_client_has_gone_is_logged(asgi):
    one = asgi(LEAVING)
    number = one.start(path=b"/raise", request_id=b"id-9")
    one.call(path=b"/told")
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    read(one.lane_of(0), ERROR, number)
    assert one.wait_for_log("ValueError: a real mistake")[3] == "id-9"


def test_time_that_is_up_cancels_even_after_the_client_has_gone(asgi):
    one = asgi(LEAVING)
    lane = one.lane_of(0)
    number = one.start(path=b"/forever")
    one.call(path=b"/told")
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    assert one.call(path=b"/told").json() == []
    one.control.send(frame(CANCEL, number, OUT_OF_TIME))
    assert error_of(read(lane, ERROR, number)).code == "python.cancelled"
    assert one.call(path=b"/told").json() == ["cancelled"]


def test_starlette_streams_end_when_the_client_goes(asgi):
    pytest.importorskip("starlette")
    one = asgi("""
        from starlette.applications import Starlette
        from starlette.background import BackgroundTask
        from starlette.middleware import Middleware
        from starlette.middleware.base import BaseHTTPMiddleware
        from starlette.responses import StreamingResponse, PlainTextResponse
        from starlette.routing import Route
        told = []
        async def endless():
            try:
                while True:
                    yield b"x" * 65536
            finally:
                told.append("closed")
        async def slow():
            for piece in b"abc":
                yield bytes([piece])
                await asyncio.sleep(0.001)
        async def stream(request): return StreamingResponse(endless())
        async def short(request): return StreamingResponse(slow())
        async def see(request):
            gc.collect()  # the generator hangs on a traceback
            return PlainTextResponse(str(told))
        async def pass_on(request, call_next): return await call_next(request)
        app = Starlette(routes=[Route("/stream", stream), Route("/short", short), Route("/told", see)])
        passed = Starlette(routes=[Route("/short", short)], middleware=[Middleware(BaseHTTPMiddleware, dispatch=pass_on)])
        """, "app", "passed")  # fmt: skip
    lane = one.lane_of(0)
    assert one.call(0, path=b"/short").body == one.call(1, path=b"/short").body == b"abc"
    number = one.start(path=b"/stream")
    read(lane, RESPONSE_HEAD, number)
    for _ in range(4):
        read(lane, RESPONSE_BODY, number)
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    read(lane, ERROR, number)
    while one.call(path=b"/told").body != b"['closed']":
        pass
    assert one.drain() == 0 and [record for record in one.logs if record[0] >= 3] == []


# --- after the answer ------------------------------------------------------------------------------------------------

TAILS = """
gate = asyncio.Event()
told = []
async def app(scope, receive, send):
    if scope["path"] == "/open":
        gate.set()
        return await answer(send, told)
    await answer(send, b"answered")
    await gate.wait()
    if scope["path"] == "/raise": raise ValueError("in the background")
    print("tail done")
"""


def test_the_answer_does_not_wait_for_what_runs_after_it(asgi):
    one = asgi(TAILS)
    assert one.call().body == b"answered"
    assert one.call(path=b"/raise", request_id=b"id-3").body == b"answered"
    one.call(path=b"/open")
    assert "Traceback" in one.wait_for_log("ValueError: in the background")[2]
    assert one.wait_for_log("ValueError: in the background")[3] == "id-3"
    one.wait_for_log("tail done")


def test_drain_waits_for_what_runs_after_the_answer(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await answer(send, b"answered")
            await asyncio.to_thread(os.read, 0, 1) if False else await asyncio.sleep(0.05)
            print("tail done")
        """)
    assert one.call().body == b"answered"
    assert one.drain() == 0
    assert any("tail done" in record[2] for record in one.logs)


def test_what_an_application_returns_is_said_in_the_log(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            await answer(send, b"answered")
            return 5
        """)
    assert one.call().body == b"answered"
    one.wait_for_log("ASGI callable should return None, but returned a int")


def test_what_outlives_its_request_can_do_no_harm(asgi):
    one = asgi("""
        kept = []
        async def app(scope, receive, send):
            if scope["path"] == "/use":
                said = []
                for old_receive, old_send in kept:
                    try:
                        await old_send({"type": "http.response.start", "status": 200})
                    except Exception as error:
                        said.append(type(error).__name__)
                    said.append((await old_receive())["type"])
                return await answer(send, said)
            kept.append((receive, send))
            if scope["path"] == "/raise": raise ValueError
            await answer(send, b"")
        """)
    one.call()
    one.call(path=b"/raise")
    assert one.call(path=b"/use").json() == ["RuntimeError", "http.disconnect", "ClientDisconnected", "http.disconnect"]


# --- lifespan --------------------------------------------------------------------------------------------------------

LIFESPAN = """
starts = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        starts.append(scope["asgi"])
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["made"] = {"shared": 1}
        scope["state"]["number"] = 1
        await asyncio.sleep(0)
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        print("shutting down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    state = scope["state"]
    state["number"] += 1
    state["made"]["shared"] += 1
    await answer(send, [len(starts), state])
other = app
"""


def test_lifespan_runs_once_an_application_and_shares_its_state(asgi):
    one = asgi(LIFESPAN, "app", "other")
    assert one.steps == ["interpreter", "import app", "lifespan startup of app:app"]
    assert one.call(0).json() == [1, {"made": {"shared": 2}, "number": 2}]
    assert one.call(1).json() == [1, {"made": {"shared": 3}, "number": 2}]
    assert one.drain() == 0
    assert any(record[2] == "shutting down" for record in one.logs)


@pytest.mark.parametrize(
    ("startup", "mode", "message", "in_traceback"),
    [
        ("await send({'type': 'lifespan.startup.failed', 'message': 'no database'})", "auto", "no database", ""),
        ("await send({'type': 'lifespan.startup.failed'})", "auto", "lifespan.startup.failed", ""),
        (
            "try: 1 / 0\n        except Exception:\n            await send({'type': 'lifespan.startup.failed'}); raise",
            "auto",
            "lifespan.startup.failed",
            "ZeroDivisionError",
        ),
        ("raise ValueError('no luck')", "on", "ValueError: no luck", "app.py"),
        ("raise SystemExit(3)", "on", "SystemExit: 3", "app.py"),
        ("return", "on", "returned without 'lifespan.startup.complete'", ""),
        ("await send({'type': 'http.response.start'})", "on", "Expected ASGI message 'lifespan.startup.complete'", "app.py"),
    ],
)
def test_a_failed_start_up_refuses_the_pool(asgi, startup, mode, message, in_traceback):
    one = asgi(
        f"""
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        {startup}
""",
        wait=False,
        lifespan=mode,
    )
    assert one.first.type == FAILED
    assert one.told["step"] == "lifespan startup of app:app"
    assert "app:app" in one.told["message"] and message in one.told["message"]
    assert in_traceback in one.told["traceback"]
    assert one.wait() == 1


def test_a_failure_of_starlette_is_told_with_its_traceback(asgi):
    pytest.importorskip("starlette")
    one = asgi(
        """
        from starlette.applications import Starlette
        def fails(): raise ValueError("no database")
        app = Starlette(on_startup=[fails])
        """,
        wait=False,
    )
    assert "no database" in one.told["message"] and "ValueError: no database" in one.told["traceback"]


@pytest.mark.parametrize("mode", ["auto", "off"])
@pytest.mark.parametrize("body", ["assert scope['type'] == 'http'", "if scope['type'] != 'http': return", "if scope['type'] != 'http': await receive(); raise ValueError"])
def test_an_application_without_lifespan(asgi, mode, body):
    one = asgi(
        f"""
        async def app(scope, receive, send):
            {body}
            await answer(send, "state" in scope)
        """,
        lifespan=mode,
    )
    assert one.call().json() is False
    assert one.drain() == 0


@pytest.mark.parametrize(
    ("shutdown", "said"),
    [
        ("await send({'type': 'lifespan.shutdown.failed', 'message': 'stuck'})", "app:app failed to shut down: stuck"),
        ("raise ValueError('stuck')", "ValueError: stuck"),
    ],
)
def test_a_failed_shut_down_is_logged(asgi, shutdown, said):
    one = asgi(f"""
        async def app(scope, receive, send):
            await receive()
            await send({{"type": "lifespan.startup.complete"}})
            await receive()
            {shutdown}
        """)
    assert one.drain() == 0
    assert any(said in record[2] for record in one.logs)


# --- WebSocket -------------------------------------------------------------------------------------------------------

ECHO = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        return await answer(send, b"http")
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0], "headers": [(b"x-a", b"1")]})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print(json.dumps(message))
            return
        if message.get("text") == "scope":
            message = {"text": json.dumps(scope, default=lambda one: one.decode("latin-1"))}
        if message.get("text") == "close":
            return await send({"type": "websocket.close", "code": 4001, "reason": "asked to"})
        if message.get("text") == "return":
            return
        if message.get("text") == "raise":
            raise ValueError("no luck")
        await send({**message, "type": "websocket.send"})
"""


def open_socket(one, **request):
    number = one.start(websocket=True, **request)
    first = read(one.lane_of(0), RESPONSE_HEAD, number)
    assert first.flags == STREAMED and head_of(first)[0] == 101
    return number, head_of(first)[1]


def close_frame(number, code, reason=b""):
    return frame(CLOSE, number, struct.pack("<HHHH", code, 0, 0, 0) + reason)


def closed(one):
    """(code, reason) of a worker_close frame."""
    return struct.unpack("<H", one.payload[:2])[0], one.payload[8:]


def test_a_websocket(asgi):
    one = asgi(ECHO)
    lane = one.lane_of(0)
    number, lines = open_socket(one, fields=[(b"Sec-WebSocket-Protocol", b"chat, other"), (b"sec-websocket-protocol", b"third")])
    assert lines == "x-a: 1\r\nSec-WebSocket-Protocol: chat\r\n"
    lane.send(frame(MESSAGE, number, b"scope", END | TEXT))
    scope = json.loads(read(lane, WORKER_MESSAGE, number).payload)
    assert (scope["type"], scope["scheme"], scope["subprotocols"]) == ("websocket", "ws", ["chat", "other", "third"])
    assert scope["extensions"] == {"websocket.http.response": {}} and "method" not in scope
    lane.send(frame(MESSAGE, number, b"Gr\xc3\xbc", TEXT), frame(MESSAGE, number, b"\xc3\x9fe", TEXT | END))
    text = read(lane, WORKER_MESSAGE, number)
    assert (text.payload, text.flags) == ("Grüße".encode(), END | TEXT)
    lane.send(frame(MESSAGE, number, b"\0\xff", END), frame(MESSAGE, number, b"", END))
    assert [(one.payload, one.flags) for one in (lane.read(), lane.read())] == [(b"\0\xff", END), (b"", END)]
    lane.send(close_frame(number, 1001, b"bye"))
    read(lane, RESPONSE_END, number)
    assert json.loads(one.wait_for_log("disconnect")[2]) == {"type": "websocket.disconnect", "code": 1001, "reason": "bye"}


@pytest.mark.parametrize(
    ("word", "code", "reason"), [(b"close", 4001, b"asked to"), (b"return", 1000, b""), (b"raise", 1011, b"")]
)
def test_a_websocket_that_the_application_closes(asgi, word, code, reason):
    one = asgi(ECHO)
    lane = one.lane_of(0)
    number, _ = open_socket(one)
    lane.send(frame(MESSAGE, number, word, END | TEXT))
    assert closed(read(lane, WORKER_CLOSE, number)) == (code, reason)
    last = lane.read()
    assert (last.type, last.id) == (ERROR if word == b"raise" else RESPONSE_END, number)
    if word == b"raise":
        assert "ValueError: no luck" in error_of(last).traceback
    lane.send(close_frame(number, code))  # crosses
    assert one.call().body == b"http"


def test_messages_wait_for_credit_both_ways(asgi):
    one = asgi(ECHO)
    lane = one.lane_of(0)
    number, _ = open_socket(one)
    large = bytes(range(256)) * 2048  # 512 KiB
    sent, credit, received, last = 0, INITIAL_CREDIT, b"", None
    while sent < len(large):
        if credit == 0:
            credit += struct.unpack("<I", read(lane, REQUEST_CREDIT, number).payload)[0]
        size = min(65536, credit, len(large) - sent)
        lane.send(frame(MESSAGE, number, large[sent : sent + size], END if sent + size == len(large) else 0))
        sent, credit = sent + size, credit - size
    granted = INITIAL_CREDIT
    while len(received) < len(large):
        last = lane.read()
        if last.type == WORKER_MESSAGE:
            assert len(last.payload) <= 65536
            received += last.payload
            if len(received) == granted < len(large):
                assert not last.flags & END
                lane.send(frame(CREDIT, number, struct.pack("<I", 100_000)))
                granted += 100_000
    assert received == large and last.flags == END


def test_a_handshake_that_is_refused(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            if scope["path"] == "/silent": return
            if scope["path"] == "/raise": raise ValueError
            if scope["path"] == "/response":
                await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"no")]})
                await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
                await send({"type": "websocket.http.response.body", "body": b"you" * 50_000})
                return
            await receive()
            await send({"type": "websocket.close"})
            assert (await receive())["type"] == "websocket.disconnect"
        """)
    assert one.call(websocket=True)[:3] == (403, [], b"")
    refused = one.call(websocket=True, path=b"/response")
    assert (refused.status, refused.headers, refused.body) == (401, [("x-why", "no")], b"not " + b"you" * 50_000)
    silent = one.call(websocket=True, path=b"/silent")
    assert silent.status == 500 and "without sending handshake" in silent.traceback
    assert one.call(websocket=True, path=b"/raise").code == "python.exception"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('{"type": "websocket.send", "text": "a"}', "Expected ASGI message 'websocket.accept'"),
        ('{"type": "websocket.accept", "subprotocol": "a b"}', "'a b' is no subprotocol"),
        ('{"type": "websocket.accept", "headers": [(b"sec-websocket-accept", b"x")]}', "makes the Sec-WebSocket headers"),
        ('{"type": "websocket.close", "code": 5000}', "a number from 1000 to 4999"),
    ],
)
def test_a_wrong_websocket_message(asgi, message, said):
    one = asgi(f"""
        async def app(scope, receive, send):
            try:
                await send({message})
            except Exception as error:
                await send({{"type": "websocket.accept"}})
                await send({{"type": "websocket.send", "text": str(error)}})
        """)
    open_socket(one)
    assert said in read(one.lane_of(0), WORKER_MESSAGE).payload.decode()


def test_a_client_that_goes_before_and_after_the_handshake(asgi):
    one = asgi("""
        async def app(scope, receive, send):
            if scope["type"] == "http":
                return await answer(send, b"")
            assert scope["type"] == "websocket"
            await receive()
            if scope["path"] == "/after": await send({"type": "websocket.accept"})
            print(json.dumps([scope["path"], await receive()]))
            try:
                await send({"type": "websocket.accept" if scope["path"] == "/before" else "websocket.send", "text": "late"})
            except OSError as error:
                print(type(error).__name__, scope["path"])
                raise
        """)
    lane = one.lane_of(0)
    number = one.start(websocket=True, path=b"/before")
    one.call()
    one.control.send(frame(CANCEL, number, CLIENT_GONE))
    assert error_of(read(lane, ERROR, number)).traceback == ""
    number, _ = open_socket(one, path=b"/after")
    lane.send(close_frame(number, 1006))
    assert error_of(read(lane, ERROR, number)).traceback == ""
    for path in ("/before", "/after"):
        disconnect = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
        assert json.loads(one.wait_for_log(f'["{path}"')[2]) == [path, disconnect]
        one.wait_for_log(f"ClientDisconnected {path}")
    assert [record for record in one.logs if record[0] >= 3] == []


def test_starlette_websockets(asgi):
    pytest.importorskip("starlette")
    one = asgi("""
        from starlette.applications import Starlette
        from starlette.routing import WebSocketRoute
        async def echo(websocket):
            await websocket.accept()
            while True:
                await websocket.send_json(await websocket.receive_json())
        app = Starlette(routes=[WebSocketRoute("/ws", echo)])
        """)
    lane = one.lane_of(0)
    number, _ = open_socket(one, path=b"/ws")
    lane.send(frame(MESSAGE, number, b'{"a": [1]}', END | TEXT))
    assert json.loads(read(lane, WORKER_MESSAGE, number).payload) == {"a": [1]}
    lane.send(close_frame(number, 1000))
    assert lane.read().id == number
    assert one.drain() == 0 and [record for record in one.logs if record[0] >= 3] == []


def test_drain_waits_for_open_websockets(asgi):
    one = asgi(ECHO)
    lane = one.lane_of(0)
    number, _ = open_socket(one)
    one.control.send(frame(DRAIN))
    lane.send(frame(MESSAGE, number, b"still", END | TEXT))
    assert read(lane, WORKER_MESSAGE, number).payload == b"still"
    lane.send(close_frame(number, 1012))
    read(lane, RESPONSE_END, number)
    assert one.wait() == 0
