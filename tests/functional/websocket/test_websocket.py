"""WebSockets over the real binary: handshakes, broken frames, limits, pings, ends of every kind. The echo itself: tests/endpoints."""

import os
import select
import signal
import socket as socket_module
import struct

import pytest

from support.client import Connection, ConnectionEnded
from support.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, frame_bytes, handshake_bytes

APPS = '''
    import asyncio, os

    async def chat(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"an ordinary answer"})
            return
        assert scope["type"] == "websocket", scope
        await receive()
        if b"x-refuse" in dict(scope["headers"]):
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            word = event.get("text")
            if word == "raise":
                raise RuntimeError("the endpoint broke")
            elif word == "exit":
                os._exit(3)
            elif word == "close":
                await send({"type": "websocket.close", "code": 4321, "reason": "as you wish"})
            elif word == "flood":
                try:
                    for _ in range(2000):
                        await send({"type": "websocket.send", "bytes": bytes(100_000)})
                except OSError:
                    print("the flood was stopped")
            elif word == "stall":
                await asyncio.sleep(3600)
            else:
                await send({"type": "websocket.send", "text": word})
        print("closed with", event.get("code"))

    def function(request):
        return f"a function, {request.headers.get('upgrade')}"

    def wsgi(environ, start_response):
        start_response("200 OK", [])
        return [b"a WSGI application"]
'''
ROUTES = [
    {"path": "/echo", "native": "websocket_echo"},
    {"path": "/chat", "asgi": "apps:chat"},
    {"path": "/function", "python": "apps:function"},
    {"path": "/wsgi", "wsgi": "apps:wsgi"},
    {"path": "/plaintext", "native": "plaintext"},
]
MAX_MESSAGE = 100_000


@pytest.fixture
def one(server):
    return server(ROUTES, {"apps": APPS}, websocket={"max_message": MAX_MESSAGE})


# --- handshakes


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Sec-WebSocket-Version": "12"}, 426, "websocket.bad_version"),
        ({"Sec-WebSocket-Version": ""}, 426, "websocket.bad_version"),
        ({"Sec-WebSocket-Key": "short"}, 400, "websocket.bad_handshake"),
        ({"Sec-WebSocket-Key": ""}, 400, "websocket.bad_handshake"),
        ({"Content-Length": "3"}, 400, "websocket.bad_handshake"),
    ],
)
@pytest.mark.parametrize("path", ["/echo", "/chat"])
def test_a_broken_handshake(one, path, change, status, code):
    with one.connect() as connection:
        connection.send(handshake_bytes(path, change) + (b"abc" if "Content-Length" in change else b""))
        answer = connection.read()
        answer.problem(status, code)
        if status == 426:
            assert answer.get("sec-websocket-version") == "13"
            assert answer.get("upgrade") == "websocket"
            assert "upgrade" in answer.get("connection").lower()
        assert connection.get("/plaintext").text == "Hello, World!", "the connection goes on"


@pytest.mark.parametrize("change", [{"Connection": "keep-alive"}, {"Upgrade": "h2c"}])
def test_what_is_no_handshake_is_an_ordinary_request(one, change):
    with one.connect() as connection:
        connection.send(handshake_bytes("/echo", change))
        connection.read().problem(426, "websocket.required")
        connection.send(handshake_bytes("/chat", change))
        assert connection.read().text == "an ordinary answer"


@pytest.mark.parametrize(
    ("path", "text"), [("/function", "a function, websocket"), ("/wsgi", "a WSGI application"), ("/plaintext", "Hello, World!")]
)
def test_endpoints_that_are_none_ignore_the_upgrade(one, path, text):
    with one.connect() as connection:
        for _ in range(2):
            connection.send(handshake_bytes(path))
            answer = connection.read()
            assert (answer.status, answer.text, answer.get("upgrade")) == (200, text, None)


def test_an_application_may_refuse(one):
    with one.connect() as connection:
        connection.send(handshake_bytes("/chat", {"X-Refuse": "1"}))
        assert connection.read().status == 403
        assert connection.get("/plaintext").text == "Hello, World!"


def test_a_handshake_behind_pipelined_requests(one):
    with one.connect() as connection:
        connection.send(handshake_bytes("/function") + handshake_bytes("/echo") + frame_bytes(TEXT, b"early"))
        assert connection.read().text == "a function, websocket"
        assert connection.read_head().status == 101
        assert connection.read_exactly(7) == b"\x81\x05early"


# --- broken frames

