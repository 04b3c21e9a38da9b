"""Answers that come in parts."""

from __future__ import annotations

import time
from typing import Any, Iterator

from flask import Blueprint, Response, request, session, stream_template, stream_with_context

from tests.apps import state
from tests.apps.flask_blog import database

blueprint = Blueprint("streams", __name__)


@blueprint.get("/lines")
def lines() -> Response:
    """From a generator that still sees the request."""

    def generate() -> Iterator[str]:
        for number in range(int(request.args.get("count", "5"))):
            yield f"{number} for {session.get('name', 'nobody')} at {request.path}\n"

    return Response(stream_with_context(generate()), mimetype="text/plain")


@blueprint.get("/template")
def template() -> Any:
    posts = database.db().execute("SELECT * FROM posts ORDER BY id").fetchall()
    return Response(stream_template("posts.html", posts=posts), mimetype="text/html")


@blueprint.get("/gate")
def gate() -> Response:
    """The second part waits until somebody opened the gate, which may be after the first part was seen."""
    path = state.folder("blog") / "gate"

    def generate() -> Iterator[bytes]:
        yield b"closed\n"
        while not path.exists():
            time.sleep(0.002)
        yield b"open\n"

    return Response(generate(), mimetype="text/event-stream")


@blueprint.post("/gate")
def open_gate() -> Any:
    (state.folder("blog") / "gate").touch()
    return "", 204


@blueprint.get("/events")
def events() -> Response:
    """With the fields that one finds in every recipe for server-sent events."""
    fields = {"Connection": "keep-alive", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response((f"data: {number}\n\n" for number in range(3)), mimetype="text/event-stream", headers=fields)


@blueprint.get("/empty-parts")
def empty_parts() -> Response:
    return Response(iter([b"", b"one", b"", b"two", b""]), mimetype="text/plain")


@blueprint.get("/known-length")
def known_length() -> Response:
    return Response(iter([b"12345", b"67890"]), mimetype="text/plain", headers={"Content-Length": "10"})


@blueprint.get("/broken")
def broken() -> Response:
    """Begins well, then raises."""

    def generate() -> Iterator[bytes]:
        yield b"the first part\n"
        raise RuntimeError("the stream is broken")

    return Response(generate(), mimetype="text/plain")


@blueprint.get("/broken-at-once")
def broken_at_once() -> Response:
    def generate() -> Iterator[bytes]:
        raise RuntimeError("the stream never began")
        yield b""

    return Response(generate(), mimetype="text/plain")


@blueprint.get("/large")
def large() -> Response:
    block = bytes(range(256)) * 256
    return Response((block for _ in range(16 * 20)), mimetype="application/octet-stream")


@blueprint.get("/endless")
def endless() -> Response:
    """Until the client goes away; /streams/closed counts the ends."""

    def generate() -> Iterator[bytes]:
        try:
            while True:
                yield b"tick\n" * 4000
        finally:
            connection = database.connect()
            with connection:
                connection.execute("INSERT INTO closed (what) VALUES ('endless')")
            connection.close()

    return Response(generate(), mimetype="text/plain")


@blueprint.get("/closed")
def closed() -> str:
    return str(database.db().execute("SELECT count(*) FROM closed").fetchone()[0])
