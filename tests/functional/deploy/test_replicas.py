"""Three servers behind a real HAProxy: the same clients get the same arms everywhere, and their reports add up to that of one
server which saw everything."""

from __future__ import annotations

import collections
import json
import shutil
import socket
import subprocess
from typing import Any, Iterator

import pytest

from support.client import Connection
from support.server import Server, run, wait_until

pytestmark = pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="no HAProxy is installed")

MODULE = """
    def handle(request):
        return ({}, 500) if request.headers["X-User"].endswith("7") else {}
"""
ROUTE = {
    "path": "/work",
    "name": "work",
    "arms": {"new": {"python": "work:handle", "weight": 40}, "old": {"native": "plaintext", "weight": 60}},
    "experiment": {"id": "replicas", "control": "old", "key": ["header:X-User"], "guardrails": [],
                   "metrics": {"cpu_sample": 1}},
}
USERS = [f"user-{number}" for number in range(600)]


@pytest.fixture
def haproxy(tmp_path):
    """haproxy(addresses) → its own: it gives each request to the next of them."""
    started = []

    def start(addresses: list[Any]) -> tuple[str, int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            own = probe.getsockname()
        servers = "\n".join(f"  server s{number} {host}:{port}" for number, (host, port) in enumerate(addresses))
        (tmp_path / "haproxy.cfg").write_text(
            "defaults\n  mode http\n  timeout connect 10s\n  timeout client 60s\n  timeout server 60s\n  option http-server-close\n"
            f"frontend all\n  bind 127.0.0.1:{own[1]}\n  default_backend replicas\n"
            f"backend replicas\n  balance roundrobin\n{servers}\n"
        )
        log = open(tmp_path / "haproxy.log", "wb")
        command = ["/usr/sbin/haproxy", "-db", "-f", str(tmp_path / "haproxy.cfg")]
        started.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))

        def is_open() -> bool:
            assert started[-1].poll() is None, (tmp_path / "haproxy.log").read_text()
            try:
                socket.create_connection(own, timeout=5).close()
                return True
            except OSError:
                return False

        wait_until(is_open, "HAProxy")
        return own

    yield start
    for process in started:
        process.kill()
        process.wait()


def ask(address: Any) -> list[tuple[int, str]]:
    connection = Connection(address)
    answers = [connection.get("/work", {"X-User": user}) for user in USERS]
    connection.close()
    return [(answer.status, answer.get("Tandem-Arm")) for answer in answers]


def counted(one: Server) -> int:
    text = one.admin("/api/v1/experiments/replicas/state").text
    epochs = json.loads(text)["record"]["epochs"]
    return sum(int(part.get("requests", 0)) for epoch in epochs for window in epoch["windows"] for arm in window["arms"]
               for part in arm.values())


def report(*servers: Server) -> dict[str, Any]:
    done = run("report", "work", "--json", "--from", *(one.admin_url for one in servers))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def what_was_counted(report: dict[str, Any]) -> Any:
    """What does not depend on when and how fast requests were answered."""
    (candidate,) = report["candidates"]
    health = {name: candidate["health"][name] for name in ("requests", "keys", "sample_ratio", "invalid")}
    means = {
        effect["metric"]: (effect["control"], effect["candidate"])
        for effect in candidate["effects"]
        if effect["metric"] in ("errors", "bytes")
    }
    return health, means


def by_clusters(*servers: Server) -> Any:
    """Requests and errors of each arm by group of clients, added up."""
    sums: collections.Counter[Any] = collections.Counter()
    for epoch in epochs_of(*servers):
        for number, arm in enumerate(epoch["arms"]):
            for role, part in arm.items():
                for cluster in part.get("clusters", []):
                    for what in ("requests", "errors"):
                        sums[number, role, cluster["cluster"], what] += int(cluster.get(what, 0))
    assert total(sums, "requests") == len(USERS) and total(sums, "errors") > 0
    return sums


def by_arms(*servers: Server) -> Any:
    """The same and bytes of each arm, added up over windows: of clusters bytes are not kept."""
    sums: collections.Counter[Any] = collections.Counter()
    for epoch in epochs_of(*servers):
        for window in epoch["windows"]:
            for number, arm in enumerate(window["arms"]):
                for role, part in arm.items():
                    for what in ("requests", "errors", "bytes_out"):
                        sums[number, role, what] += int(part.get(what, 0))
    assert total(sums, "requests") == len(USERS) and total(sums, "bytes_out") > len(USERS)
    return sums


def epochs_of(*servers: Server) -> Iterator[dict[str, Any]]:
    for one in servers:
        yield from one.admin("/api/v1/experiments/replicas/state").json()["record"]["epochs"]


def total(sums: Any, wanted: str) -> int:
    return sum(count for (*_, what), count in sums.items() if what == wanted)


def test_replicas_assign_and_report_as_one(server, haproxy):
    replicas = [server([ROUTE], {"work": MODULE}) for _ in range(3)]
    alone = server([ROUTE], {"work": MODULE})
    through = ask(haproxy([one.address for one in replicas]))
    assert through == ask(alone.address), "the same arm for the same key, whichever replica"
    assert {arm for _, arm in through} == {"new", "old"} and {status for status, _ in through} == {200, 500}

    wait_until(lambda: counted(alone) == len(USERS), "all requests in the record")
    wait_until(lambda: sum(map(counted, replicas)) == len(USERS), "all requests in their records")
    assert min(map(counted, replicas)) > len(USERS) // 4, "each had its part"
    merged, single = report(*replicas), report(alone)
    assert what_was_counted(merged) == what_was_counted(single)
    assert by_clusters(*replicas) == by_clusters(alone)
    assert by_arms(*replicas) == by_arms(alone)


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus is installed")
def test_prometheus_orders_the_arms_of_all_replicas_as_the_report_does(server, haproxy, prometheus):
    replicas = [server([ROUTE], {"work": MODULE}) for _ in range(3)]
    arms = collections.Counter(arm for _, arm in ask(haproxy([one.address for one in replicas])))
    promql = prometheus(*(one.admin_address for one in replicas))
    query = 'sum by (arm) (tandem_requests_total{route="work"})'
    wait_until(lambda: {labels["arm"]: value for labels, value in promql(query)} == arms, "scrapes of all replicas", 60)
    query = 'histogram_quantile(0.5, sum by (arm, le) (tandem_request_seconds_bucket{route="work"}))'
    seconds = {labels["arm"]: value for labels, value in promql(query)}
    wait_until(lambda: sum(map(counted, replicas)) == len(USERS), "all requests in their records")
    (p50,) = [effect for effect in report(*replicas)["candidates"][0]["effects"] if effect["metric"] == "p50"]
    assert (seconds["new"] > seconds["old"]) == (p50["candidate"] > p50["control"])
