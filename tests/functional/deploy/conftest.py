"""A real Prometheus with the rules of deploy/."""

import json
import pathlib
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

RULES = pathlib.Path(__file__).parents[3] / "deploy" / "prometheus"


@pytest.fixture
def prometheus(tmp_path):
    """prometheus(admin address, …) → ask(query): its samples as (labels, value)."""
    started = []

    def start(*targets):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % probe.getsockname()[1]
        names = '", "'.join("%s:%d" % target for target in targets)
        config = (RULES / "prometheus.yml").read_text().replace("127.0.0.1:9090", names).replace(": 5s", ": 200ms")
        for file in RULES.glob("tandem.*.yml"):
            (tmp_path / file.name).write_text(file.read_text())
        (tmp_path / "prometheus.yml").write_text(config)
        log = open(tmp_path / "prometheus.log", "wb")
        started.append(
            subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", f"--web.listen-address={address}", "--storage.tsdb.path=data"],
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        )

        def ask(query):
            try:
                url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
                with urllib.request.urlopen(url, timeout=10) as answer:
                    return [(one["metric"], float(one["value"][1])) for one in json.load(answer)["data"]["result"]]
            except urllib.error.HTTPError as refusal:
                assert refusal.code == 503, refusal.read().decode()  # not ready yet; anything else is a query that is none
                return []
            except OSError:
                return []

        return ask

    yield start
    for process in started:
        process.kill()
        process.wait()
