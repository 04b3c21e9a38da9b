#!/usr/bin/python3
"""What viewers of the dashboard cost: turns with and without them, one after the other, at the same load.

    ./tandem-dev bench viewers [--viewers N] [--turns N] [--seconds N] [--routes N] [--rate N]

Every arm of every route is asked for, at a constant rate that leaves the server room, so that CPU time can be compared. A turn
is one with viewers and one without, in an order that changes; the figures are the server's own CPU time, that of its threads
beside the I/O threads, of which one makes the events and one the verdicts, and how long requests took that a further client sent
every 5 ms, from the moment each was due. That client and the viewers are processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = ROOT / "build" / "release" / "tandem"
ARMS = "abcd"
SETTLING = 2.0  # seconds between the viewers' coming and the measurement


def config(routes: int, folder: pathlib.Path) -> dict:
    return {
        "listen": ["127.0.0.1:0"],
        "admin": {"listen": "127.0.0.1:0"},
        "threads": 1,
        "pin": "open",
        "log": {"level": "warn", "access": False},
        "state_dir": str(folder / "state"),
        "routes": [
            {
                "path": f"/p{i}",
                "arms": {arm: {"native": "plaintext", "weight": 1} for arm in ARMS},
                **({"experiment": {"id": f"p{i}", "control": "a", "key": ["random"]}} if i < 3 else {}),
            }
            for i in range(routes)
        ],
    }


def cpu_by_thread(pid: int) -> dict[str, float]:
    """CPU seconds so far, by the name of the thread."""
    seconds: dict[str, float] = {}
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        name = (stat.parent / "comm").read_text().strip()
        seconds[name] = seconds.get(name, 0) + int(stat.read_text().split()[0]) / 1e9
    return seconds


async def drive(address: tuple[str, int], routes: int, rate: float, counts: list[int]) -> None:
    """One connection, one pipelined batch with a request of each route at a time."""
    reader, writer = await asyncio.open_connection(*address)
    batch = b"".join(b"GET /p%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(routes))
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        writer.write(batch)
        for _ in range(routes):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        counts[0] += routes
        due += routes / rate
        await asyncio.sleep(max(0.0, due - loop.time()))


async def watch(address: tuple[str, int], received: list[int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while data := await reader.read(1 << 20):
            received[0] += len(data)
    finally:
        writer.close()


def view(address: tuple[str, int], viewers: int, seconds: float) -> float:
    """In a process of its own: so many viewers, from now on and for so long. Bytes a second that they were told."""

    async def all_of_them() -> int:
        received = [0]
        watching = [asyncio.create_task(watch(address, received)) for _ in range(viewers)]
        await asyncio.sleep(seconds)
        for one in watching:
            one.cancel()
        return received[0]

    return asyncio.run(all_of_them()) / seconds


def probe(address: tuple[str, int], routes: int, seconds: float) -> list[float]:
    """In a process of its own: seconds that requests took, each from the moment it was due."""
    took = []
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        for number in range(int(seconds / 0.005)):
            due = begin + number * 0.005
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.sendall(b"GET /p%d HTTP/1.1\r\nHost: x\r\n\r\n" % (number % routes))
            connection.recv(1 << 16)  # a short answer comes in one piece
            took.append(time.perf_counter() - due)
    return took


class Turn:
    """What was measured with, or without, viewers: per cent of one CPU, milliseconds."""

    def __init__(self, before: dict[str, float], after: dict[str, float], seconds: float, took: list[float]):
        spent = {name: (after[name] - before.get(name, 0)) / seconds * 100 for name in after}
        centiles = statistics.quantiles(took, n=100)
        self.server = sum(spent.values())
        self.beside = sum(value for name, value in spent.items() if name in ("tandem-admin", "tandem-steer"))
        self.p50, self.p99 = centiles[49] * 1000, centiles[98] * 1000


def tell(turns: dict[bool, list[Turn]]) -> None:
    """For each figure the medians, and of the differences within a turn the median and both ends."""
    for what, name, unit in (
        ("whole server", "server", "% of one CPU"),
        ("admin and experiments' threads", "beside", "% of one CPU"),
        ("p50 of live requests", "p50", "ms"),
        ("p99 of live requests", "p99", "ms"),
    ):
        without, watched = ([getattr(turn, name) for turn in turns[which]] for which in (False, True))
        differences = [b - a for a, b in zip(without, watched)]
        print(
            f"{what}, {unit}: {statistics.median(without):.2f} without, {statistics.median(watched):.2f} with; "
            f"difference {statistics.median(differences):.2f} (from {min(differences):.2f} to {max(differences):.2f})"
        )


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ProcessPoolExecutor(2) as beside:
        folder = pathlib.Path(name)
        (folder / "tandem.json").write_text(json.dumps(config(options.routes, folder)))
        server = subprocess.Popen([BINARY, "serve", folder / "tandem.json"], stdout=subprocess.PIPE, text=True)
        try:
            addresses = {}
            for line in server.stdout:
                if " on http://" in line:
                    host, port = line.strip().split("http://")[1].split(":")
                    addresses[line.split(" ")[0]] = (host, int(port))
                if line.startswith("ready"):
                    break
            loop = asyncio.get_running_loop()
            counts = [0]
            load = asyncio.create_task(drive(addresses["listening"], options.routes, options.rate, counts))
            await asyncio.sleep(3)
            turns: dict[bool, list[Turn]] = {True: [], False: []}
            for number in range(options.turns):
                for watched in (number % 2 == 0, number % 2 == 1):
                    viewers = options.viewers if watched else 0
                    viewing = loop.run_in_executor(beside, view, addresses["admin"], viewers, options.seconds + SETTLING + 1)
                    await asyncio.sleep(SETTLING)
                    counts[0] = 0
                    before = cpu_by_thread(server.pid)
                    took = await loop.run_in_executor(beside, probe, addresses["listening"], options.routes, options.seconds)
                    turns[watched].append(Turn(before, cpu_by_thread(server.pid), options.seconds, took))
                    rate = counts[0] / options.seconds
                    told = await viewing
                    print(f"turn {number + 1}, {viewers} viewers: {rate:,.0f} requests/s, {told / 1024:.0f} KiB/s of events", file=sys.stderr)
            load.cancel()
        finally:
            server.terminate()
            server.wait()
    print(f"{options.routes} routes x {len(ARMS)} arms, {options.viewers} viewers, {options.turns} turns of {options.seconds:g} s")
    tell(turns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--routes", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5000, help="requests a second")
    asyncio.run(run(parser.parse_args()))
