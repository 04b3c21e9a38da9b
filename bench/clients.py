"""Clients that wrk can't be: requests at a given rate, readers that are slow on purpose, an upload of any length."""

import asyncio
import http.client
import json
import random
import select
import socket
import time
from collections import deque


class ClientError(Exception):
    pass


# ---- short requests at a given rate, beside long ones


class _Connection:
    """A keep-alive connection for one request at a time; it is made again when the server has closed it."""

    def __init__(self, port):
        self._port = port
        self._reader = self._writer = None

    async def open(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def get(self, path):
        """The status of the answer, once all of it is there."""
        try:
            if self._writer is None:
                await self.open()
            self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self.close()
            return 0
        if b"connection: close" in head or head.startswith(b"http/1.0"):
            self.close()
        return int(head.split()[1])

    def close(self):
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None


async def _mixed(port, seconds, rate, short, long, connections):
    free = deque(_Connection(port) for _ in range(connections))
    for connection in free:
        await connection.open()
    latencies, failed = {"short": [], "long": []}, 0
    start = time.monotonic() + 0.1
    arrivals = random.Random(1)  # the same for every server

    async def ask_short(due):
        nonlocal failed
        connection = free.popleft() if free else _Connection(port)
        failed += await connection.get(short) != 200
        latencies["short"].append(time.monotonic() - due)
        free.append(connection)

    async def ask_long():
        nonlocal failed
        connection = _Connection(port)
        while (asked := time.monotonic()) < start + seconds:
            failed += await connection.get(long) != 200
            latencies["long"].append(time.monotonic() - asked)
        connection.close()

    tasks = [asyncio.create_task(ask_long())]
    due = start
    while (due := due + arrivals.expovariate(rate)) < start + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask_short(due)))
    await asyncio.gather(*tasks)
    for connection in free:
        connection.close()
    return latencies, failed


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def mixed(port, *, seconds, rate, short, long, connections=16):
    """GET `short` at `rate` a second, arriving at random, over keep-alive connections that take turns, while one more client asks
    for `long` again and again. Latencies of the short ones count from when each was due, so that one which could not be sent in
    time is not forgotten."""
    latencies, failed = asyncio.run(_mixed(port, seconds, rate, short, long, connections))
    short_ms, long_ms = ([1000 * one for one in latencies[kind]] for kind in ("short", "long"))
    return {
        "failed": failed,
        "short": len(short_ms),
        "long": len(long_ms),
        **{f"p{round(100 * share)}_ms": percentile(short_ms, share) for share in (0.5, 0.9, 0.99)},
        "max_ms": max(short_ms),
        "long_p50_ms": percentile(long_ms, 0.5),
    }


# ---- slow readers


def read_slowly(port, path, *, clients, bytes_per_second, seconds):
    """`clients` connections ask for `path`, and each reads its answer at that rate, then goes away. The bytes they took in all."""
    sockets, taken = [], 0
    try:
        for _ in range(clients):
            client = socket.socket()
            sockets.append(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.settimeout(10)
            client.connect(("127.0.0.1", port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        for client in sockets:
            start = client.recv(15)
            if not start.startswith(b"HTTP/1.1 200"):
                raise ClientError(f"GET {path} was answered {start!r}")
            taken += len(start)
            client.setblocking(False)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            allowance = passed * bytes_per_second * clients - taken
            if allowance > 0:
                readable = select.select(sockets, [], [], 0.1)[0]
                for client in readable:
                    part = client.recv(max(1, int(allowance / len(readable))))
                    if not part:
                        raise ClientError(f"GET {path} ended early")
                    taken += len(part)
            time.sleep(0.01)
    finally:
        for client in sockets:
            client.close()
    return taken


# ---- uploads


def upload(port, path, size):
    """Sends a body of `size` bytes as quickly as the server takes it. The seconds until the answer, which is to be the size."""
    piece = bytes(1 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.connect()
        began = time.monotonic()
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        for sent in range(0, size, len(piece)):
            connection.sock.sendall(piece[: size - sent])
        response = connection.getresponse()
        body = response.read()
        took = time.monotonic() - began
    except http.client.HTTPException as error:
        raise ClientError(f"POST {path} has no proper answer: {error!r}") from None
    finally:
        connection.close()
    if response.status != 200 or body != str(size).encode():
        raise ClientError(f"POST {path} of {size} bytes was answered {response.status} {body[:200]!r}")
    return took


# ---- the admin side


def reload(port):
    """Asks for a reload and waits for it. The seconds that it took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        began = time.monotonic()
        connection.request("POST", "/api/v1/reload", headers={"Content-Length": "0"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        problem = json.loads(body).get("title") if body.startswith(b"{") else body[:200]
        raise ClientError(f"the reload was answered {response.status}: {problem}")
    return time.monotonic() - began
