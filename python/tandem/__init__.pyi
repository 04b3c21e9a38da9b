from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any, Union

__all__ = ["Cancelled", "Event", "EventStream", "HTTPError", "Headers", "QueryParams", "Request", "Response"]

_Fields = Union[Mapping[str, str], Iterable[tuple[str, str]]]
_Piece = Union[bytes, bytearray, memoryview, str]
# What may stand in an answer's body: JSON, text, bytes, nothing, or pieces that are sent as they come.
_Body = Union[dict[Any, Any], list[Any], _Piece, None, Iterator[_Piece], AsyncIterable[_Piece]]

class Cancelled(BaseException):
    """Raised in a `def` endpoint when its client has gone or its time is up. Let it pass."""

class HTTPError(Exception):
    """Ends a request with a problem answer: `raise HTTPError(404, "no such item")`."""

    status: int
    detail: str
    code: str
    headers: _Fields | None
    def __init__(
        self, status: int, detail: str = "", *, code: str = "python.http_error", headers: _Fields | None = None
    ) -> None: ...

class Response:
    """An answer with everything said. Without `content_type` it follows from the body: JSON for a dict or list,
    `text/plain; charset=utf-8` for text, `application/octet-stream` for bytes and streams."""

    body: _Body
    status: int
    headers: _Fields | None
    content_type: str | None
    def __init__(
        self, body: _Body = None, status: int = 200, headers: _Fields | None = None, content_type: str | None = None
    ) -> None: ...

class Event:
    """One server-sent event. `data` is text, or what is sent as JSON; `retry` counts milliseconds."""

    data: Any
    event: str | None
    id: str | int | None
    retry: int | None
    comment: str | None
    def __init__(
        self,
        data: Any = None,
        event: str | None = None,
        id: str | int | None = None,
        retry: int | None = None,
        comment: str | None = None,
    ) -> None: ...
    def encode(self) -> bytes:
        """Its bytes on the wire."""

_Event = Union[str, dict[str, Any], Event]

class EventStream(Response):
    """Answers with server-sent events: text, dicts of Event's arguments, or Event objects. An asynchronous iterable needs an
    `async def` endpoint; `ping`, for these, is the silence in seconds after which a comment is sent."""

    def __init__(
        self,
        events: Iterable[_Event] | AsyncIterable[_Event],
        *,
        ping: float | None = None,
        status: int = 200,
        headers: _Fields | None = None,
    ) -> None: ...

class QueryParams(Mapping[str, str]):
    """The first value of each name."""

    def __init__(self, pairs: _Fields = ()) -> None: ...
    def __getitem__(self, name: str) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getall(self, name: str) -> list[str]: ...
    def multi_items(self) -> list[tuple[str, str]]: ...

class Headers(Mapping[str, str]):
    """The fields of a request, names without regard to case, values as Latin-1 text. keys(), values() and items() go over every
    field as received, repeated ones included."""

    def __init__(self, pairs: _Fields = ()) -> None: ...
    def __getitem__(self, name: str) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def getall(self, name: str) -> list[str]: ...
    def keys(self) -> list[str]: ...  # type: ignore[override]
    def values(self) -> list[str]: ...  # type: ignore[override]
    def items(self) -> list[tuple[str, str]]: ...  # type: ignore[override]

class _BodyStream:
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...

class Request:
    """One request. Constructible outside the server only, for unit tests."""

    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        *,
        path_params: Mapping[str, str] | None = None,
        query: _Fields | str = (),
        headers: _Fields = (),
        body: bytes | str | Iterable[bytes] = b"",
        client: tuple[str, int] | None = ("127.0.0.1", 50000),
        id: str = "test",
        route: str = "test",
        arm: str | None = None,
        shadow: bool = False,
    ) -> None: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str:
        """Percent-decoded."""
    @property
    def path_params(self) -> dict[str, str]: ...
    @property
    def query_params(self) -> QueryParams: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def cookies(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes:
        """RuntimeError for a route with "stream": true; see stream()."""
    @property
    def text(self) -> str:
        """The body as UTF-8; what is none becomes U+FFFD."""
    def json(self) -> Any:
        """The body as JSON; what is none is answered 400, or caught as ValueError."""
    def stream(self) -> _BodyStream:
        """The body as it arrives: `for piece in request.stream()`, in `async def` `async for`. Without "stream": true one piece."""
    @property
    def client(self) -> tuple[str, int] | None:
        """Address and port; None over a Unix socket."""
    @property
    def id(self) -> str: ...
    @property
    def route(self) -> str: ...
    @property
    def arm(self) -> str | None:
        """The arm's name; None when the route has none."""
    @property
    def shadow(self) -> bool: ...
