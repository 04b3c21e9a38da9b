"""The worker's side of docs/worker-protocol.md over the real binary, with the test as its front."""

import os
import signal
import struct

import pytest
from worker_front import (
    CANCEL, CREDIT, DRAIN, END, ERROR, FAILED, INITIAL_CREDIT, PING, PONG, REQUEST_BODY, REQUEST_CREDIT, RESPONSE_BODY,
    RESPONSE_END, RESPONSE_HEAD, REVOKE, REVOKED, STREAMED, UNKNOWN, error_of, frame, request_head,
)  # fmt: skip

# --- start -----------------------------------------------------------------------------------------------------------


def test_ready_tells_pid_version_and_executors(worker):
    one = worker(
        """
        def plain(): return "1"
        async def later(request): return "2"
        async def pieces():
            yield b"x"
        class Callable:
            async def __call__(self, request): return "3"
            def method(self, request): return "4"
        called = Callable()
        """,
        ["app:plain", "app:later", "app:pieces", "app:called", "app:called.method"],
    )
    assert one.told["pid"] == one.process.pid
    assert one.told["python"].count(".") == 2
    assert one.kinds == ["sync", "async", "async", "async", "sync"]
    assert [one.call(endpoint).body for endpoint in range(5)] == [b"1", b"2", b"x", b"3", b"4"]
    assert one.steps == ["interpreter", "import app"]


@pytest.mark.parametrize(
    ("source", "target", "message", "in_traceback"),
    [
        ("x = 1", "nowhere:f", "No module named 'nowhere'", "ModuleNotFoundError"),
        ("x = 1", "app:f", 'the module "app" has no "f"', ""),
        ("x = 1", "app:x", "x is a int, expected a function", ""),
        ("x = 1", "app", 'has neither "app" nor "application"', ""),
        ("x = 1", "app:", 'expected "module:attribute"', ""),
        ("raise ValueError('bad start')", "app:f", "ValueError: bad start", "app.py"),
        ("import threading; threading.Thread(target=threading.Event().wait).start(); 1 / 0", "app:f", "ZeroDivisionError", "app.py"),
        ("def f(:", "app:f", "SyntaxError", "app.py"),
        ("raise SystemExit(3)", "app:f", "SystemExit: 3", "app.py"),
        ("def f(a, b): pass", "app:f", "takes the request or nothing, not a, b", ""),
        ("def f(*, a): pass", "app:f", "takes the request or nothing, not a", ""),
    ],
)
def test_what_does_not_load_is_told_and_ends_the_worker(worker, source, target, message, in_traceback):
    one = worker(source, [target], wait=False)
    assert one.first.type == FAILED
    assert target in one.told["message"] and message in one.told["message"]
    assert in_traceback in one.told["traceback"]
    assert one.wait() == 1


def test_all_that_fails_is_told_at_once(worker):
    one = worker("x = 1", ["app:a", "app:b", "missing:c"], wait=False)
    assert [line.split(": ")[0] for line in one.told["message"].splitlines()] == ["app:a", "app:b", "missing:c"]


def test_a_home_that_is_none_is_told(worker, tmp_path):
    one = worker("def f(): pass", ["app:f"], wait=False, home=str(tmp_path / "no\u00e9"))
    assert one.first.type == FAILED
    assert "no virtual environment" in one.told["message"]
    assert one.wait() == 1


def test_another_protocol_is_refused(worker):
    one = worker("def f(): pass", ["app:f"], wait=False, protocol=99)
    assert one.first.type == FAILED and "99" in one.told["message"]


# --- requests and answers --------------------------------------------------------------------------------------------

