"""The real binary under test: started with a config of the test's own, on free ports, and stopped with an eye on how."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import textwrap
import threading
import time
from typing import Any, Callable

from support.client import Answer, Connection, ConnectionEnded, fetch

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# Deadlines end tests that would hang. They are long, since a sanitizer or a busy machine slows everything down.
START_DEADLINE = 120.0
STOP_DEADLINE = 60.0
EVENT_DEADLINE = 60.0


def binary() -> str:
    return os.environ.get("TANDEM_BINARY", str(SOURCE / "build" / "release" / "tandem"))


def clean_environment(**extra: str) -> dict[str, str]:
    """The test's environment without what would reach into the embedded interpreter."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV", "TANDEM_"))}
    return kept | extra


def run(
    *arguments: str, cwd: pathlib.Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command of the binary to its end."""
    return subprocess.run(
        [binary(), *arguments],
        cwd=cwd,
        env=env or clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_DEADLINE,
        check=False,
    )


def has_report(text: str) -> bool:
    """Does a sanitizer say something there?"""
    return any(report in text for report in ("AddressSanitizer", "runtime error:", "ThreadSanitizer"))


def wait_until(condition: Callable[[], Any], what: str, deadline: float = EVENT_DEADLINE) -> Any:
    """Asks again and again for what only the server's own progress can bring about; returns what it finally gave."""
    end = time.monotonic() + deadline
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"timed out waiting for {what}"
        select.select([], [], [], 0.01)


class Lines:
    """What a pipe has said so far, line by line, gathered by a thread."""

    def __init__(self, pipe: Any):
        self._pipe = pipe
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._gather, daemon=True)
        self._thread.start()

    def _gather(self) -> None:
        for raw in self._pipe:
            with self._changed:
                self._lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def text(self) -> str:
        return "\n".join(self.all())

    def mark(self) -> int:
        """A place to search from later."""
        with self._changed:
            return len(self._lines)

    def wait_for(self, pattern: str, since: int = 0, deadline: float = EVENT_DEADLINE) -> re.Match[str]:
        """The first line from `since` on that matches."""
        end = time.monotonic() + deadline
        at = since
        with self._changed:
            while True:
                while at < len(self._lines):
                    if match := re.search(pattern, self._lines[at]):
                        return match
                    at += 1
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    shown = "\n".join(self._lines[-80:])
                    why = "the pipe ended" if self._ended else "timed out"
                    raise AssertionError(f"{why} without a line matching {pattern!r}; the last lines:\n{shown}")
                self._changed.wait(left)

    def count(self, pattern: str, since: int = 0) -> int:
        return sum(1 for line in self.all()[since:] if re.search(pattern, line))

    def finish(self) -> None:
        self._thread.join(STOP_DEADLINE)
        self._pipe.close()


