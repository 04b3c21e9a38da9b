"""The shop (FastAPI), against uvicorn, which has its WebSockets from the websockets library."""

from __future__ import annotations

import base64
import hashlib
import json

from support.client import Answer
from support.compared import alone, compared
from support.reference import Application
from support.sessions import Player
from support.websocket import CLOSE, CONTINUATION, PING, TEXT

APPLICATION = Application("asgi", "tests.apps.fastapi_shop:app")
PICTURE = bytes(range(256)) * 300
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
FILE_FIELDS = ("etag", "last-modified")  # of files that were written just now


def basic(name: str, password: str) -> list[tuple[str, str]]:
    return [("Authorization", "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())]


def in_any_order(body: bytes) -> bytes:
    """Background tasks run beside each other."""
    return json.dumps(sorted(json.loads(body))).encode()


@compared
def test_documents(player: Player) -> None:
    for target in ("/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect", "/", "/open"):
        player.get(target)
        player.head(target)


@compared
def test_items(player: Player) -> None:
    """Created, listed, changed, deleted."""
    for number in range(12):
        player.json("POST", "/items", {"name": f"thing {number}", "price": 1.5 * (number + 1), "stock": number, "tags": ["a", "ü"]})
    player.json("POST", "/items", {"name": "thing 1", "price": 1})
    for target in ("/items", "/items?limit=3&offset=2", "/items?q=1", "/items?q=%C3%BC", "/items/1", "/items/999", "/items/"):
        player.get(target)
    player.json("PUT", "/items/1", {"name": "another", "price": 2, "stock": 3})
    player.json("PATCH", "/items/1", {"stock": 7})
    player.json("PATCH", "/items/1", {"price": -1})
    player.request("DELETE", "/items/2")
    player.request("DELETE", "/items/2")
    player.get("/items/2")
    player.get("/items?limit=2")


@compared
def test_validation(player: Player) -> None:
    player.json("POST", "/items", {"name": "", "price": 0, "stock": -1, "tags": "none"})
    player.json("POST", "/items", [])
    player.json("POST", "/items", None)
    player.post("/items", b"{not json", {"Content-Type": "application/json"})
    player.post("/items", b"", {"Content-Type": "application/json"})
    player.post("/items", b'{"name": "x", "price": 1}', {"Content-Type": "text/plain"})
    player.post("/items", b"\xff\xfe{}", {"Content-Type": "application/json"})
    for target in ("/items/x", "/items?limit=0", "/items?limit=1000", "/items?limit=a&offset=-1", "/status/x", "/threads/1.5"):
        player.get(target)


@compared
def test_orders_and_background_tasks(player: Player) -> None:
    player.json("POST", "/items", {"name": "ordered", "price": 2.25, "stock": 5})
    made = player.get("/items?q=ordered").json()[0]["id"]
    for count in (1, 3, 5, 0, 101):
        player.json("POST", "/orders", {"item": made, "count": count})
    player.json("POST", "/orders", {"item": 12345})
    player.until("/audit", lambda answer: len(answer.json()) == 2, "both background tasks have written", in_any_order)


@compared
def test_authentication(player: Player) -> None:
    player.get("/admin/stats")
    player.get("/admin/stats", basic("admin", "wrong"))
    player.get("/admin/stats", basic("ädmin", "pässword"))
    player.get("/admin/stats", {"Authorization": "Basic !!!"})
    player.get("/admin/stats", {"Authorization": "Bearer x"})
    player.get("/admin/stats", basic("admin", "pässword"))


@compared
def test_cookies(player: Player) -> None:
    player.get("/cart")
    for item in ("apple", "pear", "plum"):
        player.post(f"/cart/{item}")
    player.get("/cart")
    player.request("DELETE", "/cart")
    player.get("/cart")
    for cookie in ('a="b; c"', "a=b; a=c", "=x", "a", "a==b", "a=b;c=d", "a=%20%ff", "a=\xe9", ";", "a=b,c=d", '$Version=1; a="\\303"'):
        player.get("/cart", {"Cookie": cookie})
    player.get("/cart", [("Cookie", "a=1"), ("Cookie", "b=2")])


@compared
def test_pictures(player: Player) -> None:
    """Upload with fields and further files, and the way back."""
    player.json("POST", "/items", {"name": "pictured", "price": 1})
    made = player.get("/items?q=pictured").json()[0]["id"]
    target = f"/items/{made}/picture"
    player.get(target)
    player.multipart(target, [("picture", "a b.png", "image/png", PICTURE), ("caption", "schön"), ("extra", "1.txt", "text/plain", b"1")])
    player.multipart(target, [("caption", "no picture")])
    player.multipart(target, [("picture", "ü.png", "image/png", b""), ("extra", "a", "x/y", b"1"), ("extra", "b", "x/y", b"22")])
    player.multipart(target, [("picture", "large", "application/octet-stream", PICTURE * 40)])
    player.post(target, b"garbage", {"Content-Type": "multipart/form-data; boundary=x"})
    player.multipart("/items/777/picture", [("picture", "a", "image/png", PICTURE)])
    player.multipart(target, [("picture", "last.png", "image/png", PICTURE)])
    answer = player.get(target, mask=FILE_FIELDS)
    player.note("the picture came back", answer.body == PICTURE)
    player.head(target, mask=FILE_FIELDS)
    player.get(target, {"Range": "bytes=10-19"}, mask=FILE_FIELDS)
    player.get(target, {"If-None-Match": answer.get("etag") or ""}, mask=FILE_FIELDS)


@compared
def test_exports(player: Player) -> None:
    for target in ("/exports/items.csv", "/exports/items.ndjson?count=20", "/exports/items.ndjson?count=0", "/exports/large"):
        player.get(target)
        player.head(target)


@compared
def test_methods(player: Player) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "REPORT"):
        player.request(method, "/items")
        player.request(method, "/items/1/nothing")
        player.request(method, "/echo/x", body=b"body" if method in ("POST", "PUT", "PATCH") else None, cookies=False)


@compared
def test_cross_origin(player: Player) -> None:
    wanted = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "PUT")]
    player.request("OPTIONS", "/items", wanted)
    player.request("OPTIONS", "/items", [*wanted, ("Access-Control-Request-Headers", "X-Cart")])
    player.request("OPTIONS", "/items", [("Origin", "https://evil.example"), wanted[1]])
    player.get("/open", wanted[:1])