VIEWS = """
    from tandem import HTTPError, Request, Response
    def see(request: Request):
        return {
            "method": request.method, "path": request.path, "params": request.path_params, "q": dict(request.query_params),
            "all": request.query_params.getall("q"), "fields": request.headers.items(), "x": request.headers.get("X-tHING"),
            "cookies": request.cookies, "body": request.body.decode("latin-1"), "text": request.text, "client": request.client,
            "id": request.id, "route": request.route, "arm": request.arm, "shadow": request.shadow, "repr": repr(request),
        }
    async def see_later(request): return see(request)
    def as_dict(): return {"a": 1, "b": [1.0, None, True, "\u00e9"]}
    def as_list(): return [1, 2]
    def as_str(): return "text \u00e9"
    def as_bytes(): return b"\\x00\\x01"
    def as_none(): return None
    def as_response(): return Response("made", 201, [("X-Made", "caf\u00e9"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], "text/x-made")
    def empty_response(): return Response()
    def json_response(): return Response({"a": 1}, headers={"Content-Type": "application/x+json", "Content-Length": "99"})
    def large(): return b"x" * 1_000_000
    def doc(request): return request.json()
    def refuses(): raise HTTPError(409, "taken", code="item.taken", headers={"X-Why": "yes"})
    def whole(request): return [len(piece) for piece in request.stream()]
    async def whole_later(request): return [len(piece) async for piece in request.stream()]
"""
NAMES = ["see", "see_later", "as_dict", "as_list", "as_str", "as_bytes", "as_none", "as_response", "empty_response",
         "json_response", "large", "doc", "refuses", "whole", "whole_later"]  # fmt: skip


@pytest.fixture
def views(worker):
    one = worker(VIEWS, [f"app:{name}" for name in NAMES])
    one.named = lambda name, **request: one.call(NAMES.index(name), **request)
    return one


@pytest.mark.parametrize("name", ["see", "see_later"])
def test_an_endpoint_sees_its_request(views, name):
    answer = views.named(
        name, method="POST", path=b"/a/\xc3\xa9\xff", query=b"q=1&q=two+words&e=%C3%A9%&&flag", params={"p": b"v\xff"},
        fields=[(b"Host", b"h"), (b"X-Thing", b"caf\xe9"), (b"x-thing", b"2"), (b"Cookie", b"a=1; b=x=y; a=2;; =no; no")],
        request_id=b"id-7", route=b"r", arm=b"py", shadow=True, body=b"b\xc3\xb6dy",
    )  # fmt: skip
    assert answer.json() == {
        "method": "POST", "path": "/a/é\ufffd", "params": {"p": "v\ufffd"}, "q": {"q": "1", "e": "é%", "flag": ""},
        "all": ["1", "two words"], "x": "café",
        "fields": [["Host", "h"], ["X-Thing", "café"], ["x-thing", "2"], ["Cookie", "a=1; b=x=y; a=2;; =no; no"]],
        "cookies": {"a": "2", "b": "x=y"}, "body": "b\u00c3\u00b6dy", "text": "bödy", "client": ["192.0.2.7", 40000],
        "id": "id-7", "route": "r", "arm": "py", "shadow": True, "repr": "<Request POST /a/é\ufffd>",
    }  # fmt: skip
    assert answer.timing[0] > 0


def test_absences(views):
    seen = views.named("see", method="BREW", client=b"unix").json()
    assert (seen["method"], seen["client"], seen["arm"], seen["shadow"]) == ("BREW", None, None, False)
    assert seen["params"] == seen["q"] == seen["cookies"] == {} and seen["fields"] == [] and seen["body"] == ""


