"""Sessions with the Django site, the same for WSGI and ASGI."""

from __future__ import annotations

import hashlib
import re

from support.client import Answer
from support.sessions import Player, csrf_token, is_debug_page

FILE_FIELDS = ("etag", "last-modified")  # of files that were written just now
ATTACHMENT = bytes(range(256)) * 300
LOGIN = "/admin/login/?next=/admin/"
HISTORY = re.compile(rb"\w{3,4}\.? \d{1,2}, \d{4}, [^<\"]*[ap]\.m\.")  # when something was done, in the admin's words


def without_times(body: bytes) -> bytes:
    body = re.sub(rb'(name="csrfmiddlewaretoken" value=")[^"]+', rb"\1<token>", body)
    return HISTORY.sub(b"<time>", body)


def submit(player: Player, target: str, pairs: list[tuple[str, str]], page: Answer | None = None) -> Answer:
    """As a browser does: the page with the form first, then the form with its token."""
    page = page or player.get(target, stable=without_times)
    return player.form(target, [("csrfmiddlewaretoken", csrf_token(page)), *pairs])


def log_in(player: Player) -> None:
    submit(player, LOGIN, [("username", "admin"), ("password", "correct horse"), ("next", "/admin/")])


def admin(player: Player) -> None:
    """Logged in, a topic and a note added, changed, listed, acted on, deleted; logged out."""
    player.get("/admin/")
    submit(player, LOGIN, [("username", "admin"), ("password", "wrong"), ("next", "/admin/")])
    log_in(player)
    player.get("/admin/", stable=without_times)
    player.get("/private/")
    submit(player, "/admin/notes/topic/add/", [("name", "ünïcode <b>"), ("_save", "Save")])
    submit(player, "/admin/notes/topic/add/", [("name", ""), ("_save", "Save")])
    fields = [("title", "From the admin"), ("text", "a\r\nb"), ("topic", "1")]
    submit(player, "/admin/notes/note/add/", [*fields, ("_continue", "Save and continue editing")])
    player.get("/admin/notes/note/", stable=without_times)
    made = re.search(rb"/admin/notes/note/(\d+)/change/", player.get("/admin/notes/note/?q=admin", stable=without_times).body)
    assert made
    number = made[1].decode()
    action = [("action", "pin"), ("_selected_action", number), ("index", "0")]
    submit(player, "/admin/notes/note/", action)
    for target in ("?pinned__exact=1", "?o=1.-2", "?topic__id__exact=1", "?nonsense=1"):
        player.get(f"/admin/notes/note/{target}", stable=without_times)
    player.get(f"/admin/notes/note/{number}/history/", stable=without_times)
    submit(player, f"/admin/notes/note/{number}/delete/", [("post", "yes")])
    player.get(f"/admin/notes/note/{number}/change/", stable=without_times)
    submit(player, "/admin/logout/", [], player.get("/admin/notes/topic/add/", stable=without_times))
    player.get("/private/")


def static_files(player: Player) -> None:
    answer = player.get("/static/admin/css/base.css")
    player.head("/static/admin/css/base.css")
    player.get("/static/admin/css/base.css", {"If-Modified-Since": answer.get("last-modified") or ""})
    for target in ("/static/admin/js/core.js", "/static/admin/img/search.svg", "/static/none.css", "/static/../settings.py"):
        player.get(target)


def notes(player: Player) -> None:
    player.get("/", {"Accept-Encoding": "gzip"})
    submit(player, "/notes/new/", [("title", "")])
    submit(player, "/notes/new/", [("title", "small letters")])
    answer = submit(player, "/notes/new/", [("title", "A “note”"), ("text", "one\r\n\r\ntwo <b>"), ("topic", "1")])
    target = answer.get("location") or ""
    page = player.get(target)
    player.head(target)
    player.get(target)
    for other in ("/", "/notes.json", "/export.csv"):
        player.get(other)
        player.head(other)
    player.form(f"{target}delete/", [])
    submit(player, f"{target}delete/", [], page)
    player.get(target)
    player.get("/")


def attachments(player: Player) -> None:
    page = player.get("/notes/new/")
    parts = [("csrfmiddlewaretoken", csrf_token(page)), ("title", "Attached")]
    answer = player.multipart("/notes/new/", [*parts, ("attachment", "Große Datei.bin", "x/y", ATTACHMENT * 40)])
    target = answer.get("location") or ""
    player.get(target)
    answer = player.get(f"{target}attachment", mask=FILE_FIELDS)
    player.note("the file came back", answer.body == ATTACHMENT * 40)
    player.get(f"{target}attachment?save", mask=FILE_FIELDS)
    player.head(f"{target}attachment", mask=FILE_FIELDS)
    player.get(f"{target}attachment", {"Range": "bytes=0-9"}, mask=FILE_FIELDS)
    submit(player, "/notes/new/", [("title", "Nothing attached")])
    player.get("/notes/999/attachment")


