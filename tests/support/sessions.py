"""Scripted sessions of raw HTTP requests, played against two servers of the same application, and what differs between the answers.

A script is a function of a Player. The player sends what the script says, carries cookies like a browser, and writes down every
answer with what is different at every run (tokens, times) replaced by a word. Nothing else is replaced: each rule stands below."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable

from support.client import Answer, Connection, ConnectionEnded, request_bytes
from support.websocket import BINARY, CLOSE, TEXT, WebSocket

HOST = "tandem.test"
SHOWN = 400  # characters of a body around the first difference


# --- what is different at every run -------------------------------------------------------------------------------------


def without_signature(value: str) -> str:
    """A session of Starlette or Flask (payload.time.signature, as itsdangerous signs it): the payload alone."""
    payload = value.strip('"').lstrip(".").split(".")[0]
    try:
        return "<signed " + base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("utf-8", "replace") + ">"
    except ValueError:
        return value


COOKIES: dict[str, Callable[[str], str]] = {
    "session": without_signature,
    "csrftoken": lambda value: "<token>",  # Django's, random
    "sessionid": lambda value: "<id>" if value != '""' else value,  # Django's, random
    "messages": lambda value: "<messages>" if value != '""' else value,  # Django's, signed
    "signed": lambda value: value.split(":")[0],  # Django's set_signed_cookie: value:time:signature
}


def stable_cookie(value: str) -> str:
    """One Set-Cookie line."""
    name, _, rest = value.partition("=")
    content, semicolon, attributes = rest.partition(";")
    if name in COOKIES:
        content = COOKIES[name](content)
    attributes = re.sub(r"(?i)expires=(?!Thu, 01 Jan 1970)[^;]+", "expires=<time>", attributes)
    return f"{name}={content}{semicolon}{attributes}"


def stable_field(name: str, value: str) -> tuple[str, str]:
    name = name.lower()
    if name == "set-cookie":
        value = stable_cookie(value)
    elif name == "allow":
        value = ", ".join(sorted(value.replace(" ", "").split(",")))  # frameworks write out a set
    elif name == "expires":
        value = "<time>"
    elif name in ("content-type", "content-range"):  # Starlette 0.46 has it in the wrong one
        value = re.sub(r"boundary=.*", "boundary=<random>", value)
    return name, value


DEBUG_PAGE = re.compile(r'<title>(.*?)</title>.*?class="exception_value">(.*?)</pre>', re.DOTALL)


def is_debug_page(answer: Answer) -> bool:
    """Django's page about an exception, which its DEBUG shows."""
    return answer.status >= 400 and b'<div id="traceback">' in answer.body


def has_random_length(answer: Answer) -> bool:
    """Debug pages, and what Django compressed: RFC 1952, §2.3, FNAME."""
    named = answer.get("content-encoding") == "gzip" and len(answer.body) > 3 and bool(answer.body[3] & 8)
    return named or is_debug_page(answer)


def stable_body(answer: Answer) -> bytes:
    body = answer.body
    encoding = answer.get("content-encoding")
    if encoding == "gzip" and body:
        return b"<gzip>" + gzip.decompress(body)  # its head has a time, and in Django a file name of random length
    kind = answer.type or ""
    if boundary := re.search(r"multipart/byteranges; ?boundary=(\S+)", f"{kind} {answer.get('content-range')}"):
        return body.replace(boundary[1].encode(), b"<random>")
    if kind.startswith("text/html"):
        if is_debug_page(answer):
            # It lists the process: settings, environment, addresses of objects. What was raised stays.
            found = DEBUG_PAGE.search(body.decode())
            assert found, body[:2000]
            return " ".join(part.strip() for part in found.groups()).encode()
        body = re.sub(rb'(name="csrfmiddlewaretoken" value=")[^"]+', rb"\1<token>", body)
        body = re.sub(rb"nonce-[\w-]+", b"nonce-<random>", body)
    if len(body) > 1 << 20:
        return f"<{len(body)} bytes, {hashlib.sha256(body).hexdigest()}>".encode()
    return body


# --- playing ------------------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """One thing a session saw, ready to be compared."""

    label: str
    status: int | str
    reason: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    interim: list[int] = field(default_factory=list)
    complete: bool = True