@pytest.mark.parametrize(
    ("name", "status", "content_type", "body"),
    [
        ("as_dict", 200, "application/json", '{"a":1,"b":[1.0,null,true,"é"]}'.encode()),
        ("as_list", 200, "application/json", b"[1,2]"),
        ("as_str", 200, "text/plain; charset=utf-8", "text é".encode()),
        ("as_bytes", 200, "application/octet-stream", b"\x00\x01"),
        ("as_none", 204, None, b""),
        ("as_response", 201, "text/x-made", b"made"),
        ("empty_response", 200, None, b""),
        ("json_response", 200, "application/x+json", b'{"a":1}'),
        ("large", 200, "application/octet-stream", b"x" * 1_000_000),
    ],
    ids=NAMES[2:11],
)
def test_what_it_returns_becomes_the_answer(views, name, status, content_type, body):
    answer = views.named(name)
    assert (answer.status, answer.get("content-type"), answer.body) == (status, content_type, body)
    assert answer.content_length == len(body) and not answer.streamed
    assert answer.get("content-length") is None
    if name == "as_response":
        assert answer.headers[:3] == [("X-Made", "café"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]


def test_a_buffered_body_may_come_in_several_frames(views):
    number = next(views.numbers)
    lane = views.lane_of(0)
    lane.send(request_head(number, 0, body=b"one ", end=False, content_length=13))
    lane.send(frame(REQUEST_BODY, number, b"two "), frame(REQUEST_BODY, number, b"three", END))
    assert views.answer(lane, number).json()["body"] == "one two three"


@pytest.mark.parametrize("name", ["whole", "whole_later"])
def test_stream_gives_a_buffered_body_too(views, name):
    assert views.named(name, body=b"12345").json() == [5]
    assert views.named(name).json() == []


def test_a_body_that_is_not_json_is_400(views):
    assert views.named("doc", body=b'{"a": [1]}').json() == {"a": [1]}
    for body in (b"{", b"\xff", b"[" * 100_000):
        answer = views.named("doc", body=body)
        assert (answer.status, answer.code, answer.traceback) == (400, "python.http_error", "")


def test_http_error(views):
    answer = views.named("refuses")
    assert (answer.status, answer.code, answer.detail, answer.traceback) == (409, "item.taken", "taken", "")
    assert answer.headers == [("X-Why", "yes")]


def test_frames_may_come_byte_by_byte(views):
    bytes_ = b"".join(request_head(number, 0, body=b"b" * number) for number in (1, 2, 3))
    lane = views.lane_of(0)
    for i in range(len(bytes_)):
        lane.send(bytes_[i : i + 1])
    assert [len(views.answer(lane, number).json()["body"]) for number in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize("endpoint", [0, 1])
def test_many_at_once_are_all_answered(views, endpoint):
    lane = views.lane_of(endpoint)
    lane.send(*(request_head(number, endpoint, request_id=b"r%d" % number) for number in range(1, 501)))
    seen = {}
    while len(seen) < 500:
        one = lane.read()
        assert one.type == RESPONSE_HEAD and one.flags == END
        seen[one.id] = one.payload
    assert all(b'"id":"r%d"' % number in payload for number, payload in seen.items())


def test_several_threads_and_lanes(worker):
    one = worker(
        "import threading\ndef who(): return str(threading.get_ident())\nasync def a(): return who()",
        ["app:who", "app:a"], threads=3, io_threads=2,
    )  # fmt: skip
    threads = {}
    for executor in range(4):
        for io_thread in range(2):
            number = next(one.numbers)
            lane = one.lane_of(0, io_thread, executor)
            lane.send(request_head(number, 1 if executor == 3 else 0))
            threads.setdefault(executor, set()).add(one.answer(lane, number).body)
    assert all(len(seen) == 1 for seen in threads.values())
    assert len(set.union(*threads.values())) == 4


# --- errors ----------------------------------------------------------------------------------------------------------

FAULTY = """
    from tandem import Request, Response
    def inner(): raise ValueError("a secret")
    def broken(): inner()
    async def broken_later(): inner()
    def exits(): raise SystemExit(1)
    async def exits_later(): raise SystemExit(1)
    def fine(): return "fine"
    async def fine_later(): return "fine"
    def breaks_off():
        yield b"part"
        inner()
    async def breaks_off_later():
        yield b"part"
        inner()
    def breaks_before():
        inner()
        yield b"part"
    def too_long(): return Response(iter([b"12", b"34"]), headers={"Content-Length": "3"})
    def too_short(): return Response(iter([b"12"]), headers={"Content-Length": "3"})
"""
FAULTY_NAMES = ["broken", "broken_later", "exits", "exits_later", "breaks_before", "fine", "fine_later", "breaks_off",
                "breaks_off_later", "too_long", "too_short"]  # fmt: skip


@pytest.fixture
def faulty(worker):
    return worker(FAULTY, [f"app:{name}" for name in FAULTY_NAMES])


@pytest.mark.parametrize("name", FAULTY_NAMES[:5])
def test_an_exception_is_500_with_its_traceback(faulty, name):
    answer = faulty.call(FAULTY_NAMES.index(name))
    assert (answer.status, answer.code) == (500, "python.exception")
    assert "secret" not in answer.detail
    assert answer.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert "app.py" in answer.traceback.splitlines()[1]
    assert ("SystemExit: 1" if "exits" in name else "ValueError: a secret") in answer.traceback
    assert faulty.call(FAULTY_NAMES.index("fine")).body == b"fine"
    assert faulty.call(FAULTY_NAMES.index("fine_later")).body == b"fine"


@pytest.mark.parametrize("name", FAULTY_NAMES[7:])
def test_a_stream_that_breaks_off_ends_with_an_error_frame(faulty, name):
    answer = faulty.call(FAULTY_NAMES.index(name))
    assert answer.code == "python.exception"
    assert answer.body == (b"part" if "breaks" in name else b"12")
    assert ("a secret" if "breaks" in name else "Content-Length") in answer.traceback


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("object()", "returned a object"),
        ("(1, 2)", "returned a tuple"),
        ("{'x': {1}}", "not JSON serializable"),
        ("'\\udc80'", "surrogates not allowed"),
        ("Response('x', status=99)", "status"),
        ("Response('x', status='200')", "status"),
        ("Response('x', headers={'X': 'a\\r\\nB: c'})", 'header "X"'),
        ("Response('x', headers={'X': 'a\\0'})", 'header "X"'),
        ("Response('x', headers={'X y': 'a'})", 'header "X y"'),
        ("Response('x', headers={'X\\n': 'a'})", "header"),
        ("Response('x', headers={'X': '\\u20ac'})", "Latin-1"),
        ("Response('x', headers={'X': 1})", "Latin-1"),
        ("Response('x', headers=7)", "mapping"),
        ("Response('x', headers={'Content-Length': 'x'})", "Content-Length"),
        ("Response('x', content_type='a\\nb')", "content_type"),
        ("later()", "returned a coroutine"),
        ("pieces()", "async def"),
    ],
)
def test_what_is_no_answer_is_500(worker, expression, said):
    one = worker(
        "from tandem import Response\nasync def later(): pass\nasync def pieces(): yield b''\n"
        f"def f(): return {expression}\ndef fine(): return 'fine'\n",
        ["app:f", "app:fine"],
    )
    answer = one.call()
    assert (answer.status, answer.code) == (500, "python.bad_response")
    assert said in answer.traceback
    assert one.call(1).body == b"fine"