class Server:
    """`tandem serve` with a config written to `folder`."""

    def __init__(
        self,
        folder: pathlib.Path,
        config: dict[str, Any],
        arguments: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        wait: bool = True,
    ):
        self.folder = folder
        self.config_file = folder / "tandem.json"
        self.config_file.write_text(json.dumps(config, indent=2))
        self._launch(("serve", str(self.config_file), *arguments), env, wait)

    def _launch(self, arguments: tuple[str, ...], env: dict[str, str] | None, wait: bool) -> None:
        self.process = subprocess.Popen(
            [binary(), *arguments],
            cwd=self.folder,
            env=clean_environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = Lines(self.process.stdout)
        self.log = Lines(self.process.stderr)
        self.address: Any = None
        self.addresses: list[Any] = []
        self.admin_address: Any = None
        if wait:
            try:
                self._learn_addresses()
            except BaseException:
                self.kill()
                raise

    @property
    def pid(self) -> int:
        return self.process.pid

    def _learn_addresses(self) -> None:
        try:
            self.out.wait_for(r"^ready$", deadline=START_DEADLINE)
        except AssertionError as error:
            raise AssertionError(f"the server did not get ready: {error}\nlog:\n{self.log.text()}") from None
        for line in self.out.all():
            if match := re.match(r"(listening|admin) on (.+)$", line):
                address = _parse_url(match[2])
                if match[1] == "admin":
                    self.admin_address = address
                else:
                    self.addresses.append(address)
        self.address = self.addresses[0]

    def start_again(self) -> None:
        """With the config file as it is now, after an end of whatever kind."""
        self._launch(("serve", str(self.config_file)), None, True)

    # --- talking to it -----------------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        return Connection(self.address)

    def request(self, method: str, target: str, headers: Any = (), body: bytes | None = None, **rest: Any) -> Answer:
        return fetch(self.address, method, target, headers, body, **rest)

    def get(self, target: str, headers: Any = (), **rest: Any) -> Answer:
        return self.request("GET", target, headers, **rest)

    def post(self, target: str, body: bytes | None = b"", headers: Any = (), **rest: Any) -> Answer:
        return self.request("POST", target, headers, body, **rest)

    def admin(self, target: str, method: str = "GET", headers: Any = (), body: bytes | None = None) -> Answer:
        host = self.admin_address if isinstance(self.admin_address, str) else "%s:%d" % self.admin_address
        return fetch(self.admin_address, method, target, headers, body, host=host)

    @property
    def admin_url(self) -> str:
        return "http://%s:%d" % self.admin_address

    def workers(self) -> list[dict[str, Any]]:
        """The Python workers as the admin side shows them, whatever object wraps the list."""
        document = self.admin("/api/v1/workers").json()
        return document["workers"] if isinstance(document, dict) else document

    def worker_pids(self, state: str = "ready") -> list[int]:
        return [worker["pid"] for worker in self.workers() if worker["state"] == state and worker["pid"]]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of that sample of /metrics over all series that have these labels; 0 when there is none."""
        total = 0.0
        for line in self.admin("/metrics").text.splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(f'{label}="{wanted}"' in series for label, wanted in labels.items()):
                total += float(value)
        return total

    # --- changing it -------------------------------------------------------------------------------------------------

    def change_config(self, **changes: Any) -> None:
        """Writes the config file anew with these keys, for the next reload."""
        config = json.loads(self.config_file.read_text()) | changes
        self.config_file.write_text(json.dumps(config, indent=2))

    def write_module(self, name: str, source: str) -> None:
        """A module's new text, whose modification Python notices even within the same second as the one before: what it has
        compiled holds while the time in whole seconds and the length are the same."""
        file = self.folder / "modules" / f"{name}.py"
        changed = max(int(time.time()), int(file.stat().st_mtime) + 1 if file.exists() else 0)
        file.write_text(textwrap.dedent(source))
        os.utime(file, (changed, changed))

    def reload(self) -> Answer:
        return self.admin("/api/v1/reload", method="POST")

    def generation(self) -> int:
        return self.admin("/api/v1/status").json()["generation"]

    def wait_for_the_end_of(self, generation: int) -> None:
        self.log.wait_for(rf"reload: generation {generation} has ended")

    # --- ending it ---------------------------------------------------------------------------------------------------

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, deadline: float = STOP_DEADLINE) -> int:
        """The exit code, once the process has ended."""
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop; log:\n{self.log.text()}") from None
        self.out.finish()
        self.log.finish()
        return code

    def stop(self) -> None:
        """SIGTERM, and the exit code that was promised for it."""
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            code = self.wait()
            assert code == 0, f"exit code {code}; log:\n{self.log.text()}"
        self.expect_no_report()

    def expect_no_report(self) -> None:
        """Of a sanitizer, however the server ended."""
        assert not has_report(self.log.text()), self.log.text()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.finish()
        self.log.finish()


class Run(Server):
    """`tandem run` in `folder`, on a free port unless the arguments say where."""

    def __init__(self, folder: pathlib.Path, *arguments: str, env: dict[str, str] | None = None, wait: bool = True):
        self.folder = folder
        where = () if {"--listen", "-b", "--bind", "--uds", "--port"} & set(arguments) else ("--port", "0")
        self._launch(("run", *arguments, *where), env, wait)


def _parse_url(url: str) -> Any:
    if url.startswith("unix:"):
        return url.removeprefix("unix:")
    match = re.match(r"https?://(?:\[([^\]]+)\]|([^:/]+)):(\d+)", url)
    assert match, url
    return (match[1] or match[2], int(match[3]))


class Load:
    """Clients that send one request after another on keep-alive connections until told to stop, and count what they got: answers
    by status, "broken" for answers that began and did not end, "ended" for connections that ended (or were not made) instead."""

    def __init__(self, address: Any, target: str, connections: int = 4, headers: Any = ()):
        self.results: collections.Counter[int | str] = collections.Counter()
        self._address = address
        self._target = target
        self._headers = headers
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._drive, daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def _count(self, what: Any) -> None:
        with self._lock:
            self.results[what] += 1

    def _drive(self) -> None:
        connection = None
        while not self._stopping.is_set():
            try:
                connection = connection or Connection(self._address)
                answer = connection.get(self._target, self._headers)
                self._count(answer.status if answer.complete else "broken")
                if answer.get("connection") == "close":
                    connection.close()
                    connection = None
            except ConnectionEnded as end:
                self._count("broken" if end.received else "ended")
                connection = None
            except OSError:
                self._count("ended")
                connection = None
        if connection:
            connection.close()

    def wait_for(self, count: int, status: int = 200) -> None:
        """Until so many further answers of that status came."""
        goal = self.results[status] + count
        wait_until(lambda: self.results[status] >= goal, f"{count} more answers {status}; have {dict(self.results)}")

    def stop(self) -> collections.Counter[int | str]:
        self._stopping.set()
        for thread in self._threads:
            thread.join(EVENT_DEADLINE)
        return self.results
