"""The blog (Flask), against gunicorn."""

from __future__ import annotations

import hashlib

from accepted import unexplained
from support.compared import alone, compared
from support.reference import Application
from support.sessions import Player, differences

APPLICATION = Application("wsgi", "tests.apps.flask_blog:app")
FILE_FIELDS = ("etag", "last-modified")  # of files that were written just now
PICTURE = bytes(range(256)) * 300


def login(player: Player, name: str = "Ann") -> None:
    player.form("/login", [("name", name)])


@compared
def test_sessions(player: Player) -> None:
    for _ in range(3):
        player.get("/")
    player.form("/login?next=/posts/", [("name", "Änne <b>"), ("remember", "1")])
    player.get("/")
    player.form("/logout", [])
    player.get("/")
    player.form("/login", [("name", " ")])
    player.form("/login", [])


@compared
def test_forged_session(player: Player) -> None:
    player.get("/", {"Cookie": "session=eyJuYW1lIjoibWFsbG9yeSJ9.Y2FuZGxl.forged"})


@compared
def test_posts(player: Player) -> None:
    """Written, flashed, read, changed, deleted."""
    player.form("/posts/", [("title", "not logged in")])
    login(player)
    player.form("/posts/", [("title", ""), ("body", "no title")])
    player.get("/posts/")
    for title in ("First", "Zwöter <b>", "Third"):
        answer = player.form("/posts/", [("title", title), ("body", "line\r\nline")])
        player.get(answer.get("location") or "")
        player.get("/posts/")
    for target in ("/posts", "/posts/?q=First", "/posts/1.json", "/posts/99.json", "/posts/99", "/posts/x", "/posts/1/delete"):
        player.get(target)
        player.head(target)
    player.json("PUT", "/posts/1.json", {"title": "Changed", "body": "ü"})
    player.json("PUT", "/posts/1.json", {"title": "no body"})
    player.request("PUT", "/posts/1.json", {"Content-Type": "application/json"}, b"{broken")
    player.request("PUT", "/posts/1.json", {"Content-Type": "text/plain"}, b"{}")
    player.form("/posts/2/delete", [])
    player.get("/posts/")


@compared
def test_pictures(player: Player) -> None:
    login(player)
    parts = [("title", "Pictured"), ("body", "see below"), ("picture", "../../a b.png", "image/png", PICTURE)]
    answer = player.multipart("/posts/", parts)
    player.get(answer.get("location") or "")
    answer = player.get("/files/pictures/a_b.png", mask=FILE_FIELDS)
    player.note("the picture came back", answer.body == PICTURE)
    player.head("/files/pictures/a_b.png", mask=FILE_FIELDS)
    player.get("/files/pictures/a_b.png", {"If-None-Match": answer.get("etag") or ""}, mask=FILE_FIELDS)
    for wanted in ("bytes=0-9", "bytes=-5", "bytes=76790-", "bytes=99999-", "bytes=0-1,3-4"):
        player.get("/files/pictures/a_b.png", {"Range": wanted}, mask=FILE_FIELDS)
    for target in ("/files/pictures/none.png", "/files/pictures/../blog.db", "/files/pictures/%2e%2e/x", "/files/pictures/"):
        player.get(target)


@compared
def test_send_file(player: Player) -> None:
    answer = player.get("/files/digits", mask=("date",))
    player.head("/files/digits")
    player.get("/files/digits", {"If-None-Match": answer.get("etag") or ""})
    for wanted in ("bytes=0-9", "bytes=-5", "bytes=9990-", "bytes=99999-"):
        player.get("/files/digits", {"Range": wanted})


@compared
def test_uploads(player: Player) -> None:
    parts = [("a", "1"), ("f", "ü.txt", "text/plain", b"one"), ("a", "ä"), ("f", "b.bin", "x/y", PICTURE * 20), ("e", "", "x/y", b"")]
    player.multipart("/files/upload", parts)
    player.form("/files/upload", [("a", "1"), ("a", "2"), ("b c", "d&e")])
    player.post("/files/upload", b"garbage", {"Content-Type": "multipart/form-data; boundary=x"})
    player.post("/files/upload", b"")