# --- what it cost ----------------------------------------------------------------------------------------------------

COSTS = """
    import asyncio, time
    def burn(milliseconds):
        end = time.thread_time_ns() + milliseconds * 1_000_000
        while time.thread_time_ns() < end:
            pass
    async def steps(request):
        burn(10)
        await asyncio.sleep(0.001)
        burn(10)
        return "done"
    async def pieces(request):
        for _ in range(2):
            burn(10)
            yield b"piece"
    async def fails(request):
        burn(20)
        raise ValueError
    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        burn(10)
        await asyncio.sleep(0.001)
        burn(10)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
    async def hog(request):
        for _ in range(50):
            burn(5)
            await asyncio.sleep(0)
        return "hogged"
"""


@pytest.fixture
def costs(worker):
    return worker(COSTS, ["app:steps", "app:pieces", "app:fails", {"target": "app:app", "kind": "asgi"}, "app:hog"])


@pytest.mark.parametrize("endpoint", range(4))
def test_the_cpu_time_of_a_coroutine_is_that_of_its_steps(costs, endpoint):
    lane = costs.lane_of(endpoint)
    hog = costs.start(4)
    number = costs.start(endpoint, measure_cpu=True)
    answer = costs.answer(lane, number)
    handler, cpu, _ = answer.timing
    assert 20_000_000 <= cpu < 100_000_000, "the other coroutine's time is none of it"
    assert handler >= cpu
    assert costs.answer(lane, hog).body == b"hogged"


def test_the_cpu_time_of_a_coroutine_is_measured_where_it_is_asked_for(costs):
    assert costs.call(0).timing[1] == 0


# --- cancel and revoke -----------------------------------------------------------------------------------------------

SLOW = """
    import asyncio, time
    from tandem import Cancelled
    def spins(request):
        print("spins")
        while True:
            pass
    async def waits(request):
        print("waits")
        try:
            await asyncio.sleep(1e9)
        finally:
            print("cleaned up")
    def reads(request):
        print("reads")
        try:
            for piece in request.stream(): pass
        except Cancelled:
            print("cleaned up")
            raise
    async def reads_later(request):
        print("reads")
        try:
            async for piece in request.stream(): pass
        finally:
            print("cleaned up")
    def yields(request):
        try:
            while True:
                yield b"x" * 10000
        finally:
            print("cleaned up")
    async def yields_later(request):
        try:
            while True:
                yield b"x" * 10000
        finally:
            print("cleaned up")
    def fine(): return "fine"
    async def fine_later(): return "fine"
    def gated(request):
        import os
        print("gated")
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.001)
        return "done"
"""
SLOW_NAMES = ["spins", "waits", "reads", "reads_later", "yields", "yields_later", "fine", "fine_later", "gated"]


