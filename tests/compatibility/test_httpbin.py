"""httpbin, endpoint by endpoint, against gunicorn."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

pytest.importorskip("httpbin")

from support.compared import compared  # noqa: E402
from support.reference import Application  # noqa: E402
from support.sessions import Player, multipart  # noqa: E402

APPLICATION = Application("wsgi", "httpbin:app")

BASIC = {"Authorization": "Basic " + base64.b64encode(b"user:passwd").decode()}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KIND, PARTS = multipart([("a", "1"), ("f", "name.txt", "text/plain", b"content"), ("g", "b.bin", "x/y", b"\xff\x00\xfe")])

# method, target, fields, body
TABLE: list[tuple[str, str, Any, bytes | None]] = [
    ("GET", "/", {}, None),
    ("GET", "/get", {}, None),
    ("GET", "/get?a=1&a=2&b=%C3%A4&c", {"X-Custom": "1"}, None),
    ("HEAD", "/get", {}, None),
    ("OPTIONS", "/get", {"Origin": "https://a.example"}, None),
    ("OPTIONS", "/post", {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-A"}, None),
    ("POST", "/get", {}, b""),
    ("POST", "/post", JSON, b'{"a": [1, 2.5, null, "\xc3\xa4"]}'),
    ("POST", "/post", JSON, b"{broken"),
    ("POST", "/post", FORM, b"a=1&a=2&b=%C3%A4"),
    ("POST", "/post", {"Content-Type": KIND}, PARTS),
    ("POST", "/post", {"Content-Type": "application/octet-stream"}, bytes(range(256))),
    ("POST", "/post", {}, b"plain"),
    ("POST", "/post", {}, b"x" * 100_000),
    ("PUT", "/put", FORM, b"a=1"),
    ("PATCH", "/patch", JSON, b"[]"),
    ("DELETE", "/delete", {}, None),
    ("DELETE", "/delete?a=1", JSON, b'{"why": "because"}'),
    ("GET", "/put", {}, None),
    ("GET", "/anything", {}, None),
    ("PUT", "/anything/some/path?x=y", FORM, b"z=1"),
    ("TRACE", "/anything", {}, None),
    ("PATCH", "/anything/%C3%A4%20b", {}, b"body"),
    ("GET", "/anything/a%2Fb", {}, None),
    ("GET", "/headers", [("X-A", "1"), ("X-A", "2"), ("Accept", "a"), ("Accept", "b")], None),
    ("GET", "/ip", {}, None),
    ("GET", "/user-agent", {"User-Agent": "tandem tests"}, None),
    ("GET", "/basic-auth/user/passwd", {}, None),
    ("GET", "/basic-auth/user/passwd", BASIC, None),
    ("GET", "/basic-auth/user/other", BASIC, None),
    ("GET", "/hidden-basic-auth/user/passwd", {}, None),
    ("GET", "/hidden-basic-auth/user/passwd", BASIC, None),
    ("GET", "/bearer", {}, None),
    ("GET", "/bearer", {"Authorization": "Bearer token"}, None),
    ("GET", "/digest-auth/auth/user/passwd", {}, None),
    ("GET", "/digest-auth/auth-int/user/passwd/SHA-256", {}, None),
    ("GET", "/digest-auth/auth/user/passwd/MD5/1", {"Cookie": "fake=fake_value"}, None),
    ("GET", "/cookies", {"Cookie": 'a=1; b="2; 3"; c'}, None),
    ("GET", "/cookies/set?a=1&b=ä".replace("ä", "%C3%A4"), {}, None),
    ("GET", "/cookies/set/name/value", {}, None),
    ("GET", "/cookies/delete?a&b", {}, None),
    ("GET", "/base64/VGFuZGVt", {}, None),
    ("GET", "/base64/%21", {}, None),
    ("GET", "/brotli", {}, None),
    ("GET", "/gzip", {"Accept-Encoding": "gzip"}, None),
    ("GET", "/deflate", {"Accept-Encoding": "deflate"}, None),
    ("GET", "/encoding/utf8", {}, None),
    ("GET", "/html", {}, None),
    ("GET", "/xml", {}, None),
    ("GET", "/json", {}, None),
    ("GET", "/deny", {}, None),
    ("GET", "/robots.txt", {}, None),
    ("GET", "/forms/post", {}, None),
    ("GET", "/image", {}, None),
    ("GET", "/image", {"Accept": "image/webp"}, None),
    ("GET", "/image", {"Accept": "text/plain"}, None),
    ("GET", "/image/png", {}, None),
    ("HEAD", "/image/png", {}, None),
    ("GET", "/image/jpeg", {}, None),
    ("GET", "/image/svg", {}, None),
    ("GET", "/image/webp", {}, None),
    ("GET", "/links/5", {}, None),
    ("GET", "/links/5/3", {}, None),
    ("GET", "/cache", {}, None),
    ("GET", "/cache", {"If-None-Match": '"x"'}, None),
    ("GET", "/cache/60", {}, None),
    ("GET", "/etag/first", {}, None),
    ("GET", "/etag/first", {"If-None-Match": '"first"'}, None),
    ("GET", "/etag/first", {"If-Match": '"other"'}, None),
    ("GET", "/response-headers?X-A=1&X-A=2&X-B=b%20c", {}, None),
    ("POST", "/response-headers?Content-Type=text/x-odd", {}, b""),
    ("GET", "/redirect/1", {}, None),
    ("GET", "/redirect/3?absolute=true", {}, None),
    ("GET", "/relative-redirect/2", {}, None),
    ("GET", "/absolute-redirect/2", {}, None),
    ("GET", "/redirect-to?url=/get", {}, None),
    ("PUT", "/redirect-to?url=https%3A%2F%2Fa.example%2F&status_code=307", {}, b""),
    ("GET", "/range/1000", {}, None),
    ("GET", "/range/1000", {"Range": "bytes=10-19"}, None),
    ("GET", "/range/1000?chunk_size=10", {"Range": "bytes=-5"}, None),
    ("GET", "/range/1000", {"Range": "bytes=2000-"}, None),
    ("GET", "/stream/5", {}, None),
    ("GET", "/stream-bytes/5000?seed=1&chunk_size=100", {}, None),
    ("GET", "/bytes/5000?seed=1", {}, None),
    ("GET", "/drip?numbytes=5&duration=0.05&delay=0", {}, None),
    ("GET", "/drip?numbytes=0&duration=0.05", {}, None),
    ("GET", "/delay/0.02", {}, None),
    ("GET", "/spec.json", {}, None),
    ("GET", "/static/favicon.ico", {}, None),
    ("GET", "/none", {}, None),
    ("GET", "/flasgger_static/swagger-ui.css", {}, None),
]
STATUSES = [200, 201, 202, 204, 205, 206, 226, 300, 301, 302, 303, 304, 305, 307, 308]
STATUSES += [400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 413, 415, 418, 422, 428, 429, 431, 500, 501, 502, 503, 504, 599]

RANDOM = re.compile(rb'(nonce|opaque)="?[0-9a-f]+"?|"[0-9a-f-]{36}"')


def stable(body: bytes) -> bytes:
    """Without the client's port and what httpbin invents."""
    return RANDOM.sub(b"<random>", body)


