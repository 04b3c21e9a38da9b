"""What endpoints import. Inside the server `Request` is the server's own, with the same attributes; outside it is the plain
class below, so that endpoints can be called from unit tests:

    from tandem import Request
    assert hello(Request(path_params={"name": "Ada"})) == {"message": "Hello, Ada!"}
"""

from __future__ import annotations

import asyncio as _asyncio
import json as _json
import re as _re
from collections.abc import Mapping as _Mapping
from urllib.parse import parse_qsl as _parse_qsl

__all__ = ["Cancelled", "Event", "EventStream", "HTTPError", "Headers", "QueryParams", "Request", "Response"]


class Cancelled(BaseException):
    """Raised in a `def` endpoint, wherever it is, when its client has gone or its time is up. Let it pass."""


class HTTPError(Exception):
    """Ends a request with a problem answer: `raise HTTPError(404, "no such item")`."""

    def __init__(self, status, detail="", *, code="python.http_error", headers=None):
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.headers = headers

    def __str__(self):
        return f"{self.status}: {self.detail}" if self.detail else str(self.status)


class _InvalidJSON(HTTPError, ValueError):
    """A ValueError for those who catch it, a 400 for those who do not."""


class Response:
    """An answer with everything said. `body`: what an endpoint may return, an iterator or asynchronous iterator included."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(self, body=None, status=200, headers=None, content_type=None):
        self.body = body
        self.status = status
        self.headers = headers
        self.content_type = content_type

    def __repr__(self):
        return f"<Response {self.status}>"


class Event:
    """One server-sent event (WHATWG HTML, "Server-sent events"). `data`: text, or what JSON can say; `event`: its type; `id`: what a
    browser tells in Last-Event-ID when it comes back; `retry`: milliseconds until it does; `comment`: for nobody."""

    __slots__ = ("comment", "data", "event", "id", "retry")

    def __init__(self, data=None, event=None, id=None, retry=None, comment=None):
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry
        self.comment = comment

    def encode(self):
        """Its bytes on the wire."""
        lines = [f": {line}" for line in _lines(self.comment)]
        for name, value in (("event", self.event), ("id", self.id)):
            if value is not None:
                value = str(value)
                if _LINE_END.search(value) or "\0" in value:
                    raise ValueError(f"the {name} of an event is one line without NUL, not {value!r}")
                lines.append(f"{name}: {value}")
        if self.retry is not None:
            if not isinstance(self.retry, int) or self.retry < 0:
                raise ValueError(f"the retry of an event is a number of milliseconds, not {self.retry!r}")
            lines.append(f"retry: {int(self.retry)}")
        data = self.data
        if data is not None and not isinstance(data, str):
            data = _json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        lines += [f"data: {line}" for line in _lines(data)]
        return ("\n".join(lines) + "\n\n").encode("utf-8", "backslashreplace")

    def __repr__(self):
        return f"Event({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__ if getattr(self, name) is not None)})"


_LINE_END = _re.compile("\r\n|\r|\n")


def _lines(text):
    return [] if text is None else _LINE_END.split(text)


def _encode_event(event):
    if isinstance(event, Event):
        return event.encode()
    if isinstance(event, str):
        return Event(event).encode()
    if isinstance(event, dict):
        return Event(**event).encode()
    raise TypeError(f"an event is a str, a dict of Event's arguments or an Event, not {type(event).__name__}")


class EventStream(Response):
    """Answers with server-sent events. `events` is an iterable of events, in `async def` endpoints also an asynchronous one: text, dicts
    of Event's arguments, or Event objects. `ping`: seconds of silence after which a comment is sent, so that nobody between takes the
    connection for dead; for asynchronous ones only."""

    __slots__ = ()

    def __init__(self, events, *, ping=None, status=200, headers=None):
        fields = [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]
        given = _pairs_of(headers or ())
        names = {name.lower() for name, _ in given}
        fields = [field for field in fields if field[0].lower() not in names]
        if hasattr(events, "__aiter__"):
            body = _AsyncEvents(events, ping)
        elif ping is None:
            body = _Events(events)
        else:
            raise ValueError("a ping needs an asynchronous iterable: another can't be interrupted")
        super().__init__(body, status, fields + given, "text/event-stream")


class _Events:
    def __init__(self, events):
        self._events = iter(events)

    def __iter__(self):
        return self

    def __next__(self):
        return _encode_event(next(self._events))

    def close(self):
        if hasattr(self._events, "close"):
            self._events.close()


class _AsyncEvents:
    def __init__(self, events, ping):
        self._events = events.__aiter__()
        self._ping = ping
        self._next = None  # the task that waits for the next event, where there are pings

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self._ping is None:
            return _encode_event(await self._events.__anext__())
        if self._next is None:
            self._next = _asyncio.ensure_future(self._events.__anext__())
        done, _ = await _asyncio.wait({self._next}, timeout=self._ping)
        if not done:
            return b": ping\n\n"
        event, self._next = self._next, None
        return _encode_event(event.result())

    async def aclose(self):
        if self._next is not None:
            self._next.cancel()
            await _asyncio.gather(self._next, return_exceptions=True)
        if hasattr(self._events, "aclose"):
            await self._events.aclose()


class QueryParams(_Mapping):
    """The first value of each name; getall(name) gives all of them, multi_items() every pair in order."""

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs=()):
        self._pairs = pairs = _pairs_of(pairs)
        self._first = first = {}
        for name, value in pairs:
            first.setdefault(name, value)

    def __getitem__(self, name):
        return self._first[name]

    def __iter__(self):
        return iter(self._first)

    def __len__(self):
        return len(self._first)

    def __contains__(self, name):
        return name in self._first

    def get(self, name, default=None):
        return self._first.get(name, default)

    def getall(self, name):
        return [value for key, value in self._pairs if key == name]

    def multi_items(self):
        return list(self._pairs)

    def __repr__(self):
        return f"QueryParams({self._pairs!r})"


class Headers(_Mapping):
    """The fields of a request: names without regard to case, values as Latin-1 text. headers[name] is the first value,
    getall(name) all of them; keys(), values() and items() go over every field as received, repeated ones included."""

    __slots__ = ("_first", "_pairs")

    def __init__(self, pairs=()):
        self._pairs = pairs = _pairs_of(pairs)
        self._first = first = {}
        for name, value in pairs:
            first.setdefault(name.lower(), value)

    def __getitem__(self, name):
        try:
            return self._first[name.lower()]
        except KeyError:
            raise KeyError(name) from None

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self._pairs)

    def __contains__(self, name):
        return isinstance(name, str) and name.lower() in self._first

    def __eq__(self, other):
        if not isinstance(other, Headers):
            return NotImplemented
        return sorted((n.lower(), v) for n, v in self._pairs) == sorted((n.lower(), v) for n, v in other._pairs)

    __hash__ = None

    def get(self, name, default=None):
        return self._first.get(name.lower(), default)

    def getall(self, name):
        name = name.lower()
        return [value for key, value in self._pairs if key.lower() == name]

    def keys(self):
        return [name for name, _ in self._pairs]

    def values(self):
        return [value for _, value in self._pairs]

    def items(self):
        return list(self._pairs)

    def __repr__(self):
        return f"Headers({self._pairs!r})"


def _pairs_of(source):
    if type(source) is list:
        return source
    return list(source.items()) if hasattr(source, "items") else [(name, value) for name, value in source]


def _parse_cookies(fields):
    """The pairs of all Cookie fields (RFC 6265 §5.4), values as they are; of a repeated name the last value counts."""
    cookies = {}
    for field in fields:
        for pair in field.split(";"):
            name, equals, value = pair.partition("=")
            name = name.strip(" \t")
            if equals and name:
                cookies[name] = value.strip(" \t")
    return cookies


def _parse_json(body):
    try:
        return _json.loads(body)
    except ValueError as error:  # UnicodeDecodeError is one
        raise _InvalidJSON(400, f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise _InvalidJSON(400, "the body is not JSON: nested too deeply") from error


class _BodyStream:
    """A body piece by piece, for `for` and for `async for`."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._pieces)

    def __aiter__(self):
        return self

    async def __anext__(self):
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class Request:
    """Stands in for the server's request in unit tests. `query` and `headers` may be mappings, pairs, or for the query a string;
    `body` bytes, text (sent as UTF-8), or an iterable of pieces for stream()."""

    def __init__(
        self,
        method="GET",
        path="/",
        *,
        path_params=None,
        query=(),
        headers=(),
        body=b"",
        client=("127.0.0.1", 50000),
        id="test",
        route="test",
        arm=None,
        shadow=False,
    ):
        self.method = method
        self.path = path
        self.path_params = dict(path_params or {})
        if isinstance(query, str):
            query = _parse_qsl(query, keep_blank_values=True)
        self.query_params = QueryParams(query)
        self.headers = Headers(headers)
        self.client = client
        self.id = id
        self.route = route
        self.arm = arm
        self.shadow = shadow
        if isinstance(body, str):
            body = body.encode()
        self._pieces = None if isinstance(body, bytes) else body
        self._body = body if isinstance(body, bytes) else None

    @property
    def cookies(self):
        return _parse_cookies(self.headers.getall("cookie"))

    @property
    def body(self):
        if self._body is None:
            raise RuntimeError("the body of a streamed request is read with stream()")
        return self._body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return _parse_json(self.body)

    def stream(self):
        if self._pieces is not None:
            return _BodyStream(self._pieces)
        return _BodyStream([self._body] if self._body else [])

    def __repr__(self):
        return f"<Request {self.method} {self.path}>"


_PlainRequest = Request  # in the server too, where `Request` is another