@pytest.fixture
def slow(worker):
    return worker(SLOW, [{"target": f"app:{name}", "stream": name.startswith("reads")} for name in SLOW_NAMES])


@pytest.mark.parametrize("name", SLOW_NAMES[:4])
def test_cancel_ends_what_runs(slow, name):
    endpoint = SLOW_NAMES.index(name)
    number = slow.start(endpoint, end=not name.startswith("reads"))
    slow.wait_for_log(name.removesuffix("_later"))
    slow.control.send(frame(CANCEL, number))
    answer = slow.answer(slow.lane_of(endpoint), number)
    assert (answer.code, answer.traceback) == ("python.cancelled", "")
    if name != "spins":
        slow.wait_for_log("cleaned up")
    assert slow.call(SLOW_NAMES.index("fine")).body == b"fine"
    assert slow.call(SLOW_NAMES.index("fine_later")).body == b"fine"


@pytest.mark.parametrize("name", ["yields", "yields_later"])
def test_cancel_closes_the_generator_of_a_streamed_answer(slow, name):
    endpoint = SLOW_NAMES.index(name)
    lane = slow.lane_of(endpoint)
    number = slow.start(endpoint)
    assert lane.read().type == RESPONSE_HEAD
    received = 0
    while received < INITIAL_CREDIT:
        received += len(lane.read().payload)
    assert received == INITIAL_CREDIT  # and not a byte more without credit
    slow.control.send(frame(CANCEL, number))
    last = lane.read()
    assert last.type == ERROR and error_of(last).code == "python.cancelled"
    slow.wait_for_log("cleaned up")
    assert slow.call(SLOW_NAMES.index("fine")).body == b"fine"


@pytest.mark.parametrize("kind", [REVOKE, CANCEL])
def test_what_was_not_started_is_given_back_though_the_executor_is_busy(slow, tmp_path, kind):
    gate = tmp_path / "gate"
    gated, fine = SLOW_NAMES.index("gated"), SLOW_NAMES.index("fine")
    first = slow.start(gated, query=f"file={gate}".encode())
    slow.wait_for_log("gated")
    second, third = slow.start(fine), slow.start(fine)
    slow.control.send(frame(kind, second))
    assert slow.control_frame(REVOKED).id == second
    gate.touch()
    lane = slow.lane_of(gated)
    assert slow.answer(lane, first).body == b"done"
    assert slow.answer(lane, third).body == b"fine"


def test_revoke_does_not_touch_what_runs_or_is_over(slow, tmp_path):
    gate = tmp_path / "gate"
    gated = SLOW_NAMES.index("gated")
    number = slow.start(gated, query=f"file={gate}".encode())
    slow.wait_for_log("gated")
    slow.control.send(frame(REVOKE, number))
    gate.touch()
    assert slow.answer(slow.lane_of(gated), number).body == b"done"
    slow.control.send(frame(REVOKE, number), frame(CANCEL, number), frame(PING, 5))
    assert slow.control_frame(PONG).id == 5  # and nothing before it


@pytest.mark.parametrize("kind", [REVOKE, CANCEL])
def test_a_revoke_may_overtake_its_request(slow, kind):
    fine = SLOW_NAMES.index("fine")
    slow.control.send(frame(kind, 1), frame(PING))
    slow.control_frame(PONG)
    slow.lane_of(fine).send(request_head(1, fine), request_head(2, fine))
    assert slow.control_frame(REVOKED).id == 1
    assert slow.answer(slow.lane_of(fine), 2).body == b"fine"


def test_cancel_and_revoke_are_handled_while_the_interpreter_is_held(worker):
    """A regular expression that holds the GIL keeps neither the control thread nor the end of the process waiting."""
    one = worker(
        "import re\ndef f(request):\n    print('held')\n    re.match('(a+)+$', 'a' * 64 + 'b')\ndef fine(): return 1\n",
        ["app:f", "app:fine"],
    )
    number = one.start(0)
    one.wait_for_log("held")
    waiting = one.start(1)
    one.control.send(frame(CANCEL, number), frame(PING, 1), frame(REVOKE, waiting))
    assert one.control_frame(REVOKED).id == waiting
    one.control.socket.close()
    assert one.process.wait(60) == 1


