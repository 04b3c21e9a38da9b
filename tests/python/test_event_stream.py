"""tandem.EventStream: the wire form of events (WHATWG HTML, "Server-sent events"), and streams of them in a worker."""

import asyncio

import pytest
from tandem import Event, EventStream
from worker_front import CANCEL, ERROR, INITIAL_CREDIT, RESPONSE_BODY, RESPONSE_HEAD, UNKNOWN, error_of, frame


@pytest.mark.parametrize(
    ("event", "wire"),
    [
        ("text", "data: text\n\n"),
        ("", "data: \n\n"),
        (" a\tb ", "data:  a\tb \n\n"),
        ("one\ntwo\r\nthree\rfour\n", "data: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"),
        ("not an end: \x0b\x85\u2028", "data: not an end: \x0b\x85\u2028\n\n"),
        ({"data": {"a": [1, "é", None]}}, 'data: {"a":[1,"é",null]}\n\n'),
        ({"data": 0}, "data: 0\n\n"),
        ({"data": "x", "event": "add", "id": 7, "retry": 1500}, "event: add\nid: 7\nretry: 1500\ndata: x\n\n"),
        (Event("x", id=""), "id: \ndata: x\n\n"),
        (Event(comment="one\ntwo"), ": one\n: two\n\n"),
        (Event(event="ping"), "event: ping\n\n"),
        (Event("\udc80"), "data: \\udc80\n\n"),
    ],
)
def test_an_event_on_the_wire(event, wire):
    assert list(EventStream([event]).body) == [wire.encode()]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Event("x", event="a\nb"), ValueError),
        (Event("x", event="a\rb"), ValueError),
        (Event("x", id="a\0b"), ValueError),
        (Event("x", retry=-1), ValueError),
        (Event("x", retry="soon"), ValueError),
        (Event({1, 2}), TypeError),
        ({"date": "x"}, TypeError),
        (b"bytes", TypeError),
        (None, TypeError),
    ],
)
def test_what_is_no_event(event, error):
    with pytest.raises(error):
        list(EventStream([event]).body)


def test_the_answer():
    stream = EventStream([], status=201, headers={"X-Own": "1", "cache-control": "private"})
    assert (stream.status, stream.content_type) == (201, "text/event-stream")
    assert stream.headers == [("X-Accel-Buffering", "no"), ("X-Own", "1"), ("cache-control", "private")]
    assert EventStream([]).headers == [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]
    with pytest.raises(ValueError, match="asynchronous"):
        EventStream([], ping=1)
    assert repr(Event("x", id=1)) == "Event(data='x', id=1)"


def test_pings_fill_the_silence_and_lose_nothing():
    async def gather():
        go = asyncio.Event()

        async def events():
            try:
                yield "one"
                await go.wait()
                yield "two"
            finally:
                seen.append("closed")

        body = EventStream(events(), ping=0.001).body
        async for piece in body:
            seen.append(piece)
            if piece == b": ping\n\n":
                go.set()
        await body.aclose()

    seen = []
    asyncio.run(gather())
    assert seen[0] == b"data: one\n\n" and b": ping\n\n" in seen
    assert [piece for piece in seen if piece != b": ping\n\n"] == [b"data: one\n\n", b"data: two\n\n", "closed"]


def test_an_error_of_the_events_comes_through_pings():
    async def gather():
        async def events():
            yield "one"
            raise KeyError("lost")

        return [piece async for piece in EventStream(events(), ping=60).body]

    with pytest.raises(KeyError, match="lost"):
        asyncio.run(gather())


def test_closing_while_an_event_is_awaited():
    async def gather():
        async def events():
            try:
                yield "one"
                await asyncio.Event().wait()
            finally:
                seen.append("closed")

        body = EventStream(events(), ping=0.001).body
        seen.extend([await body.__anext__(), await body.__anext__()])
        await body.aclose()

    seen = []
    asyncio.run(gather())
    assert seen == [b"data: one\n\n", b": ping\n\n", "closed"]


# --- in a worker -----------------------------------------------------------------------------------------------------

SOURCE = """
import asyncio, tandem
from tandem import EventStream

def plain(): return EventStream(f"event {i}" for i in range(3))
async def later():
    async def events():
        for i in range(3):
            await asyncio.sleep(0)
            yield f"event {i}"
    return EventStream(events(), ping=60)
async def from_a_list(): return EventStream(["event 0", "event 1", "event 2"])
def fails_at_once():
    def events():
        raise ValueError("nothing")
        yield ""
    return EventStream(events())
async def fails_later():
    async def events():
        yield "one"
        raise ValueError("broken")
    return EventStream(events())

def endless():
    def events():
        try:
            while True: yield "x" * 10000
        finally:
            print("closed plain")
    return EventStream(events())
async def endless_later():
    async def events():
        try:
            while True: yield "x" * 10000
        finally:
            print("closed later")
    return EventStream(events())
async def silent():
    async def events():
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            print("closed silent")
    return EventStream(events(), ping=0.01)
"""
NAMES = ["plain", "later", "from_a_list", "fails_at_once", "fails_later", "endless", "endless_later", "silent"]


@pytest.fixture
def streams(worker):
    return worker(SOURCE, [f"app:{name}" for name in NAMES])


@pytest.mark.parametrize("name", ["plain", "later", "from_a_list"])
def test_endpoints_stream_events(streams, name):
    answer = streams.call(NAMES.index(name))
    assert (answer.status, answer.streamed, answer.content_length) == (200, True, UNKNOWN)
    assert sorted(answer.headers) == [
        ("Cache-Control", "no-store"), ("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no"),
    ]  # fmt: skip
    assert answer.body == b"data: event 0\n\ndata: event 1\n\ndata: event 2\n\n"


def test_errors_before_and_after_the_first_event(streams):
    early, late = streams.call(NAMES.index("fails_at_once")), streams.call(NAMES.index("fails_later"))
    assert (early.status, early.code) == (500, "python.exception") and "ValueError: nothing" in early.traceback
    assert (late.status, late.body, late.code) == (200, b"data: one\n\n", "python.exception")


@pytest.mark.parametrize("name", ["endless", "endless_later"])
def test_the_events_are_closed_when_the_client_has_gone(streams, name):
    endpoint = NAMES.index(name)
    number = streams.start(endpoint)
    lane = streams.lane_of(endpoint)
    assert lane.read().type == RESPONSE_HEAD
    received = 0
    while received < INITIAL_CREDIT:
        received += len(lane.read().payload)
    streams.control.send(frame(CANCEL, number))
    last = lane.read()
    assert (last.type, error_of(last).code) == (ERROR, "python.cancelled")
    streams.wait_for_log("closed plain" if name == "endless" else "closed later")


def test_pings_go_out_until_the_client_has_gone(streams):
    endpoint = NAMES.index("silent")
    number = streams.start(endpoint)
    lane = streams.lane_of(endpoint)
    assert lane.read().type == RESPONSE_HEAD
    assert lane.read().payload == b"data: one\n\n"
    assert [lane.read().payload for _ in range(3)] == [b": ping\n\n"] * 3
    streams.control.send(frame(CANCEL, number))
    while (last := lane.read()).type == RESPONSE_BODY:
        pass
    assert last.type == ERROR
    streams.wait_for_log("closed silent")
