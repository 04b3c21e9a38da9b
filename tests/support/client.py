"""A small HTTP/1.1 client on a plain socket: it sends exactly the bytes it is told and shows exactly what came back."""

from __future__ import annotations

import contextlib
import json as json_module
import select
import socket
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator

TIMEOUT = 30.0  # no test waits for it; it only ends one that would hang


class ConnectionEnded(Exception):
    """The peer closed before a complete answer; `received` is what had come."""

    def __init__(self, received: bytes):
        super().__init__(f"connection ended after {received!r}")
        self.received = received


@dataclass
class Answer:
    status: int
    reason: str
    version: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)  # 1xx that came before
    chunks: list[bytes] | None = None  # None: not chunked
    complete: bool = True  # False: the connection ended within the body

    def get(self, name: str) -> str | None:
        for key, value in self.fields:
            if key.lower() == name.lower():
                return value
        return None

    def getall(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def type(self) -> str | None:
        return self.get("content-type")

    def json(self) -> Any:
        return json_module.loads(self.body)

    def problem(self, status: int, code: str) -> dict[str, Any]:
        """Asserts that this is that problem and returns its document."""
        assert (self.status, self.type) == (status, "application/problem+json"), (self.status, self.fields, self.body)
        document = self.json()
        assert document["status"] == status
        assert document["code"] == code, document
        assert document["title"]
        return document


def request_bytes(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] | dict[str, str] = (),
    body: bytes | None = None,
    *,
    chunks: Iterable[bytes] | None = None,
    version: str = "HTTP/1.1",
    host: str | None = "tandem.test",
) -> bytes:
    fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {name.lower() for name, _ in fields}
    if host is not None and "host" not in names:
        fields.insert(0, ("Host", host))
    payload = b""
    if chunks is not None:
        fields.append(("Transfer-Encoding", "chunked"))
        payload = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n\r\n"
    elif body is not None:
        if "content-length" not in names:
            fields.append(("Content-Length", str(len(body))))
        payload = body
    lines = [f"{method} {target} {version}"] + [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + payload


class Connection:
    """One connection to `address`: (host, port), or the path of a Unix socket."""

    def __init__(self, address: tuple[str, int] | str, timeout: float = TIMEOUT):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.ended = False

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def abort(self) -> None:
        """Closes with a reset instead of an orderly end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def finish_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def request(self, method: str, target: str, headers: Any = (), body: bytes | None = None, **rest: Any) -> Answer:
        self.send(request_bytes(method, target, headers, body, **rest))
        return self.read(method)

    def get(self, target: str, headers: Any = (), **rest: Any) -> Answer:
        return self.request("GET", target, headers, **rest)

    # --- reading -----------------------------------------------------------------------------------------------------

    def _more(self) -> bool:
        try:
            data = self.socket.recv(256 * 1024)
        except ConnectionResetError:
            data = b""
        self.ended = self.ended or not data
        self.buffer += data
        return bool(data)

    def _line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise ConnectionEnded(self.buffer)
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_exactly(self, count: int) -> bytes:
        parts = [self.buffer]
        have = len(self.buffer)
        while have < count:
            self.buffer = b""
            if not self._more():
                self.buffer = b"".join(parts)
                raise ConnectionEnded(self.buffer)
            parts.append(self.buffer)
            have += len(self.buffer)
        data = b"".join(parts)
        self.buffer = data[count:]
        return data[:count]

    def read_head(self) -> Answer:
        """The next status line and fields, 1xx included."""
        status_line = self._line().decode("latin-1")
        version, _, rest = status_line.partition(" ")
        code, _, reason = rest.partition(" ")
        assert version.startswith("HTTP/1.") and code.isdigit(), status_line
        answer = Answer(int(code), reason, version, [])
        while line := self._line():
            name, colon, value = line.decode("latin-1").partition(":")
            assert colon and name == name.strip(), line
            answer.fields.append((name, value.strip()))
        return answer

    def read(self, method: str = "GET") -> Answer:
        """The next final answer with its body; an empty connection raises ConnectionEnded."""
        interim = []
        answer = self.read_head()
        while 100 <= answer.status < 200 and answer.status != 101:
            interim.append(answer.status)
            answer = self.read_head()
        answer.interim = interim
        self.read_body(answer, method)
        return answer

    def read_body(self, answer: Answer, method: str = "GET") -> None:
        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return
        length = answer.get("content-length")
        try:
            if (answer.get("transfer-encoding") or "").lower() == "chunked":
                assert length is None
                answer.chunks = []
                for chunk in self.read_chunks():
                    answer.chunks.append(chunk)
                answer.body = b"".join(answer.chunks)
            elif length is not None:
                answer.body = self.read_exactly(int(length))
            else:
                while self._more():
                    pass
                answer.body, self.buffer = self.buffer, b""
        except ConnectionEnded as end:
            answer.complete = False
            answer.body = b"".join(answer.chunks or []) + end.received
            self.buffer = b""

    def read_chunks(self) -> Iterator[bytes]:
        while True:
            size = int(self._line().split(b";")[0], 16)
            if size == 0:
                while self._line():
                    pass
                return
            yield self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"

    def read_to_end(self) -> bytes:
        while self._more():
            pass
        rest, self.buffer = self.buffer, b""
        return rest

    def expect_end(self) -> None:
        """The peer closes the connection with nothing more to say."""
        assert self.read_to_end() == b""

    def has_data(self, within: float = 0.0) -> bool:
        """Is there something to read (or the end)?"""
        return bool(self.buffer) or bool(select.select([self.socket], [], [], within)[0])


def fetch(
    address: tuple[str, int] | str, method: str, target: str, headers: Any = (), body: bytes | None = None, **rest: Any
) -> Answer:
    """One request on a connection of its own."""
    with contextlib.closing(Connection(address)) as connection:
        return connection.request(method, target, headers, body, **rest)


class Arm:
    """A server seen through one arm: every request is pinned to it, and every answer is checked to come from it."""

    def __init__(self, server: Any, name: str):
        self.server = server
        self.name = name

    def request(self, method: str, target: str, headers: Any = (), body: bytes | None = None, **rest: Any) -> Answer:
        fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
        answer = fetch(self.server.address, method, target, [("Tandem-Arm", self.name), *fields], body, **rest)
        assert answer.get("Tandem-Arm") == self.name, (answer.status, answer.fields, answer.body[:500])
        return answer

    def get(self, target: str, headers: Any = (), **rest: Any) -> Answer:
        return self.request("GET", target, headers, **rest)

    def head(self, target: str, headers: Any = ()) -> Answer:
        return self.request("HEAD", target, headers)

    def post(self, target: str, body: bytes | None = b"", headers: Any = (), **rest: Any) -> Answer:
        return self.request("POST", target, headers, body, **rest)
