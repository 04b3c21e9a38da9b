#!/usr/bin/python3
"""What viewers of the dashboard cost: turns with and without them, one after the other, at the same load.

    ./tandem-dev bench viewers [--viewers N] [--turns N] [--seconds N] [--routes N] [--rate N]

Every arm of every route is asked for, at a constant rate that leaves the server room, so that CPU time can be compared. A turn
is one with viewers and one without, in an order that changes; the figures are the server's own CPU time and that of its threads
beside the I/O threads, of which one makes the events and one the verdicts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = ROOT / "build" / "release" / "tandem"
ARMS = "abcd"


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


async def view(address: tuple[str, int], received: list[int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while data := await reader.read(1 << 20):
            received[0] += len(data)
    finally:
        writer.close()


async def measure(pid: int, seconds: float) -> tuple[float, float]:
    """CPU seconds a second, of all threads and of those that do not serve requests."""
    before = cpu_by_thread(pid)
    await asyncio.sleep(seconds)
    after = cpu_by_thread(pid)
    spent = {name: (after[name] - before.get(name, 0)) / seconds for name in after}
    beside = sum(value for name, value in spent.items() if name in ("tandem-admin", "tandem-steer"))
    return sum(spent.values()), beside


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
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
            counts, received = [0], [0]
            load = asyncio.create_task(drive(addresses["listening"], options.routes, options.rate, counts))
            await asyncio.sleep(3)
            figures: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
            for turn in range(options.turns):
                for watched in (turn % 2 == 0, turn % 2 == 1):
                    viewers = [asyncio.create_task(view(addresses["admin"], received)) for _ in range(options.viewers if watched else 0)]
                    await asyncio.sleep(2)
                    counts[0] = received[0] = 0
                    figures[watched].append(await measure(server.pid, options.seconds))
                    told = f"{received[0] / options.seconds / 1024:.0f} KiB/s of events" if watched else "nobody watches"
                    print(f"turn {turn + 1}: {counts[0] / options.seconds:,.0f} requests/s, {told}", file=sys.stderr)
                    for viewer in viewers:
                        viewer.cancel()
            load.cancel()
        finally:
            server.terminate()
            server.wait()
    print(f"{options.routes} routes x {len(ARMS)} arms, {options.viewers} viewers, {options.turns} turns of {options.seconds:g} s, % of one CPU:")
    for what, index in (("whole server", 0), ("admin and experiments' threads", 1)):
        without, watched = ([100 * one[index] for one in figures[which]] for which in (False, True))
        differences = [b - a for a, b in zip(without, watched)]
        print(
            f"{what}: {statistics.median(without):.2f} without, {statistics.median(watched):.2f} with; "
            f"difference {statistics.median(differences):.2f} (from {min(differences):.2f} to {max(differences):.2f})"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--routes", type=int, default=16)
    parser.add_argument("--rate", type=float, default=5000, help="requests a second")
    asyncio.run(run(parser.parse_args()))