# --- streams ---------------------------------------------------------------------------------------------------------

STREAMS = """
    from tandem import Response
    def counts(request): return {"pieces": [len(piece) for piece in request.stream()]}
    async def counts_later(request): return {"pieces": [len(piece) async for piece in request.stream()]}
    def sends(request):
        for i in range(100):
            yield bytes([i]) * 10_000
    async def sends_later(request):
        for i in range(100):
            yield bytes([i]) * 10_000
    async def sends_sync_later(request): return Response(sends(request), content_type="x/y")
    def text(): yield "one "; yield b"two"
    def known(): return Response(iter([b"12", b"3"]), headers={"Content-Length": "3"})
    def nothing(): yield from ()
    def echoes(request):
        for piece in request.stream():
            yield piece
    async def echoes_later(request):
        async for piece in request.stream():
            yield piece
    def body(request): return request.body
    def takes_one(request): return next(request.stream())
"""
STREAM_NAMES = ["counts", "counts_later", "sends", "sends_later", "sends_sync_later", "text", "known", "nothing", "echoes",
                "echoes_later", "body", "takes_one"]  # fmt: skip


@pytest.fixture
def streams(worker):
    taking = {"counts", "counts_later", "echoes", "echoes_later", "body", "takes_one"}
    return worker(STREAMS, [{"target": f"app:{name}", "stream": name in taking} for name in STREAM_NAMES])


@pytest.mark.parametrize("name", ["sends", "sends_later", "sends_sync_later"])
def test_streamed_answers_obey_credit(streams, name):
    endpoint = STREAM_NAMES.index(name)
    answer = streams.call(endpoint)
    assert answer.streamed and answer.content_length == UNKNOWN
    assert answer.body == b"".join(bytes([i]) * 10_000 for i in range(100))


def test_heads_of_streams(streams):
    text, known, nothing = (streams.call(STREAM_NAMES.index(name)) for name in ("text", "known", "nothing"))
    assert (text.body, text.get("content-type")) == (b"one two", "text/plain; charset=utf-8")
    assert (known.body, known.content_length, known.get("content-type")) == (b"123", 3, "application/octet-stream")
    assert (nothing.status, nothing.body) == (200, b"")


@pytest.mark.parametrize("name", ["counts", "counts_later"])
def test_a_streamed_body_is_read_as_it_comes_and_credit_is_granted(streams, name):
    endpoint = STREAM_NAMES.index(name)
    lane = streams.lane_of(endpoint)
    number = streams.start(endpoint, end=False, content_length=UNKNOWN)
    credit, sent = INITIAL_CREDIT, 0
    while sent < 1_000_000:
        while credit < 10_000:
            one = lane.read()
            assert (one.type, one.id) == (REQUEST_CREDIT, number)
            credit += struct.unpack("<I", one.payload)[0]
        lane.send(frame(REQUEST_BODY, number, b"x" * 10_000))
        credit, sent = credit - 10_000, sent + 10_000
    lane.send(frame(REQUEST_BODY, number, b"", END))
    one = lane.read()
    while one.type == REQUEST_CREDIT:
        one = lane.read()
    assert one.type == RESPONSE_HEAD and one.payload.count(b"10000") == 100


@pytest.mark.parametrize("name", ["echoes", "echoes_later"])
def test_both_directions_at_once(streams, name):
    endpoint = STREAM_NAMES.index(name)
    lane = streams.lane_of(endpoint)
    number = streams.start(endpoint, end=False)
    for i in range(5):
        lane.send(frame(REQUEST_BODY, number, b"%d" % i))
        if i == 0:
            head = lane.read()
            assert (head.type, head.flags) == (RESPONSE_HEAD, STREAMED)
        one = lane.read()
        assert (one.type, one.payload) == (RESPONSE_BODY, b"%d" % i)
    lane.send(frame(REQUEST_BODY, number, b"", END))
    one = lane.read()
    assert (one.type, one.flags) == (RESPONSE_END, END)


