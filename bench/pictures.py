#!/usr/bin/python3
"""Makes docs/pictures/dashboard.png and docs/pictures/report.png: both of one real run that takes some minutes.

    /usr/bin/python3 bench/pictures.py [--seconds N] [--rate N] [--html FILE] [--folder FOLDER]

`stats` goes from Python, which rounds, to C++, which does not: 10, 30, then 50 per cent of the clients, while C++ also runs in the shadow
of the others. Windows of 2 s. Half of the requests are for other endpoints of the demo. The dashboard stays open all the while and is
photographed near the end, the report afterwards. Needs build/release/tandem, chromium, chromium-driver and python3-selenium.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Callable

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = ROOT / "build" / "release" / "tandem"
CLIENTS = 3000
CONNECTIONS = 24
STEPS = ((0.25, 30), (0.5, 50))  # from that part of the time on, per cent of the clients
PHOTO = 0.95  # the part of the time after which the dashboard has something to show
OTHERS = {  # target: how often, beside each other
    "/plaintext": 30,
    "/json": 20,
    "/hello/Ada": 12,
    "/fib/20": 24,
    "/cookies": 4,
    "/delay/20": 2,
    "/bytes/20000": 3,
    "/mandelbrot/32": 5,
}
sys.path.insert(0, str(ROOT / "bench" / "simulate"))

from real import free_port, send  # noqa: E402


def twin(path: str, native: str, python: str, **rest: object) -> dict:
    return {"path": path, "arms": {"cpp": {"native": native, "weight": 50}, "py": {"python": f"{python}:handle", "weight": 50}}, **rest}


def stats_route() -> dict:
    guardrails = [
        {"metric": "errors", "margin": 1.5, "action": "rollback"},
        {"metric": "latency", "stat": "p99", "margin": 1.25, "action": "rollback"},
        {"metric": "latency", "stat": "mean", "margin": 1.2, "action": "rollback"},
        {"metric": "cpu", "margin": 2, "action": "warn"},
        {"metric": "mismatch", "margin": 0.2, "action": "warn"},  # by default it would end the experiment within a second
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
    route = twin("/stats", "stats", "stats_rounded", name="stats", methods=["POST"], experiment=experiment)
    route["arms"]["cpp"]["weight"], route["arms"]["py"]["weight"] = 10, 90
    return route


def config(folder: pathlib.Path, port: int, admin: int) -> dict:
    return {
        "listen": [f"127.0.0.1:{port}"],
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "state_dir": str(folder / "state"),
        "log": {"access": False},
        "python": {"path": [str(ROOT / "python_handlers")], "workers": 2},
        "routes": [
            stats_route(),
            twin("/fib/{n}", "fib", "fib", name="fib", experiment={"id": "fib", "control": "py", "key": ["random"]}),
            twin("/plaintext", "plaintext", "plaintext"),
            twin("/json", "json", "json_hello"),
            twin("/hello/{name}", "hello", "hello"),
            twin("/cookies", "cookies", "cookie_list"),
            twin("/delay/{ms}", "delay", "delay"),
            twin("/bytes/{n}", "bytes", "byte_stream"),
            twin("/mandelbrot/{size}", "mandelbrot", "mandelbrot", name="mandelbrot"),
            twin("/upload", "upload", "upload", methods=["POST"]),
        ],
    }


def request(draw: random.Random) -> bytes:
    if draw.random() < 0.5:
        (target,) = draw.choices(list(OTHERS), list(OTHERS.values()))
        return f"GET {target} HTTP/1.1\r\nHost: tandem\r\nCookie: theme=dark\r\n\r\n".encode()
    numbers = [round(draw.lognormvariate(0, 1), 2) for _ in range(int(min(draw.lognormvariate(5, 1), 4000)))]
    body = json.dumps(numbers).encode()
    head = f"POST /stats HTTP/1.1\r\nHost: tandem\r\nX-User: {draw.randrange(CLIENTS)}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(port: int, seconds: float, rate: float, plan: list[tuple[float, Callable[[], None]]]) -> dict:
    """Requests that come at random times, whatever the server does. `plan`: what is to happen beside, by the part of the time."""
    draw = random.Random(1)
    counts = {"answered": 0, "failed": 0}
    queue: asyncio.Queue = asyncio.Queue()
    clients = [asyncio.create_task(send(queue, port, counts)) for _ in range(CONNECTIONS)]
    beside = []
    begin = due = time.monotonic()
    while due < begin + seconds:
        due += draw.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        queue.put_nowait(request(draw))
        while plan and due > begin + plan[0][0] * seconds:
            beside.append(asyncio.create_task(asyncio.to_thread(plan.pop(0)[1])))
    await asyncio.gather(*beside)
    for _ in clients:
        queue.put_nowait(None)
    await asyncio.gather(*clients)
    return counts


class Camera:
    """A browser window of that width, for the length of a `with`."""

    def __init__(self, width: int):
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", f"--user-data-dir={self._profile.name}"):
            options.add_argument(argument)
        self._driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self._width = width

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.quit()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        self._driver.get(url)

    def shoot(self, file: pathlib.Path, most: int) -> None:
        """The page from its top, at most so many pixels of it."""
        height = min(most, self._driver.execute_script("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": self._width, "height": height, "scale": 1}
        shot = self._driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        file.write_bytes(base64.b64decode(shot["data"]))


def run(options: argparse.Namespace, folder: pathlib.Path) -> None:
    port, admin = free_port(), free_port()
    (folder / "tandem.json").write_text(json.dumps(config(folder, port, admin)))
    server = subprocess.Popen([BINARY, "serve", folder / "tandem.json"], stdout=subprocess.PIPE, cwd=folder, text=True)
    asked = ["--admin", f"http://127.0.0.1:{admin}"]

    def change(weight: int) -> None:
        arms = [f"cpp={weight}%", f"py={100 - weight}%"]
        subprocess.run([BINARY, "weights", "stats", *arms, "--reason", "nothing looks bad", *asked], check=True, stdout=subprocess.DEVNULL)

    try:
        assert server.stdout
        while (line := server.stdout.readline().strip()) != "ready":
            assert line, "the server did not start"
        with Camera(1440) as camera:
            camera.open(f"http://127.0.0.1:{admin}/#/route/stats")
            plan = [(part, lambda weight=weight: change(weight)) for part, weight in STEPS]
            plan.append((PHOTO, lambda: camera.shoot(options.folder / "dashboard.png", 1600)))
            print(asyncio.run(load(port, options.seconds, options.rate, plan)))
        subprocess.run([BINARY, "report", "stats", "--html", "-o", options.html, *asked], check=True)
        print(subprocess.run([BINARY, "report", "stats", *asked], check=True, capture_output=True, text=True).stdout)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--rate", type=float, default=240)
    parser.add_argument("--html", type=pathlib.Path, default=pathlib.Path("report.html"))
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "docs" / "pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run(options, pathlib.Path(name))
    with Camera(1040) as camera:
        camera.open(options.html.resolve().as_uri())
        camera.shoot(options.folder / "report.png", 2540)


if __name__ == "__main__":
    main()