@compared
def test_table(player: Player) -> None:
    for method, target, fields, body in TABLE:
        compressed = "brotli" in target or "gzip" in target or "deflate" in target
        mask = ["www-authenticate", "set-cookie"] if "digest" in target else []
        mask += ["etag", "last-modified"] if target == "/cache" else []
        player.request(method, target, fields, body, mask=mask, stable=None if compressed else stable, cookies=False)


@compared
def test_statuses(player: Player) -> None:
    for code in STATUSES:
        player.get(f"/status/{code}", cookies=False)
    player.request("PUT", "/status/418", body=b"tea", cookies=False)
    player.get("/status/nonsense", cookies=False)


@compared
def test_cookies_and_redirects(player: Player) -> None:
    """As a browser follows them."""
    answer = player.get("/cookies/set?a=1&b=2")
    while answer.status == 302:
        answer = player.get(answer.get("location") or "")
    player.get("/cookies/delete?a")
    player.get("/cookies")


@compared
def test_unique(player: Player) -> None:
    player.get("/uuid", stable=stable)


@compared
def test_chunked(player: Player) -> None:
    """gunicorn hands on bodies of unknown length; httpbin reads them where the server says that they end."""
    player.post("/post", None, chunks=[b"one", b"two" * 1000])
    player.post("/post", None, FORM, chunks=[b"a=1&", b"b=2"])