@compared
def test_bodies(player: Player) -> None:
    block = hashlib.sha256(b"block").digest() * 2048
    player.post("/files/digest", block * 320)  # 20 MiB
    player.post("/files/digest", None, chunks=[block] * 320)
    player.post("/files/digest", None, chunks=[b"a", b"bc"])
    player.post("/files/digest", None, chunks=[])
    player.post("/files/digest", b"")
    player.post("/files/digest", None)
    player.post("/files/digest", b"expected", {"Expect": "100-continue"})
    player.request("GET", "/told/", body=b"a body with GET")


@compared
def test_too_large(player: Player) -> None:
    player.post("/files/upload", b"a=" + b"x" * (33 << 20), {"Content-Type": "application/x-www-form-urlencoded"})


@compared
def test_expectation(player: Player) -> None:
    """The client sends its body only when it is asked to."""
    with player.connect() as connection:
        player.send(connection, "POST", "/files/digest", {"Expect": "100-continue", "Content-Length": "5"})
        player.note("asked to go on", connection.read_head().status)
        connection.send(b"hello")
        player.receive(connection, "POST", "after 100")


@compared
def test_streams(player: Player) -> None:
    login(player, "Streamer")
    for target in ("lines?count=50", "lines?count=0", "template", "empty-parts", "known-length", "large", "events", "broken-at-once"):
        player.get(f"/streams/{target}")
        player.head(f"/streams/{target}")


@compared
def test_parts_are_not_held_back(player: Player) -> None:
    """PEP 3333: a part leaves before the next one is asked for."""
    with player.connect() as connection:
        player.send(connection, "GET", "/streams/gate")
        head = connection.read_head()
        chunks = connection.read_chunks()
        player.note("the first part", next(chunks))
        player.post("/streams/gate")
        player.note("the rest", list(chunks))
        player.record("the head", head)


@compared
def test_broken_stream(player: Player) -> None:
    player.get("/streams/broken")
    player.get("/")


@compared
def test_client_goes_away(player: Player) -> None:
    """The endless answer's generator is closed."""
    player.abandon("/streams/endless", 100_000)
    player.until("/streams/closed", lambda answer: answer.text == "1", "the generator is closed")


@compared
def test_cookies(player: Player) -> None:
    player.get("/cookies")
    player.get("/cookies")
    for cookie in ('a="b; c"', "a=b; a=c", "=x", "a", "a==b", "a=b;c=d", "a=%20%ff", "a=\xe9", ";", "a=b,c=d", '$Version=1; a="\\303"'):
        player.get("/cookies", {"Cookie": cookie})
    player.get("/cookies", [("Cookie", "a=1"), ("Cookie", "b=2")])


@compared
def test_conditional(player: Player) -> None:
    player.get("/not-modified")
    for tag in ('"v1"', 'W/"v1"', '"v2"', "*", '"v2", "v1"'):
        player.get("/not-modified", {"If-None-Match": tag})
    player.get("/nothing")
    player.head("/nothing")
    for target in ("/static/blog.css", "/static/none.css"):
        player.get(target)
        player.head(target)
    player.get("/static/blog.css", {"Range": "bytes=0-9"})


@compared
def test_errors(player: Player) -> None:
    for target in ("/none", "/none/%3Cb%3E", "/mistake", "/login/", "/posts/1/delete/"):
        player.get(target)
        player.head(target)
        player.request("DELETE", target)


@compared
def test_methods(player: Player) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "REPORT"):
        player.request(method, "/login")
        player.request(method, "/told/x", body=b"body" if method in ("POST", "PUT", "PATCH") else None, cookies=False)