GARBAGE = [
    (frame_bytes(TEXT, b"x", mask=None), 1002),
    (frame_bytes(TEXT, b"x", reserved=4), 1002),
    (frame_bytes(TEXT, b"x", reserved=2), 1002),
    (frame_bytes(TEXT, b"x", reserved=1), 1002),
    (frame_bytes(0x3, b"x"), 1002),
    (frame_bytes(0xB, b"x"), 1002),
    (frame_bytes(CONTINUATION, b"x"), 1002),
    (frame_bytes(TEXT, b"x", fin=False) + frame_bytes(TEXT, b"y"), 1002),
    (frame_bytes(PING, b"x", fin=False), 1002),
    (frame_bytes(PING, bytes(126)), 1002),
    (frame_bytes(CLOSE, b"\x03"), 1002),
    (b"\x82\xff" + b"\xff" * 8 + b"mask", 1009),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    (frame_bytes(TEXT, b"\xff"), 1007),
    (frame_bytes(TEXT, b"\xed\xa0\x80"), 1007),
    (frame_bytes(TEXT, b"\xc3", fin=False) + frame_bytes(CONTINUATION, b"x"), 1007),
    (frame_bytes(TEXT, b"\xc3"), 1007),
    (frame_bytes(BINARY, bytes(MAX_MESSAGE + 1)), 1009),
    (frame_bytes(BINARY, bytes(60_000), fin=False) + frame_bytes(CONTINUATION, bytes(60_000)), 1009),
]


@pytest.mark.parametrize(("bytes_sent", "code"), GARBAGE, ids=lambda value: str(value)[2:30] if isinstance(value, bytes) else None)
@pytest.mark.parametrize("path", ["/echo", "/chat"])
def test_a_broken_frame_closes(one, path, bytes_sent, code):
    with WebSocket(one.address, path) as socket:
        socket.connection.send(bytes_sent)
        frame = socket.read_frame()
        while frame.opcode != CLOSE:
            frame = socket.read_frame()
        assert struct.unpack("!H", frame.payload[:2]) == (code,)
        socket.expect_end()
    if path == "/chat":
        one.log.wait_for(f"closed with {code}")
    assert one.get("/plaintext").status == 200


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999])
def test_a_close_code_that_may_not_be_sent(one, code):
    with WebSocket(one.address, "/echo") as socket:
        socket.send_close(code)
        assert socket.read_close()[0] == 1002
        socket.expect_end()


def test_the_largest_message(one):
    with WebSocket(one.address, "/chat") as socket:
        socket.send("x" * MAX_MESSAGE)
        assert socket.read() == "x" * MAX_MESSAGE


