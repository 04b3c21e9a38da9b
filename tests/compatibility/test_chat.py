"""The chat's WebSockets (Starlette), against uvicorn. Its rooms are in the memory of one worker."""

from __future__ import annotations

import pytest

pytest.importorskip("websockets")

from support.compared import compared  # noqa: E402
from support.reference import Application  # noqa: E402
from support.sessions import Player  # noqa: E402

APPLICATION = Application("asgi", "tests.apps.starlette_chat:app")
WAYS = ["reference", "process-1", "thread"]


@compared
def test_room(player: Player) -> None:
    """Two talk, a third one comes through the session's cookie, one leaves, one is cut off."""
    with player.websocket("/ws/lounge?name=Ann") as ann:
        player.hear(ann, "Ann: herself")
        with player.websocket("/ws/lounge?name=Bob") as bob:
            player.hear(bob, "Bob: himself")
            player.hear(ann, "Ann: Bob came")
            bob.send("hello")
            player.hear(ann, "Ann: Bob said")
            player.hear(bob, "Bob: himself said")
            player.form("/login", [("name", "Cleo")])
            with player.websocket("/ws/lounge") as cleo:
                for who, socket in (("Ann", ann), ("Bob", bob), ("Cleo", cleo)):
                    player.hear(socket, f"{who}: Cleo came")
                cleo.send("/who")
                player.hear(cleo, "Cleo: who is there")
                cleo.send("/leave")
                player.hear(cleo, "Cleo: closed")
            player.hear(ann, "Ann: Cleo went")
            player.hear(bob, "Bob: Cleo went")
        player.hear(ann, "Ann: Bob went")
        ann.send("alone")
        player.hear(ann, "Ann: alone")
    player.get("/rooms/lounge")


@compared
def test_nameless(player: Player) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    player.get("/ws/lounge", {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})


@compared
def test_echo(player: Player) -> None:
    with player.websocket("/ws/echo") as socket:
        for data in (b"", b"small", b"large" * 40_000):
            socket.send(data)
            player.hear(socket, "echo")
        socket.send("text where bytes are expected")
        player.hear(socket, "closed")
