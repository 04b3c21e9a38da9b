"""A WebSocket client (RFC 6455) that sends exactly the frames it is told, broken ones too, and shows what comes back."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from support.client import Answer, Connection, ConnectionEnded, request_bytes

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
EMPTY_BLOCK = b"\x00\x00\xff\xff"


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    compressed: bool = False


def handshake_bytes(target: str, fields: dict[str, str] | None = None, key: str | None = None) -> bytes:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
    }
    return request_bytes("GET", target, {**headers, **(fields or {})})


def frame_bytes(
    opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bytes | None = b"\x01\x02\x03\x04", reserved: int = 0
) -> bytes:
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    masked = 0x80 if mask is not None else 0
    if len(payload) < 126:
        head += bytes([masked | len(payload)])
    elif len(payload) < 1 << 16:
        head += bytes([masked | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", len(payload))
    if mask is None:
        return head + payload
    return head + mask + apply_mask(payload, mask)


def apply_mask(payload: bytes, mask: bytes) -> bytes:
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(payload), "big")


class WebSocket:
    """An open WebSocket on a connection of its own. `answer` is the 101."""

    def __init__(self, address: Any, target: str, fields: dict[str, str] | None = None, behind: bytes = b""):
        """`behind` is sent in one go with the handshake."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.connection = Connection(address)
        self.connection.send(handshake_bytes(target, fields, key) + behind)
        self.answer: Answer = self.connection.read_head()
        assert self.answer.status == 101, (self.answer.status, self.answer.fields)
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert self.answer.get("sec-websocket-accept") == accept
        extensions = self.answer.get("sec-websocket-extensions") or ""
        self.compresses = extensions.startswith("permessage-deflate")
        self._inflate = zlib.decompressobj(-15)

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, data: str | bytes, pieces: int = 1) -> None:
        """A message in that many frames."""
        opcode, payload = (TEXT, data.encode()) if isinstance(data, str) else (BINARY, data)
        size = len(payload) // pieces + 1
        for number in range(pieces):
            part = payload[number * size : (number + 1) * size]
            self.send_frame(opcode if number == 0 else CONTINUATION, part, fin=number == pieces - 1)

    def send_compressed(self, data: str) -> None:
        packer = zlib.compressobj(wbits=-15)
        payload = packer.compress(data.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(EMPTY_BLOCK)
        self.send_frame(TEXT, payload[:-4], reserved=4)

    def send_frame(self, opcode: int, payload: bytes = b"", **how: Any) -> None:
        self.connection.send(frame_bytes(opcode, payload, **how))

    def send_close(self, code: int | None = 1000, reason: str = "") -> None:
        self.send_frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())

    def read_frame(self) -> Frame:
        first, second = self.connection.read_exactly(2)
        assert not second & 0x80, "a server must not mask"
        assert not first & 0x30, "reserved bits"
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.connection.read_exactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.connection.read_exactly(8))
        payload = self.connection.read_exactly(length)
        return Frame(first & 0x0F, payload, bool(first & 0x80), bool(first & 0x40))

    def read(self) -> str | bytes:
        """The next message. Control frames may not come in between."""
        frame = self.read_frame()
        assert frame.opcode in (TEXT, BINARY), frame
        return self.rest_of(frame)

    def rest_of(self, frame: Frame) -> str | bytes:
        """The message that began with that frame."""
        opcode, compressed, payload = frame.opcode, frame.compressed, frame.payload
        while not frame.fin:
            frame = self.read_frame()
            assert frame.opcode == CONTINUATION, frame
            payload += frame.payload
        if compressed:
            payload = self._inflate.decompress(payload + EMPTY_BLOCK)
        return payload.decode() if opcode == TEXT else payload

    def read_close(self) -> tuple[int | None, str]:
        frame = self.read_frame()
        assert frame.opcode == CLOSE, frame
        if not frame.payload:
            return None, ""
        return struct.unpack("!H", frame.payload[:2])[0], frame.payload[2:].decode()

    def expect_close(self, code: int | None, reason: str | None = None) -> None:
        """The server closes with that, and ends the connection once it is echoed."""
        got = self.read_close()
        assert got[0] == code and reason in (None, got[1]), got
        self.send_close(code)
        self.expect_end()

    def expect_end(self) -> None:
        self.connection.finish_sending()
        try:
            self.connection.expect_end()
        except ConnectionEnded:
            pass
