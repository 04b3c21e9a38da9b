"""The rooms of the chat (Starlette), against uvicorn. They are in the memory of one worker, so that there is only one."""

from __future__ import annotations

from support.client import Answer
from support.compared import alone, compared
from support.reference import Application
from support.sessions import Player

APPLICATION = Application("asgi", "tests.apps.starlette_chat:app")
MATRIX = ["reference", "process-1", "thread"]


@compared
def test_rooms(player: Player) -> None:
    player.form("/login", [("name", "Ann")])
    for line in ("hello", "<script>alert(1)</script>", "ünï", "x" * 5000):
        player.form("/rooms/two", [("line", line)])
    player.get("/rooms/two")
    player.get("/rooms/two%20three")
    player.get("/rooms/%C3%A4")
    player.get("/rooms/a%2Fb")


@compared
def test_events(player: Player) -> None:
    """Each event comes when it happened, not when the answer ends."""

    def listening(answer: Answer) -> bool:
        return answer.json()["listeners"] == 1

    player.form("/login", [("name", "Eve")])
    with player.connect() as connection:
        player.send(connection, "GET", "/rooms/live/events?until=3", {"Accept": "text/event-stream"})
        head = connection.read_head()
        player.until("/rooms/live/listeners", listening, "somebody listens")
        chunks = connection.read_chunks()
        player.note("welcome", next(chunks))
        for line in ("one", "two", "three"):
            player.form("/rooms/live", [("line", line)])
            player.note(f"heard {line}", next(chunks))
        player.note("the end", list(chunks))
        player.record("the events' head", head)


@alone
def test_listener_goes_away(player: Player) -> None:
    """Nobody listens any more once the client is gone, though nothing was said. (With uvicorn 0.32 of Debian 13 it listens for ever.)"""

    def nobody(answer: Answer) -> bool:
        return answer.json()["listeners"] == 0

    player.abandon("/rooms/left/events", 100)
    player.until("/rooms/left/listeners", nobody, "nobody listens")


@compared
def test_client_goes_away(player: Player) -> None:
    """request.is_disconnected() tells it."""
    connection = player.connect()
    player.send(connection, "GET", "/disconnected")
    player.get("/state")
    connection.close()
    player.until("/gone", lambda answer: answer.json() == {"gone": 1}, "the application knows")


@compared
def test_room_of_sockets(player: Player) -> None:
    """Two talk, a third one comes through the session's cookie, one leaves, one is cut off."""

    def nobody(answer: Answer) -> bool:
        return answer.json()["members"] == 0

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
    player.until("/rooms/lounge/listeners", nobody, "nobody is there")
    player.get("/rooms/lounge")