@compared
def test_targets(player: Player) -> None:
    """Paths and queries as odd as they come."""
    for rest in ("a%2Fb", "a/b", "%C3%A4%E2%82%AC", "%ff", "a%20b", "a+b", "a;b=c", "%25", "%2e%2e/x", "../x", "./x", "a//b", "", "a%00b", "%zz"):
        player.get(f"/told/{rest}")
    for query in ("", "a", "a=", "=a", "a=b&a=c", "a=%26&b=%3D", "a+b=c+d", "a;b", "%zz", "?a=?b", "a=%C3%A4", "&&&", "a[]=1"):
        player.get(f"/told/x?{query}")
    for target in ("//told/x", "/told", "/TOLD/x", "/posts", "/posts//1"):
        player.get(target)
    player.raw(b"GET http://other.test/told/x?y HTTP/1.1\r\nHost: tandem.test\r\n\r\n", "GET")
    player.raw(b"OPTIONS * HTTP/1.1\r\nHost: tandem.test\r\n\r\n", "OPTIONS")


@compared
def test_request_fields(player: Player) -> None:
    player.get("/told/x", [("X-A", "1"), ("x-a", "2"), ("X-B", ""), ("X-C", "  spaces \t"), ("X-D", "\xe4\xff")])
    player.get("/told/x", [("Accept", "a"), ("Accept", "b"), ("X-Long", "y" * 4000), ("X-Number", "7")])
    player.get("/told/x", [("X_under", "1"), ("X-Under", "2")])
    player.get("/told/x", [("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Host", "other.test")])
    player.get("/told/x", [("X-Forwarded-Proto", "https")])
    player.get("/told/x", [("Content-Type", ""), ("Script-Name", "/x"), ("Proxy", "evil"), ("Content_Length", "5")])


@compared
def test_many_on_one_connection(player: Player) -> None:
    with player.connect() as connection:
        for number in range(5):
            player.send(connection, "POST", "/told/x", {}, b"%d" % number)
            player.receive(connection, "POST", f"kept {number}")
            player.send(connection, "GET", "/")
            player.receive(connection, "GET", f"kept {number}")
            player.send(connection, "HEAD", "/told/x")
            player.receive(connection, "HEAD", f"kept {number}")
        player.send(connection, "GET", "/", {"Connection": "close"})
        player.receive(connection, "GET", "the last")
        player.note("it ended", connection.read_to_end())


@compared
def test_unread_body(player: Player) -> None:
    """A body that the application leaves alone does not become the next request."""
    with player.connect() as connection:
        player.send(connection, "POST", "/none", {}, b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        player.receive(connection, "POST", "left alone")
        player.send(connection, "GET", "/nothing")
        player.receive(connection, "GET", "the next")


@compared
def test_old_versions(player: Player) -> None:
    player.raw(b"GET /nothing HTTP/1.0\r\nHost: tandem.test\r\n\r\n", "GET")
    player.raw(b"GET / HTTP/1.0\r\nHost: tandem.test\r\nConnection: keep-alive\r\n\r\n", "GET")
    player.raw(b"GET /streams/lines HTTP/1.0\r\nHost: tandem.test\r\n\r\n", "GET")


@alone
def test_pipelining(player: Player) -> None:
    """Gunicorn's threads leave pipelined requests lying: the answers are compared with those to the same requests one by one."""
    targets = [f"/told/{number}" for number in range(8)] + ["/none", "/streams/lines", "/nothing"]
    apart = Player(player.address)
    for number, target in enumerate(targets):
        with apart.connect() as connection:
            apart.send(connection, "GET", target)
            apart.receive(connection, "GET", f"pipelined [{number}]")
    requests = b"".join(b"GET %s HTTP/1.1\r\nHost: tandem.test\r\n\r\n" % target.encode() for target in targets)
    player.raw(requests, *["GET"] * len(targets), label="pipelined")
    found = unexplained(differences(apart.steps, player.steps))
    assert not found, "\n".join(map(str, found))


def _of_uuid(body: bytes) -> bytes:
    return b"<uuid>" if len(body) == 36 else body


@compared
def test_different_every_time(player: Player) -> None:
    player.get("/id", stable=_of_uuid)
