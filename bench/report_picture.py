#!/usr/bin/python3
"""Makes docs/pictures/report.png: the report of a real experiment, run for some minutes.

    /usr/bin/python3 bench/report_picture.py [--seconds N] [--rate N] [--html FILE] [--png FILE]

`stats` goes from Python, which rounds, to C++, which does not: 10, 30, then 50 per cent of the clients, while C++ also runs in the shadow
of the others. Windows of 2 s. Needs build/release/tandem and, for the picture, chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = ROOT / "build" / "release" / "tandem"
CLIENTS = 3000
CONNECTIONS = 24
STEPS = ((10, 0.0), (30, 0.25), (50, 0.5))  # per cent of the clients, from that part of the time on
sys.path.insert(0, str(ROOT / "bench" / "simulate"))

from real import free_port, send  # noqa: E402


def config(folder: pathlib.Path, port: int, admin: int) -> dict:
    arms = {"py": {"python": "stats_rounded:handle", "weight": 90}, "cpp": {"native": "stats", "weight": 10}}
    guardrails = [
        {"metric": "errors", "margin": 1.5, "action": "rollback"},
        {"metric": "latency", "stat": "p99", "margin": 1.25, "action": "rollback"},
        {"metric": "latency", "stat": "mean", "margin": 1.2, "action": "rollback"},
        {"metric": "cpu", "margin": 2, "action": "warn"},
        {"metric": "mismatch", "margin": 0.01, "action": "warn"},  # by default it would end the experiment within a second
    ]
    experiment = {
        "id": "stats-port",
        "control": "py",
        "key": ["header:X-User"],
        "fallback": "control",
        "guardrails": guardrails,
        "metrics": {"window": "2s", "min_windows": 30, "min_time": "60s", "planned_windows": 90, "cpu_sample": 4},
        "compare": {"json": {"number": {"abs": 0.00049}}},  # a little less than rounding takes away
        "shadow": {"candidate": "cpp", "methods": ["POST"], "safe": True, "sample": 0.2, "noise": 0.3},
    }
    route = {"path": "/stats", "name": "stats", "methods": ["POST"], "arms": arms, "experiment": experiment}
    return {
        "listen": [f"127.0.0.1:{port}"],
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "state_dir": str(folder / "state"),
        "log": {"access": False},
        "python": {"path": [str(ROOT / "python_handlers")], "workers": 2},
        "routes": [route],
    }


def request(random_: random.Random) -> bytes:
    numbers = [round(random_.lognormvariate(0, 1), 2) for _ in range(int(min(random_.lognormvariate(5, 1), 4000)))]
    body = json.dumps(numbers).encode()
    head = f"POST /stats HTTP/1.1\r\nHost: tandem\r\nX-User: {random_.randrange(CLIENTS)}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(port: int, seconds: float, rate: float, change) -> dict:
    """Requests that come at random times, whatever the server does."""
    random_ = random.Random(1)
    counts = {"answered": 0, "failed": 0}
    queue: asyncio.Queue = asyncio.Queue()
    clients = [asyncio.create_task(send(queue, port, counts)) for _ in range(CONNECTIONS)]
    begin = due = time.monotonic()
    steps = list(STEPS[1:])
    while due < begin + seconds:
        due += random_.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        queue.put_nowait(request(random_))
        if steps and due > begin + steps[0][1] * seconds:
            weight, _ = steps.pop(0)
            await asyncio.to_thread(change, weight)
    for _ in clients:
        queue.put_nowait(None)
    await asyncio.gather(*clients)
    return counts


def photograph(page: pathlib.Path, picture: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
             "--window-size=1040,2540", f"--screenshot={picture}", page.resolve().as_uri()],
            check=True,
            capture_output=True,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--rate", type=float, default=120)
    parser.add_argument("--html", type=pathlib.Path, default=pathlib.Path("report.html"))
    parser.add_argument("--png", type=pathlib.Path, default=ROOT / "docs" / "pictures" / "report.png")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        port, admin = free_port(), free_port()
        (folder / "tandem.json").write_text(json.dumps(config(folder, port, admin)))
        server = subprocess.Popen([BINARY, "serve", folder / "tandem.json"], stdout=subprocess.PIPE, cwd=folder, text=True)
        try:
            assert server.stdout
            while (line := server.stdout.readline().strip()) != "ready":
                assert line, "the server did not start"
            asked = ["--admin", f"http://127.0.0.1:{admin}"]

            def change(weight: int) -> None:
                arms = [f"cpp={weight}%", f"py={100 - weight}%"]
                subprocess.run([BINARY, "weights", "stats", *arms, "--reason", "nothing looks bad", *asked], check=True, stdout=subprocess.DEVNULL)

            print(asyncio.run(load(port, options.seconds, options.rate, change)))
            subprocess.run([BINARY, "report", "stats", "--html", "-o", options.html, *asked], check=True)
            print(subprocess.run([BINARY, "report", "stats", *asked], check=True, capture_output=True, text=True).stdout)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    photograph(options.html, options.png)


if __name__ == "__main__":
    main()
