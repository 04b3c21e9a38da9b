"""WebSockets of the shop (FastAPI), against uvicorn with the websockets library."""

from __future__ import annotations

import pytest

pytest.importorskip("websockets")

from support.compared import compared  # noqa: E402
from support.reference import Application  # noqa: E402
from support.sessions import Player  # noqa: E402
from support.websocket import CLOSE, CONTINUATION, PING, TEXT  # noqa: E402

APPLICATION = Application("asgi", "tests.apps.fastapi_shop:app")
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


@compared
def test_messages(player: Player) -> None:
    player.json("POST", "/items", {"name": "sold", "price": 2.5})
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        for message in ("sold", "ünknown", "", "x" * 70_000, b"bytes", b"", bytes(range(256)) * 1000):
            socket.send(message)
            player.hear(socket, "answer")
        socket.send("sold", pieces=3)
        player.hear(socket, "to three frames")
        socket.send("bye")
        player.hear(socket, "closed by the application")


@compared
def test_many_messages(player: Player) -> None:
    """Sent without waiting, answered in order."""
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        for number in range(200):
            socket.send(b"%d" % number)
        for number in range(200):
            player.hear(socket, f"answer {number}")
        socket.send_close(1000)
        player.hear(socket, "close")


@compared
def test_subprotocols(player: Player) -> None:
    for offered in ("prices.v1", "other, prices.v1", "other", "prices.v1,other"):
        with player.websocket("/ws/prices?currency=USD", {"Sec-WebSocket-Protocol": offered}) as socket:
            player.hear(socket, "greeting")
            socket.send_close(1000)
            player.hear(socket, "close")


@compared
def test_refused(player: Player) -> None:
    """Closed before it was accepted, and paths that are no WebSockets."""
    player.get("/ws/prices?currency=XXX", UPGRADE)
    player.get("/ws/none", UPGRADE)
    player.get("/items", UPGRADE)
    player.get("/ws/prices")


@compared
def test_closing(player: Player) -> None:
    for code, reason in ((1000, ""), (1001, "going"), (3000, "own"), (4999, "ü")):
        with player.websocket("/ws/prices") as socket:
            player.hear(socket, "greeting")
            socket.send_close(code, reason)
            player.hear(socket, f"echo of {code}")
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        socket.send_close(None)
        player.hear(socket, "echo of an empty close")


@compared
def test_failure(player: Player) -> None:
    """The application raises."""
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        socket.send("boom")
        player.hear(socket, "closed")
    player.get("/open")


@compared
def test_pings(player: Player) -> None:
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        socket.send_frame(PING, b"are you there")
        player.hear(socket, "pong")
        socket.send_frame(TEXT, b"frag", fin=False)
        socket.send_frame(PING, b"between")
        player.hear(socket, "pong between")
        socket.send_frame(CONTINUATION, b"ment")
        player.hear(socket, "answer")


@compared
def test_broken_frames(player: Player) -> None:
    frames = {
        "reserved bits": (TEXT, b"x", {"reserved": 1}),
        "unknown opcode": (0x3, b"x", {}),
        "not masked": (TEXT, b"x", {"mask": None}),
        "not UTF-8": (TEXT, b"\xff\xfe", {}),
        "a long ping": (PING, b"x" * 126, {}),
        "a cut ping": (PING, b"x", {"fin": False}),
        "nothing to continue": (CONTINUATION, b"x", {}),
        "close of one byte": (CLOSE, b"x", {}),
        "close 1005": (CLOSE, b"\x03\xed", {}),
        "close 999": (CLOSE, b"\x03\xe7", {}),
    }
    for what, (opcode, payload, how) in frames.items():
        with player.websocket("/ws/prices") as socket:
            player.hear(socket, "greeting")
            socket.send_frame(opcode, payload, **how)
            player.hear(socket, what, code_only=True)


@compared
def test_compression(player: Player) -> None:
    with player.websocket("/ws/prices", {"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
        player.hear(socket, "greeting")
        socket.send_compressed("x" * 10_000)
        player.hear(socket, "answer")