def test_a_small_frame_that_inflates_too_far(one):
    with WebSocket(one.address, "/echo", {"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
        socket.send_compressed("x" * (MAX_MESSAGE + 1))
        frame = socket.read_frame()
        while frame.opcode != CLOSE:
            frame = socket.read_frame()
        assert struct.unpack("!H", frame.payload[:2]) == (1009,)


def test_compression_can_be_left_out(server):
    one = server(ROUTES[:1], websocket={"compression": False})
    with WebSocket(one.address, "/echo", {"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
        assert not socket.compresses
        assert socket.answer.get("sec-websocket-extensions") is None


# --- ends


@pytest.mark.parametrize(("word", "code", "reason"), [("close", 4321, "as you wish"), ("raise", 1011, None), ("exit", 1011, None)])
def test_how_an_endpoint_ends_it(one, word, code, reason):
    with WebSocket(one.address, "/chat") as socket:
        socket.send(word)
        socket.expect_close(code, reason)
    if word == "raise":
        one.log.wait_for("the endpoint broke")


@pytest.mark.parametrize(("how", "code"), [("code", 3005), ("none", 1005), ("end", 1006), ("reset", 1006)])
def test_what_the_endpoint_hears(one, how, code):
    with WebSocket(one.address, "/chat") as socket:
        socket.send("hello")
        assert socket.read() == "hello"
        if how == "code":
            socket.send_close(3005)
        elif how == "none":
            socket.send_close(None)
        elif how == "end":
            socket.connection.finish_sending()
        else:
            socket.connection.abort()
        one.log.wait_for(f"closed with {code}")


@pytest.mark.parametrize("path", ["/echo", "/chat"])
def test_stopping_closes_with_1012(one, path):
    with WebSocket(one.address, path) as socket:
        socket.send("hello")
        assert socket.read() == "hello"
        one.process.send_signal(signal.SIGTERM)
        socket.expect_close(1012)
        assert one.process.wait(30) == 0
    if path == "/chat":
        assert one.log.count("closed with 1012") == 1


def test_stopping_does_not_wait_for_ever_for_a_client_that_does_not_close(server):
    one = server(ROUTES, {"apps": APPS})
    with WebSocket(one.address, "/chat"):
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(30) == 0


# --- pings


def test_a_silent_client_is_pinged_and_then_given_up(server):
    one = server(ROUTES, {"apps": APPS}, websocket={"ping_interval": "200ms", "ping_timeout": "1s"})
    with WebSocket(one.address, "/chat") as socket:
        for _ in range(3):
            frame = socket.read_frame()
            assert (frame.opcode, frame.payload) == (PING, b"")
            socket.send_frame(PONG)
        assert socket.read_frame().opcode == PING
        one.log.wait_for("closed with 1006")
        with pytest.raises(ConnectionEnded):
            socket.read_frame()


def test_whoever_talks_is_not_pinged(server):
    one = server(ROUTES, {"apps": APPS}, websocket={"ping_interval": "1s", "ping_timeout": "1s"})
    with WebSocket(one.address, "/echo") as socket:
        for number in range(30):
            select.select([], [], [], 0.05)  # the silence between two words, shorter than the interval
            socket.send(str(number))
            assert socket.read() == str(number)


# --- pressure


def test_a_client_that_does_not_read_stops_its_endpoint(server):
    one = server(ROUTES, {"apps": APPS}, limits={"write_timeout": "1s"})
    with WebSocket(one.address, "/chat") as socket:
        before = front_memory(one)
        socket.send("flood")
        one.log.wait_for("the flood was stopped")
        assert front_memory(one) < before + 20 * 1024 * 1024
    assert one.get("/plaintext").status == 200


def test_an_endpoint_that_does_not_read_stops_its_client(server):
    one = server(ROUTES, {"apps": APPS}, websocket={"max_message": MAX_MESSAGE}, limits={"drain_timeout": "1s"})
    with WebSocket(one.address, "/chat") as socket:
        socket.send("stall")
        before = front_memory(one)
        socket.connection.socket.setblocking(False)
        sent = 0
        message = frame_bytes(BINARY, bytes(MAX_MESSAGE))
        while select.select([], [socket.connection.socket], [], 1.0)[1] and sent < 200 * len(message):
            sent += socket.connection.socket.send(message[sent % len(message) :])
        assert sent < 200 * len(message), "20 MB were taken from a client that nobody listens to"
        assert front_memory(one) < before + 20 * 1024 * 1024


def front_memory(one):
    with open(f"/proc/{one.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- other listeners, log, metrics


def test_over_a_unix_socket(server, tmp_path):
    one = server(ROUTES[:1], listen=[f"unix:{tmp_path}/front.sock"])
    with WebSocket(one.address, "/echo") as socket:
        socket.send("hello" * 10_000)
        assert socket.read() == "hello" * 10_000


def test_log_and_metrics_count_it_once_at_its_end(one):
    with WebSocket(one.address, "/echo", {"X-Request-Id": "talk-1"}) as socket:
        socket.send("hello")
        assert socket.read() == "hello"
        metrics = one.admin("/metrics").text
        assert "tandem_connections 1" in metrics
        socket.send_close()
        socket.read_close()
        socket.expect_end()
    one.log.wait_for('"GET /echo HTTP/1.1" 101 ')
    whole = [text for text in one.log.all() if "id=talk-1" in text]
    assert len(whole) == 1
    metrics = one.admin("/metrics").text
    assert 'tandem_requests_total{route="/echo",arm="",backend="native",code="1xx"} 1' in metrics


def test_many_at_once(one):
    sockets = [WebSocket(one.address, path) for path in ("/echo", "/chat") for _ in range(40)]
    for number, socket in enumerate(sockets):
        socket.send(f"message {number}")
    for number, socket in enumerate(sockets):
        assert socket.read() == f"message {number}"
    for socket in sockets:
        socket.connection.close()
    one.log.wait_for("closed with 1006")


# A bug: a worker's capacity was for both, so that idle sockets kept requests waiting until they were answered 503.
def test_open_sockets_take_no_requests_place(server):
    one = server(ROUTES, {"apps": APPS}, python={"workers": 1, "async_capacity": 1})
    sockets = [WebSocket(one.address, "/chat") for _ in range(20)]
    assert one.get("/chat").text == "an ordinary answer"
    for number, socket in enumerate(sockets):
        socket.send(f"to {number}")
        assert socket.read() == f"to {number}"
        socket.send_close()
        assert socket.read_close()[0] == 1000
        socket.connection.close()
    assert one.get("/chat").status == 200


def test_a_reset_in_the_middle_of_the_handshake(one):
    for cut in (1, 20, 100):
        connection = Connection(one.address)
        connection.send(handshake_bytes("/chat")[:cut])
        connection.abort()
    connection = Connection(one.address)
    connection.send(handshake_bytes("/chat"))
    connection.socket.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert one.get("/plaintext").status == 200