class Player:
    def __init__(self, address: Any):
        self.address = address
        self.steps: list[Step] = []
        self.jar: dict[str, str] = {}

    # --- one request on a connection of its own

    def request(
        self,
        method: str,
        target: str,
        headers: Any = (),
        body: bytes | None = None,
        *,
        mask: Iterable[str] = (),
        stable: Callable[[bytes], bytes] | None = None,
        cookies: bool = True,
        **rest: Any,
    ) -> Answer:
        """`mask`: names of fields whose values are made from times or random numbers here. `stable`: what to compare of the body."""
        with Connection(self.address) as connection:
            try:
                connection.send(request_bytes(method, target, self._fields(headers, cookies), body, host=HOST, **rest))
            except (BrokenPipeError, ConnectionResetError):
                pass  # answered and closed before it was all sent: the answer tells
            return self.receive(connection, method, f"{method} {target}", mask=mask, stable=stable, cookies=cookies)

    def get(self, target: str, headers: Any = (), **rest: Any) -> Answer:
        return self.request("GET", target, headers, **rest)

    def head(self, target: str, headers: Any = (), **rest: Any) -> Answer:
        return self.request("HEAD", target, headers, **rest)

    def post(self, target: str, body: bytes | None = b"", headers: Any = (), **rest: Any) -> Answer:
        return self.request("POST", target, headers, body, **rest)

    def json(self, method: str, target: str, document: Any, headers: Iterable[tuple[str, str]] = (), **rest: Any) -> Answer:
        fields = [("Content-Type", "application/json"), *headers]
        return self.request(method, target, fields, json.dumps(document).encode(), **rest)

    def form(self, target: str, pairs: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]] = (), **rest: Any) -> Answer:
        from urllib.parse import urlencode

        fields = [("Content-Type", "application/x-www-form-urlencoded"), *headers]
        return self.request("POST", target, fields, urlencode(list(pairs)).encode(), **rest)

    def multipart(self, target: str, parts: Iterable[Any], headers: Iterable[tuple[str, str]] = (), **rest: Any) -> Answer:
        """parts: (name, value), or (name, filename, content type, bytes)."""
        kind, body = multipart(parts)
        return self.request("POST", target, [("Content-Type", kind), *headers], body, **rest)

    # --- a connection of the script's own

    def connect(self) -> Connection:
        return Connection(self.address)

    def send(self, connection: Connection, method: str, target: str, headers: Any = (), body: bytes | None = None, **rest: Any) -> None:
        connection.send(request_bytes(method, target, self._fields(headers, True), body, host=HOST, **rest))

    def receive(self, connection: Connection, method: str, label: str, **rest: Any) -> Answer:
        """Reads an answer and writes it down."""
        try:
            answer = connection.read(method)
        except ConnectionEnded as end:
            self.steps.append(Step(label, "connection ended", body=end.received))
            return Answer(0, "", "", [], complete=False)
        self.record(label, answer, **rest)
        return answer

    def raw(self, data: bytes, *methods: str, label: str | None = None, **rest: Any) -> list[Answer]:
        """Sends exactly that and reads an answer for each method."""
        with self.connect() as connection:
            connection.send(data)
            shown = label or data[:60].decode("latin-1")
            return [self.receive(connection, method, f"{shown} [{number}]", **rest) for number, method in enumerate(methods)]

    def abandon(self, target: str, after: int) -> None:
        """Reads so many bytes of an answer and resets the connection."""
        connection = self.connect()
        self.send(connection, "GET", target)
        connection.read_exactly(after)
        connection.abort()

    def until(self, target: str, wanted: Callable[[Answer], bool], what: str, stable: Callable[[bytes], bytes] | None = None) -> Answer:
        """Asks again and again, and writes down only the answer that was waited for."""
        from support.client import fetch
        from support.server import wait_until

        last: list[Answer] = []

        def asked() -> bool:
            last[:] = [fetch(self.address, "GET", target, self._fields((), True), host=HOST)]
            return wanted(last[0])

        wait_until(asked, what)
        self.record(f"until {what}", last[0], stable=stable)
        return last[0]

    # --- WebSockets

    def websocket(self, target: str, fields: dict[str, str] | None = None) -> WebSocket:
        cookies = dict(self._fields((), True))
        socket = WebSocket(self.address, target, {**cookies, **(fields or {})})
        self.record(f"WebSocket {target}", socket.answer, mask=("sec-websocket-accept",))
        return socket

    def hear(self, socket: WebSocket, label: str, code_only: bool = False) -> None:
        """Writes down the next message, pong, close (without its reason where that is the server's own), or end."""
        try:
            frame = socket.read_frame()
        except ConnectionEnded:
            self.note(label, "connection ended")
            return
        if frame.opcode in (TEXT, BINARY):
            self.note(label, (frame.opcode, socket.rest_of(frame)))
        elif frame.opcode == CLOSE and code_only:
            self.note(label, (frame.opcode, frame.payload[:2]))
        else:
            self.note(label, (frame.opcode, frame.payload))

    # --- writing down

    def record(
        self,
        label: str,
        answer: Answer,
        *,
        mask: Iterable[str] = (),
        stable: Callable[[bytes], bytes] | None = None,
        cookies: bool = True,
    ) -> None:
        if cookies:
            self._keep_cookies(answer)
        hidden = {name.lower() for name in mask} | ({"content-length"} if has_random_length(answer) else set())
        fields = [stable_field(name, value) for name, value in answer.fields]
        fields = [(name, "<masked>" if name in hidden else value) for name, value in fields]
        body = stable(answer.body) if stable else stable_body(answer)
        for name in COOKIES:
            if len(self.jar.get(name, "")) > 8:  # an application may tell what it was sent
                body = body.replace(self.jar[name].encode(), f"<cookie {name}>".encode())
        self.steps.append(Step(label, answer.status, answer.reason, fields, body, answer.interim, answer.complete))

    def note(self, label: str, value: Any) -> None:
        """Anything else that was seen."""
        self.steps.append(Step(label, repr(value)))

    # --- cookies

    def _fields(self, headers: Any, cookies: bool) -> list[tuple[str, str]]:
        fields = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if cookies and self.jar and not any(name.lower() == "cookie" for name, _ in fields):
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        return fields

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.getall("set-cookie"):
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if re.search(r"(?i)max-age=0(;|$)|Thu, 01 Jan 1970", attributes):
                self.jar.pop(name, None)
            else:
                self.jar[name] = value


