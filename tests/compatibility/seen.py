"""What an application sees of a request, compared key by key."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator

import pytest

from support.client import Connection, request_bytes
from support.websocket import WebSocket

# name, method, target, fields, body
REQUESTS: list[tuple[str, str, str, Any, bytes | None]] = [
    ("plain", "GET", "/", {}, None),
    ("query", "GET", "/a/b?x=1&y=%20z", {}, None),
    ("encoded", "GET", "/%C3%A4/a%2Fb/%20?q", {}, None),
    ("latin", "GET", "/%e4", {}, None),
    ("fields", "GET", "/", [("X-A", "1"), ("x-a", "2"), ("Accept", "a"), ("Accept", "b"), ("X-B", ""), ("X-D", "\xe4")], None),
    ("cookies", "GET", "/", [("Cookie", "a=1; b=2")], None),
    ("body", "POST", "/", {"Content-Type": "text/plain"}, b"some text"),
    ("empty body", "POST", "/", {}, b""),
    ("method", "REPORT", "/", {}, None),
    ("head", "OPTIONS", "/x", {}, None),
    ("host", "GET", "/", {"Host": "other.test:8080"}, None),
    ("forwarded", "GET", "/", {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}, None),
]


def http_document(address: Any, case: tuple[str, str, str, Any, bytes | None]) -> tuple[Any, dict[str, str]]:
    """The application's answer, and what in it is different at every run."""
    _, method, target, fields, body = case
    with Connection(address) as connection:
        own = connection.socket.getsockname()[1]
        connection.send(request_bytes(method, target, fields, body))
        return connection.read(method).json(), {str(own): "<client's port>", str(address[1]): "<server's port>"}


def websocket_document(address: Any, target: str, fields: dict[str, str]) -> tuple[Any, dict[str, str]]:
    with WebSocket(address, target, fields) as socket:
        own = socket.connection.socket.getsockname()[1]
        document = json.loads(socket.read())
        socket.send("text")
        document["next"] = json.loads(socket.read())
        document["field"] = socket.answer.get("x-from")
    keys = [value[1] for _, name, value in document["scope"]["headers"][1:] if name[1] == "sec-websocket-key"]
    return document, {str(own): "<client's port>", str(address[1]): "<server's port>", keys[0]: "<key>"}


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for key, one in value.items():
        yield from flattened(one, f"{path}.{key}" if path else key)


def stable(value: Any, changing: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [stable(one, changing) for one in value]
    return changing.get(str(value), value) if isinstance(value, (int, str)) else value


def compare(ask: Callable[[Any], tuple[Any, dict[str, str]]], versus: Any, accepted: dict[str, str]) -> None:
    """`ask` gets a document from a server. `accepted`: the keys that may differ; one of a branch covers what is below."""
    sides = []
    for address in (versus.reference_address, versus.address):
        document, changing = ask(address)
        sides.append({key: stable(value, changing) for key, value in flattened(document)})
    reference, tandem = sides
    found = []
    for key in sorted(reference.keys() | tandem.keys()):
        one, other = reference.get(key, "<none>"), tandem.get(key, "<none>")
        if one != other and not any(key == name or key.startswith(name + ".") for name in accepted):
            found.append(f"{key}: reference {one!r}, Tandem {other!r}")
    if found:
        pytest.fail("\n".join(found), pytrace=False)
