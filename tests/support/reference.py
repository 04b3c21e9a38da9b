"""The servers that Tandem is compared with, uvicorn and gunicorn, and Tandem itself, each hosting one application of tests/apps."""

from __future__ import annotations

import pathlib
import signal
import subprocess
from dataclasses import dataclass, field
from typing import Any

from support.server import SOURCE, START_DEADLINE, STOP_DEADLINE, Lines, Run, Server, clean_environment

PYTHON = "/usr/bin/python3"


@dataclass
class Application:
    """What is hosted: `target` is module:attribute."""

    interface: str  # "asgi" or "wsgi"
    target: str
    environment: dict[str, str] = field(default_factory=dict)
    limit: str = "64MiB"  # of a request's body, which the references do not bound


class Reference:
    """uvicorn for ASGI, gunicorn with threads for WSGI, one worker, on a free port."""

    def __init__(self, folder: pathlib.Path, application: Application):
        if application.interface == "asgi":
            command = [PYTHON, "-m", "uvicorn", "--port", "0", "--log-level", "info", "--no-access-log", application.target]
            pattern = r"Uvicorn running on http://127\.0\.0\.1:(\d+)"
        else:
            command = [PYTHON, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "75"]
            command += ["--bind", "127.0.0.1:0", "--timeout", "120", application.target]
            pattern = r"Listening at: http://127\.0\.0\.1:(\d+)"
        self.process = subprocess.Popen(
            command,
            cwd=SOURCE,
            env=clean_environment(**_environment(folder, application)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.log = Lines(self.process.stderr)
        try:
            port = int(self.log.wait_for(pattern, deadline=START_DEADLINE)[1])
        except BaseException:
            self.stop()
            raise
        self.address = ("127.0.0.1", port)

    def stop(self) -> None:
        """However long it would like to wait for somebody: what counts was seen already."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_DEADLINE)
        self.log.finish()


def tandem_run(folder: pathlib.Path, application: Application, workers: int) -> Server:
    """`tandem run`, as the command line of the references."""
    arguments = [application.target, "--app-dir", str(SOURCE), "--workers", str(workers), "--no-access-log"]
    return Run(folder, *arguments, env=_environment(folder, application))


def tandem_serve(folder: pathlib.Path, application: Application, mode: str, workers: int = 1) -> Server:
    """`tandem serve` with a config of one route."""
    config: dict[str, Any] = {
        "listen": ["127.0.0.1:0"],
        "admin": {"listen": "127.0.0.1:0"},
        "threads": 2,
        "limits": {"body_bytes": application.limit},
        "trusted_proxies": ["127.0.0.1"],  # as uvicorn and gunicorn have it
        "python": {"path": [str(SOURCE)], "mode": mode, "workers": workers},
        "state_dir": str(folder / "state"),
        "routes": [{"path": "/*", application.interface: application.target}],
    }
    return Server(folder, config, env=_environment(folder, application))


def _environment(folder: pathlib.Path, application: Application) -> dict[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "1", "APPS_STATE": str(folder), **application.environment}
