"""The chat (Starlette), against uvicorn: what every worker answers alike. Its rooms: test_starlette_rooms.py."""

from __future__ import annotations

from support.compared import compared
from support.reference import Application
from support.sessions import Player

APPLICATION = Application("asgi", "tests.apps.starlette_chat:app")


@compared
def test_sessions(player: Player) -> None:
    for _ in range(3):
        player.get("/")
    player.get("/rooms/one")
    player.get("/login?next=/rooms/one")
    player.form("/login", [("name", "")])
    player.form("/login", [("name", "Änne <b>"), ("next", "/rooms/one")])
    player.get("/")
    player.get("/rooms/one")
    player.form("/logout", [])
    player.get("/")


@compared
def test_forged_session(player: Player) -> None:
    player.get("/", {"Cookie": "session=eyJuYW1lIjogIm1hbGxvcnkifQ==.Y2FuZGxl.forged"})
    player.get("/", {"Cookie": "session="})


@compared
def test_forms(player: Player) -> None:
    player.form("/preferences", [("a", "1"), ("a", "2"), ("b c", "d&e=f"), ("ü", "ä"), ("empty", "")])
    parts = [("a", "1"), ("file", "f.txt", "text/plain", b"content"), ("a", "2"), ("file", "g", "x/y", b"\0" * 2_000_000)]
    player.multipart("/preferences", parts)
    player.post("/preferences", b"a=1&b=%zz&c", {"Content-Type": "application/x-www-form-urlencoded"})
    player.post("/preferences", b"a=1", {"Content-Type": "text/plain"})
    player.post("/preferences", None, {"Content-Type": "application/x-www-form-urlencoded"}, chunks=[b"a=1&", b"b=2"])


@compared
def test_static_files(player: Player) -> None:
    answer = player.get("/static/chat.css")
    for target in ("/static/digits.txt", "/static/", "/static", "/static/none", "/static/../main.py", "/static/%2e%2e/main.py"):
        player.get(target)
        player.head(target)
    player.get("/static/chat.css", {"If-None-Match": answer.get("etag") or ""})
    player.get("/static/chat.css", {"If-Modified-Since": answer.get("last-modified") or ""})
    player.get("/static/chat.css", {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
    for wanted in ("bytes=0-9", "bytes=-5", "bytes=1990-", "bytes=0-0,5-9", "bytes=9999-", "bytes=5-1", "lines=1-2"):
        player.get("/static/digits.txt", {"Range": wanted})
    player.post("/static/chat.css")


@compared
def test_compression(player: Player) -> None:
    for accepted in ("gzip", "gzip;q=0", "deflate", "*", "GZIP, br"):
        player.get("/text", {"Accept-Encoding": accepted})
        player.head("/text", {"Accept-Encoding": accepted})
    player.get("/text?times=1", {"Accept-Encoding": "gzip"})
    player.get("/text?times=100000", {"Accept-Encoding": "gzip"})
    player.get("/static/digits.txt", {"Accept-Encoding": "gzip"})
    player.get("/inner/bare", {"Accept-Encoding": "gzip"})


@compared
def test_lifespan_state(player: Player) -> None:
    player.get("/state")


@compared
def test_mounted(player: Player) -> None:
    for target in ("/inner/hello/you", "/inner/hello/you/", "/inner", "/inner/", "/inner/bare", "/inner/bare/x", "/inner/none"):
        player.get(target)
        player.request("POST", target)


@compared
def test_errors(player: Player) -> None:
    for target in ("/none", "/none/%3Cb%3E", "/teapot", "/fails", "/login/", "/state/"):
        player.get(target)
        player.head(target)
        player.request("DELETE", target)
    for method in ("OPTIONS", "PUT", "TRACE"):
        player.request(method, "/login")
        player.request(method, "/")


# --- WebSockets -------------------------------------------------------------------------------------------------------


@compared
def test_nameless_member(player: Player) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    player.get("/ws/lounge", {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})


@compared
def test_echo_socket(player: Player) -> None:
    with player.websocket("/ws/echo") as socket:
        for data in (b"", b"small", b"large" * 40_000):
            socket.send(data)
            player.hear(socket, "echo")
        socket.send("text where bytes are expected")
        player.hear(socket, "closed")
