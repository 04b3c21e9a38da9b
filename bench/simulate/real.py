#!/usr/bin/python3
"""A/A on the real binary: the same C++ function as both arms of an experiment, so that any verdict but "equivalent" and "undecided" is wrong.

    ./tandem-dev simulate --real [--runs N] [--seconds N] [--rate N] [--parallel N] [--seed N]

Requests come at a constant rate whatever the server does (latency counts on the server's side), and now and then the whole server
is stopped for a while, as a busy machine would do it. Windows of 1 s, verdicts from 30 windows and 30 s on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "build" / "release" / "tandem"
CLIENTS = 2000
CONNECTIONS = 32
FINE = {"equivalent", "undecided", "too little"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def config(folder: pathlib.Path, port: int, admin: int) -> dict:
    arms = {name: {"native": "delay", "weight": 50} for name in ("one", "other")}
    metrics = {"window": "1s", "min_windows": 30, "min_time": "30s", "planned_windows": 60, "cpu_sample": 4}
    experiment = {"id": "same", "control": "one", "key": ["header:X-User"], "guardrails": [], "metrics": metrics}
    return {
        "listen": [f"127.0.0.1:{port}"],
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "state_dir": str(folder / "state"),
        "threads": 1,
        "routes": [{"path": "/delay/{ms}", "name": "work", "arms": arms, "experiment": experiment}],
    }


async def send(queue: asyncio.Queue, port: int, counts: dict) -> None:
    """One keep-alive connection that takes what is due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (target := await queue.get()) is not None:
        writer.write(target)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        counts["answered" if head.startswith(b"HTTP/1.1 200") else "failed"] += 1
    writer.close()


async def load(port: int, rate: float, seconds: float, draw: random.Random, counts: dict) -> None:
    queue: asyncio.Queue = asyncio.Queue()
    senders = [asyncio.create_task(send(queue, port, counts)) for _ in range(CONNECTIONS)]
    clock = asyncio.get_running_loop().time
    begin = clock()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begin + number / rate - clock()))
        milliseconds = int(min(20, draw.lognormvariate(0.7, 0.8)))
        queue.put_nowait(b"GET /delay/%d HTTP/1.1\r\nHost: x\r\nX-User: %d\r\n\r\n" % (milliseconds, draw.randrange(CLIENTS)))
    for _ in senders:
        queue.put_nowait(None)
    await asyncio.gather(*senders)


async def stall(process: asyncio.subprocess.Process, draw: random.Random) -> None:
    """Stops the server for 50 to 500 ms, every five seconds or so."""
    while True:
        await asyncio.sleep(draw.expovariate(1 / 5))
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(draw.uniform(0.05, 0.5))
        finally:
            process.send_signal(signal.SIGCONT)


async def run(number: int, options: argparse.Namespace) -> dict[str, str]:
    """One server, one minute: the verdict of each metric."""
    draw = random.Random(options.seed * 1000 + number)
    port, admin = free_port(), free_port()
    counts = {"answered": 0, "failed": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "tandem.json").write_text(json.dumps(config(folder, port, admin)))
        with open(folder / "log", "wb") as log:
            server = await asyncio.create_subprocess_exec(BINARY, "serve", folder / "tandem.json", stdout=log, stderr=log)
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", admin))[1].close()
                break
            except OSError:
                if server.returncode is not None:
                    sys.exit((folder / "log").read_text())
                await asyncio.sleep(0.05)
        stalls = asyncio.create_task(stall(server, draw))
        try:
            await load(port, options.rate, options.seconds, draw, counts)
        finally:
            stalls.cancel()
            await asyncio.gather(stalls, return_exceptions=True)
        await asyncio.sleep(2)  # the collector's next second
        asked = await asyncio.create_subprocess_exec(BINARY, "report", "work", "--json", "--admin", f"http://127.0.0.1:{admin}",
                                                     stdout=subprocess.PIPE)
        document = json.loads((await asked.communicate())[0])
        server.send_signal(signal.SIGTERM)
        await server.wait()
    (candidate,) = document["candidates"]
    health = candidate["health"]
    verdicts = {effect["metric"]: effect["verdict"] for effect in candidate["effects"]}
    wrong = sorted(f"{metric} {verdict}" for metric, verdict in verdicts.items() if not verdict.startswith(tuple(FINE)))
    if candidate["standing"] == "invalid":
        wrong.append(candidate["why"])
    means = ", ".join(f"{e['metric']} {e['ratio']:.3f} {e['verdict']}" for e in candidate["effects"] if e["ratio"])
    print(f"run {number + 1:2}: {health['full_windows']} windows, {health['requests']['control']} and "
          f"{health['requests']['candidate']} requests, {counts['failed']} failed: {means}", flush=True)
    return {"run": str(number + 1), "wrong": "; ".join(wrong), **verdicts}


async def main(options: argparse.Namespace) -> int:
    limit = asyncio.Semaphore(options.parallel)

    async def one(number: int) -> dict[str, str]:
        async with limit:
            return await run(number, options)

    results = await asyncio.gather(*(one(number) for number in range(options.runs)))
    print(f"\n| metric | {' | '.join(kinds := ['equivalent', 'undecided', 'too little', 'wrong'])} |")
    print("| --- |" + " ---: |" * len(kinds))
    for metric in [name for name in results[0] if name not in ("run", "wrong")]:
        counts = [sum(result[metric] == kind for result in results) for kind in kinds[:2]]
        counts.append(sum(result[metric].startswith("too little") for result in results))
        print(f"| {metric} | {' | '.join(map(str, [*counts, len(results) - sum(counts)]))} |")
    right = sum(not result["wrong"] for result in results)
    print(f"\n{right} of {len(results)} runs without a wrong verdict")
    for result in results:
        if result["wrong"]:
            print(f"run {result['run']}: {result['wrong']}")
    return 0 if right >= 0.95 * len(results) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="./tandem-dev simulate --real", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60, help="length of a run (60)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (200)")
    parser.add_argument("--parallel", type=int, default=1, help="servers at a time, each with a load of its own (1)")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(main(parser.parse_args())))
