"""Plays the front against a real worker: frames in and out, as docs/worker-protocol.md has them."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import textwrap
import time
from typing import Any, NamedTuple

from support.server import binary, has_report

REQUEST_HEAD, REQUEST_BODY, CREDIT, MESSAGE, CLOSE = 1, 2, 3, 4, 5
RESPONSE_HEAD, RESPONSE_BODY, RESPONSE_END, ERROR, REQUEST_CREDIT = 16, 17, 18, 19, 20
WORKER_MESSAGE, WORKER_CLOSE, INFORMATIONAL = 21, 22, 23
HELLO, CANCEL, REVOKE, PING, DRAIN = 32, 33, 34, 35, 36
STARTING, READY, FAILED, LOG, PONG, REVOKED = 48, 49, 50, 51, 52, 53
END, STREAMED, TEXT = 1, 2, 4
OUT_OF_TIME, CLIENT_GONE = b"\0", b"\1"  # payload of CANCEL
UNKNOWN = 2**64 - 1
INITIAL_CREDIT = 256 * 1024
METHODS = {"GET": 1, "HEAD": 2, "POST": 3, "PUT": 4, "DELETE": 5}
KNOWN_FIELDS = {"host": 1, "content-length": 3, "content-type": 4, "transfer-encoding": 5, "cookie": 7}
PATIENCE = 60.0  # seconds; an expired wait is a failure, never a way to pass


class Frame(NamedTuple):
    type: int
    flags: int
    id: int
    payload: bytes


class Answer(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    streamed: bool
    content_length: int
    timing: tuple[int, int, int]
    code: str | None = None
    detail: str = ""
    traceback: str = ""

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        return json.loads(self.body)


class Pipe:
    """One socket, in frames."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.received = b""

    def send(self, *frames: bytes) -> None:
        self.socket.sendall(b"".join(frames))

    def read(self) -> Frame:
        while True:
            if len(self.received) >= 16:
                length, kind, flags, reserved, number = struct.unpack("<IBBHQ", self.received[:16])
                assert reserved == 0
                if len(self.received) >= 16 + length:
                    payload, self.received = self.received[16 : 16 + length], self.received[16 + length :]
                    return Frame(kind, flags, number, payload)
            ready, _, _ = select.select([self.socket], [], [], PATIENCE)
            assert ready, "the worker said nothing"
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError("the worker closed the socket")
            self.received += data

    def is_silent(self) -> bool:
        return not self.received and not select.select([self.socket], [], [], 0)[0]