@compared
def test_targets(player: Player) -> None:
    """Paths and queries as odd as they come."""
    for rest in ("a%2Fb", "a/b", "%C3%A4%E2%82%AC", "%ff", "a%20b", "a+b", "a;b=c", "%25", "%2e%2e/x", "../x", "./x", "a//b", "", "a%00b", "%zz"):
        player.get(f"/echo/{rest}")
    for query in ("", "a", "a=", "=a", "a=b&a=c", "a=%26&b=%3D", "a+b=c+d", "a;b", "%zz", "?a=?b", "a=%C3%A4", "&&&", "a[]=1"):
        player.get(f"/echo/x?{query}")
    for target in ("//echo/x", "/echo", "/echo/", "/ECHO/x", "/items/", "/items//1", "/status/204/"):
        player.get(target)
    player.raw(b"GET http://other.test/echo/x?y HTTP/1.1\r\nHost: tandem.test\r\n\r\n", "GET")
    player.raw(b"OPTIONS * HTTP/1.1\r\nHost: tandem.test\r\n\r\n", "OPTIONS")


@compared
def test_request_fields(player: Player) -> None:
    player.get("/echo/x", [("X-A", "1"), ("x-a", "2"), ("X-B", ""), ("X-C", "  spaces \t"), ("X-D", "\xe4\xff"), ("X_under", "1")])
    player.get("/echo/x", [("Accept", "a"), ("Accept", "b"), ("X-Long", "y" * 4000), ("Content-Type", "")])
    player.get("/echo/x", [("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https")])
    player.get("/echo/x", [("Connection", "close, X-Hop"), ("X-Hop", "1"), ("TE", "trailers"), ("Upgrade", "h2c")])


@compared
def test_bodies(player: Player) -> None:
    player.request("GET", "/echo/x", body=b"a body with GET")
    player.post("/echo/x", b"")
    player.post("/echo/x", None)
    player.post("/echo/x", None, chunks=[b"a", b"bc", b"d" * 70000])
    player.post("/echo/x", None, chunks=[])
    block = hashlib.sha256(b"block").digest() * 2048
    player.post("/echo/x", block * 320)  # 20 MiB
    player.post("/echo/x", None, chunks=[block] * 320)
    player.post("/echo/x", b"expected", {"Expect": "100-continue"})
    player.post("/early", b"x" * 100)


