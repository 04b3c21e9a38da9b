"""What an experiment counts of its requests: the record in its state, and the metrics."""

from __future__ import annotations

import collections
from typing import Any

import pytest

from support.demo import twin
from support.server import Server, wait_until

USERS = [f"user-{number}" for number in range(40)]


def delay(**experiment: Any) -> dict[str, Any]:
    """C++ and `async def`, both of which wait."""
    keys = {"id": "port", "control": "py", "key": ["header:X-User"], "metrics": {"cpu_sample": 1}, **experiment}
    return twin("/delay/{ms}", "delay", "delay", {"experiment": keys})


def record(one: Server) -> dict[str, Any]:
    return one.admin("/api/v1/experiments/port/state").json()["record"]


def counted(one: Server, arm: int, field: str) -> int:
    windows = [window for epoch in record(one)["epochs"] for window in epoch["windows"]]
    return sum(int(part.get(field, 0)) for window in windows for part in window["arms"][arm].values())


def requests(one: Server) -> int:
    return counted(one, 0, "requests") + counted(one, 1, "requests")


def ask(one: Server, path: str, users: list[str]) -> collections.Counter[str]:
    with one.connect() as connection:
        return collections.Counter(connection.get(path, {"X-User": user}).get("Tandem-Arm") for user in users)


def test_every_request_is_counted_once_under_its_arm(server):
    one = server([delay()])
    arms = ask(one, "/delay/2", USERS)
    wait_until(lambda: requests(one) == len(USERS), "all requests in the record")
    for number, name in enumerate(("cpp", "py")):
        assert counted(one, number, "requests") == arms[name] > 0
        assert counted(one, number, "errors") == 0
        assert counted(one, number, "bytes_out") > 0
        assert counted(one, number, "total_ns") > arms[name] * 2_000_000, "what they waited for is in it"
        assert one.metric("tandem_requests_total", arm=name, assigned_by="hash", code="2xx") == arms[name]
    keys = [part["keys"]["hashes"] for epoch in record(one)["epochs"] for arm in epoch["arms"] for part in arm.values() if part]
    assert sum(map(len, keys)) == len(USERS)


def test_cpu_time_is_that_of_the_pieces_between_waits(server):
    one = server([delay()])
    arms = ask(one, "/delay/100", USERS[:10])
    wait_until(lambda: requests(one) == 10, "all requests in the record")
    for number, name in enumerate(("cpp", "py")):
        assert counted(one, number, "cpu_requests") == arms[name] > 0
        assert 0 < counted(one, number, "cpu_ns") < counted(one, number, "total_ns") / 4


def test_cpu_time_is_read_for_one_in_so_many(server):
    one = server([delay(metrics={"cpu_sample": 10})])
    ask(one, "/delay/0", USERS)
    wait_until(lambda: requests(one) == len(USERS), "all requests in the record")
    assert counted(one, 0, "cpu_requests") + counted(one, 1, "cpu_requests") == len(USERS) / 10


@pytest.mark.parametrize("path, errors", [("/delay/x", 0), ("/delay/5000", "all of py")])
def test_5xx_are_errors_and_4xx_are_not(server, path, errors):
    route = delay()
    route["arms"]["py"] = {"python": {"endpoint": "delay:handle", "timeout": "50ms"}, "weight": 100}
    route["arms"]["cpp"]["weight"] = 0
    one = server([route])
    ask(one, path, USERS[:3])
    wait_until(lambda: requests(one) == 3, "all requests in the record")
    assert counted(one, 1, "errors") == counted(one, 1, "timeouts") == (3 if errors else 0)


def test_pins_are_counted_in_the_metrics_alone(server):
    one = server([delay()], pin="open")
    assert one.get("/delay/0", {"Tandem-Arm": "cpp"}).status == 200
    ask(one, "/delay/0", USERS[:1])
    wait_until(lambda: requests(one) == 1, "the other request in the record")
    assert one.metric("tandem_requests_total", assigned_by="override") == 1