def frame(kind: int, number: int = 0, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack("<IBBHQ", len(payload), kind, flags, 0, number) + payload


def request_head(
    number: int,
    endpoint: int = 0,
    method: str = "GET",
    path: bytes = b"/",
    query: bytes = b"",
    params: dict[str, bytes] | None = None,
    fields: list[tuple[bytes, bytes]] | None = None,
    client: bytes = b"192.0.2.7",
    request_id: bytes = b"req-1",
    route: bytes = b"test",
    arm: bytes = b"",
    root_path: bytes = b"",
    server: bytes = b"198.51.100.1",
    server_port: int = 8080,
    scheme: bytes = b"http",
    authority: bytes = b"tandem.test",
    target: bytes | None = None,
    raw_path: bytes | None = None,
    version: int = 11,
    shadow: bool = False,
    websocket: bool = False,
    measure_cpu: bool = False,
    body: bytes = b"",
    end: bool = True,
    content_length: int | None = None,
) -> bytes:
    strings = b""

    def ref(text: bytes) -> bytes:
        nonlocal strings
        strings += text
        return struct.pack("<II", len(strings) - len(text), len(text))

    texts = [
        method.encode(), path if target is None else target, path, path if raw_path is None else raw_path, query, scheme,
        authority, client, request_id, route, arm, root_path, server,
    ]  # fmt: skip
    refs = b"".join(ref(text) for text in texts)
    params_part = b"".join(ref(name.encode()) + ref(value) for name, value in (params or {}).items())
    fields_part = b"".join(
        struct.pack("<I", KNOWN_FIELDS.get(name.decode("latin-1").lower(), 0)) + ref(name) + ref(value)
        for name, value in (fields or [])
    )
    head = struct.pack(
        "<HHBBBBIIQ", endpoint, len(fields or []), len(params or {}), version, METHODS.get(method, 0), int(shadow) | 2 * int(websocket) | 4 * int(measure_cpu), 0, len(strings),
        len(body) if content_length is None else content_length,
    )  # fmt: skip
    payload = head + refs + struct.pack("<HHHH", 40000, server_port, 0, 0) + params_part + fields_part + strings + body
    return frame(REQUEST_HEAD, number, payload, END if end else 0)


class Worker:
    def __init__(
        self,
        folder: pathlib.Path,
        source: str,
        endpoints: list[str | dict[str, Any]],
        threads: int = 1,
        io_threads: int = 1,
        wait: bool = True,
        **hello: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app.py").write_text(textwrap.dedent(source))
        self.threads, self.io_threads = threads, io_threads
        self.numbers = itertools.count(1)
        self.steps: list[str] = []
        self.logs: list[tuple[int, str, str, str]] = []
        lanes = (threads + 1) * io_threads
        pairs = [socket.socketpair() for _ in range(lanes + 1)]
        theirs = [pair[1] for pair in pairs]

        # Whatever numbers the descriptors have here, there they are 3, 4, …: first out of the way, then into place.
        def arrange() -> None:
            high = [os.dup2(one.fileno(), 100 + i, inheritable=True) for i, one in enumerate(theirs)]
            for i, one in enumerate(high):
                os.dup2(one, 3 + i, inheritable=True)
                os.close(one)

        self.stderr = open(folder / "stderr.txt", "w+")
        self.process = subprocess.Popen(
            [binary(), "worker", "--fd", "3", "--lanes", str(lanes)],
            preexec_fn=arrange, close_fds=False, stdin=subprocess.DEVNULL, stdout=self.stderr, stderr=self.stderr,
        )  # fmt: skip
        for one in theirs:
            one.close()
        self.control = Pipe(pairs[0][0])
        self.lanes = [Pipe(pair[0]) for pair in pairs[1:]]
        message = {
            "protocol": 1, "pool": "python", "name": "python-0", "io_threads": io_threads, "threads": threads,
            "async_capacity": 1000, "path": [str(folder)], "home": None, "mode": "process", "debug": False,
            "endpoints": [{"kind": "function", "stream": False, **({"target": one} if isinstance(one, str) else one)} for one in endpoints],
            **hello,
        }  # fmt: skip
        self.control.send(frame(HELLO, payload=json.dumps(message).encode()))
        self.first = self._control_frame(READY, FAILED)
        self.told = json.loads(self.first.payload)
        if wait:
            assert self.first.type == READY, self.told
            self.kinds = [one["executor"] for one in self.told["endpoints"]]

    def close(self) -> None:
        for pipe in [self.control, *self.lanes]:
            pipe.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        said = self.stderr_text()
        self.stderr.close()
        assert not has_report(said), said

    def _control_frame(self, *wanted: int) -> Frame:
        while True:
            one = self.control.read()
            if one.type in wanted:
                return one
            self._note(one)

    def _note(self, one: Frame) -> None:
        if one.type == STARTING:
            self.steps.append(one.payload.decode())
        elif one.type == LOG:
            strings = one.payload[32:]
            refs = struct.unpack("<6I", one.payload[8:32])
            texts = [strings[refs[i] : refs[i] + refs[i + 1]].decode() for i in (0, 2, 4)]
            self.logs.append((one.payload[0], *texts))
        else:
            raise AssertionError(f"unexpected control frame {one}")

    def control_frame(self, wanted: int) -> Frame:
        return self._control_frame(wanted)

    def wait_for_log(self, text: str) -> tuple[int, str, str, str]:
        while True:
            for one in self.logs:
                if text in one[2]:
                    return one
            self._note(self.control.read())

    def lane_of(self, endpoint: int, io_thread: int = 0, executor: int | None = None) -> Pipe:
        if executor is None:
            executor = self.threads if self.kinds[endpoint] == "async" else 0
        return self.lanes[executor * self.io_threads + io_thread]

    def start(self, endpoint: int = 0, **request: Any) -> int:
        """Sends a request; its number."""
        number = next(self.numbers)
        self.lane_of(endpoint).send(request_head(number, endpoint, **request))
        return number

    def call(self, endpoint: int = 0, **request: Any) -> Answer:
        number = self.start(endpoint, **request)
        return self.answer(self.lane_of(endpoint), number)

    def answer(self, lane: Pipe, number: int) -> Answer:
        """Gathers the answer of the request, granting credit as it goes."""
        first = lane.read()
        assert first.id == number, first
        if first.type == ERROR:
            return error_of(first)
        assert first.type == RESPONSE_HEAD, first
        status, _, fields_length, content_length, *timing = struct.unpack("<HHIQQQQ", first.payload[:40])
        lines = first.payload[40 : 40 + fields_length].decode("latin-1").split("\r\n")[:-1]
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        body = first.payload[40 + fields_length :]
        streamed = bool(first.flags & STREAMED)
        last = first
        while not last.flags & END:
            last = lane.read()
            assert last.id == number
            if last.type == RESPONSE_BODY:
                assert len(last.payload) <= 64 * 1024
                body += last.payload
                if streamed:
                    lane.send(frame(CREDIT, number, struct.pack("<I", len(last.payload))))
            elif last.type == ERROR:
                return error_of(last)._replace(status=status, body=body)
            else:
                assert last.type == RESPONSE_END and last.flags & END
                timing = list(struct.unpack("<QQQ", last.payload))
        return Answer(status, headers, body, streamed, content_length, tuple(timing))

    def drain(self) -> int:
        self.control.send(frame(DRAIN))
        return self.wait()

    def wait(self) -> int:
        """The exit code; what the worker still says on the control socket is noted."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._note(self.control.read())
            except (EOFError, ConnectionResetError):
                return self.process.wait(max(deadline - time.monotonic(), 0))

    def stderr_text(self) -> str:
        self.stderr.flush()
        self.stderr.seek(0)
        return self.stderr.read()


def error_of(one: Frame) -> Answer:
    status, _, _, _, *rest = struct.unpack("<HHHHQQQ8I", one.payload[:64])
    strings = one.payload[64:]
    texts = [strings[rest[i] : rest[i] + rest[i + 1]].decode() for i in (3, 5, 7, 9)]
    headers = [tuple(line.split(": ", 1)) for line in texts[3].split("\r\n")[:-1]]
    return Answer(status, headers, b"", False, 0, tuple(rest[:3]), texts[0], texts[1], texts[2])