def test_other_requests_are_taken_in_while_a_stream_waits(streams):
    """The waiting one first: an executor runs one request at a time."""
    counts, text = STREAM_NAMES.index("counts"), STREAM_NAMES.index("text")
    lane = streams.lane_of(counts)
    number = streams.start(counts, end=False)
    other = streams.start(text)
    taken_back = streams.start(text)
    streams.control.send(frame(REVOKE, taken_back))
    assert streams.control_frame(REVOKED).id == taken_back
    lane.send(frame(REQUEST_BODY, number, b"abc", END))
    assert streams.answer(lane, number).json() == {"pieces": [3]}
    assert streams.answer(lane, other).body == b"one two"


def test_a_streamed_body_has_no_body_attribute(streams):
    answer = streams.call(STREAM_NAMES.index("body"), end=False)
    assert "stream()" in answer.traceback


def test_the_rest_of_a_body_nobody_reads_is_ignored(streams):
    endpoint = STREAM_NAMES.index("takes_one")
    lane = streams.lane_of(endpoint)
    number = streams.start(endpoint, end=False)
    lane.send(frame(REQUEST_BODY, number, b"first"))
    assert streams.answer(lane, number).body == b"first"
    lane.send(frame(REQUEST_BODY, number, b"second"), frame(CREDIT, number, struct.pack("<I", 1)))
    assert streams.call(STREAM_NAMES.index("text")).body == b"one two"


# --- log, life and death ---------------------------------------------------------------------------------------------

TALKS = """
    import asyncio, atexit, logging, sys, threading, warnings
    atexit.register(lambda: print("atexit ran"))
    def talks(request):
        print("printed", end=" ")
        print("words\\nand more")
        print("on stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes\\n")
        logging.getLogger("shop.cart").warning("%d things", 3)
        logging.debug("not said")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("it broke")
    async def talks_later(request):
        await asyncio.sleep(0)
        print("later")
        await asyncio.to_thread(print, "from a thread")
    def unfinished(): print("no newline", end="")
    def nest(request):
        from tandem import Request
        return [request.id]
"""


@pytest.fixture
def talks(worker):
    return worker(TALKS, ["app:talks", "app:talks_later", "app:unfinished"])


def test_prints_and_log_records_name_their_request(talks):
    talks.call(0, request_id=b"r-9")
    broke = talks.wait_for_log("it broke")
    assert talks.logs[:5] == [
        (2, "print", "printed words", "r-9"), (2, "print", "and more", "r-9"), (3, "print", "on stderr", "r-9"),
        (2, "print", "bytes", "r-9"), (3, "shop.cart", "3 things", "r-9"),
    ]  # fmt: skip
    assert broke[:2] == (4, "root") and "ZeroDivisionError" in broke[2] and broke[3] == "r-9"


def test_prints_of_coroutines_name_their_request(talks):
    lane = talks.lane_of(1)
    lane.send(request_head(1, 1, request_id=b"r-1"), request_head(2, 1, request_id=b"r-2"))
    lane.read(), lane.read()
    talks.control.send(frame(PING))
    talks.control_frame(PONG)
    assert sorted((message, request) for _, _, message, request in talks.logs) == [
        ("from a thread", "r-1"), ("from a thread", "r-2"), ("later", "r-1"), ("later", "r-2"),
    ]  # fmt: skip


def test_ping(talks):
    talks.control.send(frame(PING, 77))
    pong = talks.control_frame(PONG)
    waited, resident = struct.unpack("<QQ", pong.payload)
    assert pong.id == 77 and resident > 1_000_000 and waited < 10**10


def test_drain_finishes_what_was_sent_and_runs_atexit(talks):
    talks.lane_of(0).send(*(request_head(number, 0) for number in range(1, 21)))
    talks.lane_of(1).send(*(request_head(number, 1) for number in range(21, 41)))
    talks.lane_of(2).send(request_head(41, 2))
    talks.control.send(frame(DRAIN))
    answered = {talks.lane_of(0).read().id for _ in range(21)} | {talks.lane_of(1).read().id for _ in range(20)}
    assert answered == set(range(1, 42))
    assert talks.wait() == 0
    assert [one[2] for one in talks.logs[-2:]] == ["atexit ran", "no newline"]
    assert talks.stderr_text() == ""