def multipart(parts: Iterable[Any]) -> tuple[str, bytes]:
    boundary = "----tandem-boundary-7d1f"
    pieces = []
    for part in parts:
        if len(part) == 2:
            name, value = part
            head = f'Content-Disposition: form-data; name="{name}"\r\n'
            data = value.encode()
        else:
            name, filename, kind, data = part
            head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n'
        pieces.append(f"--{boundary}\r\n{head}\r\n".encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces) + f"--{boundary}--\r\n".encode()


def csrf_token(answer: Answer) -> str:
    found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', answer.body)
    assert found, answer.body
    return found[1].decode()


# --- comparing ----------------------------------------------------------------------------------------------------------


@dataclass
class Difference:
    step: str  # the step's label
    what: str  # "label" (the script went another way), "status", "reason", "body", "complete", "interim", or the lower-case name of a field
    reference: Any  # the value, or the field's values in order
    tandem: Any
    sides: tuple[Step, Step]  # the reference's and Tandem's

    def __str__(self) -> str:
        return f"{self.step}: {self.what}\n    reference {_shown(self.reference)}\n    tandem    {_shown(self.tandem)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


def differences(reference: list[Step], tandem: list[Step]) -> list[Difference]:
    """Everything in which the two transcripts differ, step by step."""
    found = []
    for one, other in zip(reference, tandem):
        sides = (one, other)
        if one.label != other.label:
            found.append(Difference(one.label, "label", one.label, other.label, sides))
            break  # what came before sent the script another way
        for what in ("status", "reason", "interim", "complete"):
            if getattr(one, what) != getattr(other, what):
                found.append(Difference(one.label, what, getattr(one, what), getattr(other, what), sides))
        for name in sorted({name for name, _ in one.fields} | {name for name, _ in other.fields}):
            mine, yours = ([value for key, value in side.fields if key == name] for side in sides)
            if mine != yours:
                found.append(Difference(one.label, name, mine, yours, sides))
        if one.body != other.body:
            at = next((n for n, (a, b) in enumerate(zip(one.body, other.body)) if a != b), min(len(one.body), len(other.body)))
            start = max(0, at - 60)
            found.append(Difference(one.label, "body", one.body[start : at + 200], other.body[start : at + 200], sides))
    return found
