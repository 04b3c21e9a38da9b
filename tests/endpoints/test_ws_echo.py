import asyncio
import threading

import pytest
import websockets

from support.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, frame_bytes


@pytest.fixture
def open_socket(arm):
    sockets = []

    def open_one(fields=None, behind=b""):
        sockets.append(WebSocket(arm.server.address, "/ws/echo", {"Tandem-Arm": arm.name, **(fields or {})}, behind))
        return sockets[-1]

    yield open_one
    for one in sockets:
        one.connection.close()


def test_the_handshake(open_socket, arm):
    answer = open_socket({"X-Request-Id": "shake-1"}).answer
    assert (answer.status, answer.get("upgrade"), answer.get("tandem-arm")) == (101, "websocket", arm.name)
    assert answer.get("connection").lower() == "upgrade"
    assert answer.get("x-request-id") == "shake-1"
    assert answer.get("sec-websocket-protocol") is None
    assert answer.get("content-length") is None
    assert answer.get("transfer-encoding") is None


@pytest.mark.parametrize("message", ["text é", "", b"\x00\xff", b"", "x" * 70_000])
def test_a_message_comes_back(open_socket, message):
    socket = open_socket()
    socket.send(message)
    assert socket.read() == message
    socket.send_close(1000)
    assert socket.read_close()[0] == 1000
    socket.expect_end()


@pytest.mark.parametrize("size", [125, 126, 65535, 65536, 65537, 1_000_000])
@pytest.mark.parametrize("pieces", [1, 3])
def test_messages_of_many_sizes(open_socket, size, pieces):
    socket = open_socket()
    message = bytes(i * 7 % 251 for i in range(size))
    sender = threading.Thread(target=socket.send, args=(message, pieces))
    sender.start()
    assert socket.read() == message
    sender.join()


def test_a_message_sent_with_the_handshake_is_not_lost(open_socket):
    socket = open_socket(behind=frame_bytes(TEXT, b"early") + frame_bytes(BINARY, b"bird"))
    assert socket.read() == "early"
    assert socket.read() == b"bird"


def test_a_ping_between_the_fragments_is_answered(open_socket):
    socket = open_socket()
    socket.send_frame(TEXT, b"one ", fin=False)
    socket.send_frame(PING, b"are you there?")
    socket.send_frame(CONTINUATION, b"two")
    frames = []
    while not frames or not any(frame.opcode != PONG and frame.fin for frame in frames):
        frames.append(socket.read_frame())
    assert [frame.payload for frame in frames if frame.opcode == PONG] == [b"are you there?"]
    assert b"".join(frame.payload for frame in frames if frame.opcode != PONG) == b"one two"


def test_a_pong_nobody_asked_for_is_ignored(open_socket):
    socket = open_socket()
    socket.send_frame(PONG, b"unasked")
    socket.send("still here")
    assert socket.read() == "still here"


@pytest.mark.parametrize(("offered", "chosen"), [("echo", "echo"), ("x, tandem.echo", "tandem.echo"), ("tandem.echo, echo", "echo"), ("x", None)])
def test_the_subprotocol(open_socket, offered, chosen):
    assert open_socket({"Sec-WebSocket-Protocol": offered}).answer.get("sec-websocket-protocol") == chosen


def test_compression(open_socket):
    socket = open_socket({"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    assert socket.compresses
    for word in ("hello ", "again ", "é"):
        socket.send_compressed(word * 20_000)
        assert socket.read() == word * 20_000


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1008, 1011, 3000, 4999])
def test_a_close_is_echoed(open_socket, code):
    socket = open_socket()
    socket.send_close(code, "reason")
    assert socket.read_close()[0] == code
    socket.expect_end()


def test_a_close_without_a_code(open_socket):
    socket = open_socket()
    socket.send_frame(CLOSE)
    assert socket.read_close()[0] in (None, 1000)
    socket.expect_end()


def test_an_ordinary_request_is_told_what_this_is(arm):
    answer = arm.get("/ws/echo")
    assert (answer.status, answer.get("upgrade")) == (426, "websocket")


def test_a_client_library(arm):
    # Version 14 has another word for them.
    fields = "additional_headers" if int(websockets.__version__.partition(".")[0]) >= 14 else "extra_headers"

    async def talk():
        host, port = arm.server.address
        async with websockets.connect(
            f"ws://{host}:{port}/ws/echo", **{fields: {"Tandem-Arm": arm.name}}, subprotocols=["echo"], max_size=None
        ) as socket:
            assert socket.subprotocol == "echo"
            for message in ("text", b"bytes", "long " * 200_000):
                await socket.send(message)
                assert await socket.recv() == message
            await (await socket.ping())

    asyncio.run(asyncio.wait_for(talk(), 60))