def test_drain_waits_for_a_buffered_body_that_is_half_here(views):
    number = next(views.numbers)
    lane = views.lane_of(0)
    lane.send(request_head(number, 0, body=b"one ", end=False))
    views.control.send(frame(DRAIN), frame(PING))
    views.control_frame(PONG)
    lane.send(frame(REQUEST_BODY, number, b"two", END))
    assert views.answer(lane, number).json()["body"] == "one two"
    assert views.wait() == 0


def test_the_end_of_the_control_socket_ends_the_worker_at_once(slow):
    slow.start(SLOW_NAMES.index("spins"))
    slow.wait_for_log("spins")
    slow.control.socket.close()
    assert slow.process.wait(60) == 1


def test_the_end_of_the_control_socket_during_an_import_ends_the_worker(worker, tmp_path):
    import subprocess

    from worker_front import Worker

    class Impatient(Worker):
        def _control_frame(self, *wanted):
            while self.control.read().payload != b"import app":
                pass
            self.control.socket.shutdown(2)
            return type("", (), {"type": 0, "payload": b"{}"})

    one = Impatient(tmp_path / "impatient", "import time\ntime.sleep(1e6)", ["app:f"], wait=False)
    assert one.process.wait(60) == 1
    assert isinstance(one.process, subprocess.Popen)
    one.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_the_servers_business(views, number):
    os.kill(views.process.pid, number)
    assert views.named("as_str").status == 200


def test_sigusr2_writes_the_stacks(slow):
    # All threads stand still: frames that move while faulthandler walks them may take it down.
    assert slow.call(SLOW_NAMES.index("fine_later")).body == b"fine"
    slow.start(SLOW_NAMES.index("reads"), end=False)
    slow.wait_for_log("reads")
    os.kill(slow.process.pid, signal.SIGUSR2)
    # Written by the signal handler before the signalled thread goes on; the pong comes from another, so look until it is there.
    while "in reads" not in slow.stderr_text():
        slow.control.send(frame(PING))
        slow.control_frame(PONG)


def test_garbage_on_a_lane_closes_that_lane_only(views):
    lane = views.lane_of(0)
    lane.send(b"\xff" * 64)
    assert "protocol error" in views.wait_for_log("protocol error")[2]
    assert views.named("see_later").status == 200


def test_garbage_on_the_control_socket_ends_the_worker(views):
    views.control.send(b"\xff" * 64)
    assert views.process.wait(60) == 1


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_is_what_json_dumps_writes(worker):
    """Both sides of the fast walk: exact types, and everything that it hands to json.dumps."""
    one = worker(
        """
        import collections, enum, json, math
        class Text(str): pass
        class Number(enum.IntEnum): one = 1
        deep = []
        for _ in range(300): deep = [deep]
        values = [
            {}, [], {"a": {}}, "", "\\x00\\x1f\\x7f\\"\\\\/\\b\\f\\n\\r\\t", "\\u00e9\\u20ac\\U0001f600\\u2028", 0, -1, 2**63 - 1, -2**63, 2**63, 10**40,
            0.0, -0.0, 1.0, 1e16, 1e15, 1.5e-7, 0.1, 1e308, 5e-324, math.pi, math.nan, math.inf, -math.inf, True, False, None,
            (1, (2,)), {1: 2, 1.5: 3, None: 4, True: 5}, {"a": Text("t"), Text("k"): 1}, [Number.one],
            collections.OrderedDict(b=1, a=2), collections.defaultdict(list, x=[1]), deep,
        ]
        def count(): return [len(values)]
        def walked(request): return [values[int(request.query_params["i"])]]
        def dumped(request): return json.dumps([values[int(request.query_params["i"])]], separators=(",", ":"), ensure_ascii=False)
        def lone(): return ["a\\udc80\\ud800b"]
        def cycle():
            x = []
            x.append(x)
            return x
        """,
        ["app:count", "app:walked", "app:dumped", "app:lone", "app:cycle"],
    )
    for i in range(one.call(0).json()[0]):
        query = b"i=%d" % i
        assert one.call(1, query=query).body == one.call(2, query=query).body
    assert one.call(3).body == b'["a\\udc80\\ud800b"]'  # UTF-8 has no lone surrogates, JSON's escapes do
    assert "Circular" in one.call(4).traceback