def cross_site(player: Player) -> None:
    player.form("/notes/new/", [("title", "Without a token")])
    page = player.get("/notes/new/")
    player.form("/notes/new/", [("csrfmiddlewaretoken", "x" * 64), ("title", "A wrong token")])
    origin = [("Origin", "https://evil.example")]
    player.form("/notes/new/", [("csrfmiddlewaretoken", csrf_token(page)), ("title", "Elsewhere")], origin)


def django_session(player: Player) -> None:
    for _ in range(3):
        player.get("/visits/")
    player.get("/visits/", {"Cookie": "sessionid=forged"})
    player.get("/cookies/")
    player.get("/cookies/")
    for cookie in ('a="b; c"', "a=b; a=c", "=x", "a", "a==b", "a=%20%ff", "a=\xe9", ";", "a=b,c=d"):
        player.get("/cookies/", {"Cookie": cookie})
    player.get("/cookies/", [("Cookie", "a=1"), ("Cookie", "b=2")])


def bodies(player: Player) -> None:
    block = hashlib.sha256(b"block").digest() * 2048
    player.post("/digest/", block * 320)  # 20 MiB
    player.post("/digest/", b"small")
    player.post("/digest/", b"")
    player.post("/digest/", None)
    parts = [("a", "1"), ("f", "ü.txt", "text/plain", b"one"), ("a", "ä"), ("f", "b.bin", "x/y", ATTACHMENT * 40)]
    player.multipart("/upload/", parts)
    player.form("/upload/", [("a", "1"), ("a", "2")])
    player.post("/upload/", b"garbage", {"Content-Type": "multipart/form-data; boundary=x"})
    player.post("/told/", b"x" * 3_000_000)  # above DATA_UPLOAD_MAX_MEMORY_SIZE


def chunked_bodies(player: Player) -> None:
    block = hashlib.sha256(b"block").digest() * 2048
    player.post("/digest/", None, chunks=[block] * 320)
    player.post("/digest/", None, chunks=[b"a", b"bc"])
    player.post("/upload/", None, {"Content-Type": "application/x-www-form-urlencoded"}, chunks=[b"a=1&", b"b=2"])


def errors(player: Player) -> None:
    for target in ("/none/", "/notes/1", "/notes/x/", "/broken/", "/denied/", "/bad/", "/visits"):
        answer = player.get(target)
        if not is_debug_page(answer):  # its length depends on the process
            player.head(target)
        player.post(target, b"x=1")
    player.get("/", {"Host": "evil.example"})
    for method in ("OPTIONS", "PUT", "DELETE", "TRACE"):
        player.request(method, "/")
        player.request(method, "/visits/")


def streams(player: Player) -> None:
    for target in ("/large/", "/conditional/", "/async/", "/async/note/1/", "/async/note/999/"):
        player.get(target)
        player.head(target)
    player.get("/conditional/", {"If-None-Match": '"first"'})
    player.get("/conditional/", {"If-Match": '"second"'})


def broken_stream(player: Player) -> None:
    player.get("/broken-stream/")
    player.get("/async/")


def targets(player: Player) -> None:
    for rest in ("a%2Fb", "a/b", "%C3%A4%E2%82%AC", "%ff", "a%20b", "a+b", "a;b=c", "%25", "../x", "a//b", ""):
        player.get(f"/told/{rest}")
    for query in ("", "a", "a=", "a=b&a=c", "a=%26", "a+b=c+d", "a;b", "a=%C3%A4", "&&&"):
        player.get(f"/told/x?{query}")
    player.get("/told/x", [("X-A", "1"), ("X-A", "2"), ("X-D", "\xe4"), ("X-Forwarded-For", "1.2.3.4")])
    player.get("//told/x")


def kept_alive(player: Player) -> None:
    with player.connect() as connection:
        for number in range(5):
            player.send(connection, "GET", f"/told/{number}")
            player.receive(connection, "GET", f"kept {number}")
            player.send(connection, "POST", "/digest/", {}, b"x" * number)
            player.receive(connection, "POST", f"kept {number}")
            player.send(connection, "GET", "/visits/")
            player.receive(connection, "GET", f"kept {number}")