@compared
def test_expectation(player: Player) -> None:
    """The client sends its body only when it is asked to."""
    with player.connect() as connection:
        player.send(connection, "POST", "/echo/x", {"Expect": "100-continue", "Content-Length": "5"})
        player.note("asked to go on", connection.read_head().status)
        connection.send(b"hello")
        player.receive(connection, "POST", "after 100")


@compared
def test_many_on_one_connection(player: Player) -> None:
    with player.connect() as connection:
        for number in range(5):
            player.send(connection, "POST", "/echo/x", {}, b"%d" % number)
            player.receive(connection, "POST", f"kept {number}")
            player.send(connection, "GET", "/items?limit=1")
            player.receive(connection, "GET", f"kept {number}")
            player.send(connection, "HEAD", "/echo/x")
            player.receive(connection, "HEAD", f"kept {number}")
        player.send(connection, "GET", "/open", {"Connection": "close"})
        player.receive(connection, "GET", "the last")
        player.note("it ended", connection.read_to_end())


@compared
def test_pipelining(player: Player) -> None:
    one = b"GET /echo/%d HTTP/1.1\r\nHost: tandem.test\r\n\r\n"
    player.raw(b"".join(one % number for number in range(8)), *["GET"] * 8, label="pipelined")
    post = b"POST /echo/p HTTP/1.1\r\nHost: tandem.test\r\nContent-Length: 5\r\n\r\nhello"
    player.raw(post + one % 1 + post, "POST", "GET", "POST", label="pipelined with bodies")


@compared
def test_old_versions(player: Player) -> None:
    player.raw(b"GET /open HTTP/1.0\r\n\r\n", "GET")
    player.raw(b"GET /open HTTP/1.0\r\nHost: tandem.test\r\nConnection: keep-alive\r\n\r\n", "GET")
    player.raw(b"GET /exports/items.ndjson HTTP/1.0\r\nHost: tandem.test\r\n\r\n", "GET")


@compared
def test_statuses(player: Player) -> None:
    for code in (200, 201, 204, 205, 226, 299, 304, 400, 404, 410, 418, 422, 429, 451, 500, 503, 599):
        player.get(f"/status/{code}")


@compared
def test_threads_and_tasks(player: Player) -> None:
    player.get("/threads/1000")
    player.get("/tasks/50")


@compared
def test_failures(player: Player) -> None:
    player.get("/broken")
    player.get("/broken/thread")
    player.head("/broken")
    player.get("/exports/broken")
    player.get("/open")


@alone
def test_client_goes_away(player: Player) -> None:
    """The endless answer's generator is ended, and the server goes on. (uvicorn 0.32 of Debian 13 lets it run for ever.)"""

    def ended(answer: Answer) -> bool:
        return "endless ended" in answer.json()

    player.abandon("/exports/endless", 500)
    player.until("/audit", ended, "the endless answer has ended")
    assert player.get("/open").status == 200


# --- WebSockets -------------------------------------------------------------------------------------------------------

@compared
def test_socket_messages(player: Player) -> None:
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
def test_many_socket_messages(player: Player) -> None:
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
def test_refused_sockets(player: Player) -> None:
    """Closed before it was accepted, and paths that are no WebSockets."""
    player.get("/ws/prices?currency=XXX", UPGRADE)
    player.get("/ws/none", UPGRADE)
    player.get("/items", UPGRADE)
    player.get("/ws/prices")


@compared
def test_closing_sockets(player: Player) -> None:
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
def test_socket_failure(player: Player) -> None:
    """The application raises."""
    with player.websocket("/ws/prices") as socket:
        player.hear(socket, "greeting")
        socket.send("boom")
        player.hear(socket, "closed")
    player.get("/open")


@compared
def test_socket_pings(player: Player) -> None:
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
def test_socket_compression(player: Player) -> None:
    with player.websocket("/ws/prices", {"Sec-WebSocket-Extensions": "permessage-deflate"}) as socket:
        player.hear(socket, "greeting")
        socket.send_compressed("x" * 10_000)
        player.hear(socket, "answer")
