"""The script of deploy/argo: how long it waits, and for what."""

from __future__ import annotations

import http.server
import pathlib
import shutil
import subprocess
import threading
from typing import Any

import pytest
import yaml

TEMPLATE = pathlib.Path(__file__).parents[3] / "deploy" / "argo" / "analysis-template.yaml"


def container() -> dict[str, Any]:
    (metric,) = yaml.safe_load(TEMPLATE.read_text())["spec"]["metrics"]
    (only,) = metric["provider"]["job"]["spec"]["template"]["spec"]["containers"]
    return only


@pytest.fixture
def gate():
    """gate(status, …): the exit code of the script where the gate answers so, the last for ever, and how often it asked."""
    servers = []

    def ask(*statuses: int, tries: int = 5) -> tuple[int, int]:
        asked: list[str] = []

        class Gate(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(statuses[min(len(asked), len(statuses)) - 1])
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
        servers.append(server)
        threading.Thread(target=server.serve_forever).start()
        job = container()
        environment = {one["name"]: one["value"] for one in job["env"]}
        url = environment["GATE"].replace("{{args.admin}}", f"http://127.0.0.1:{server.server_port}")
        environment |= {"GATE": url.replace("{{args.experiment}}", "x"), "TRIES": str(tries), "PAUSE": "0", "PATH": "/usr/bin:/bin"}
        done = subprocess.run([*job["command"], *job["args"]], env=environment, capture_output=True, timeout=60)
        assert set(asked) == {"/api/v1/experiments/x/gate"}
        return done.returncode, len(asked)

    yield ask
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_it_waits_while_undecided_and_ends_at_once_when_decided(gate):
    assert gate(200) == (0, 1)
    assert gate(409) == (1, 1)
    assert gate(425, 425, 503, 200) == (0, 4)
    assert gate(425, 409) == (1, 2)
    assert gate(425, tries=3) == (1, 3)
