"""Experiments in which all traffic goes to one arm at a time: their unit of analysis is the round, one block of each arm."""

from __future__ import annotations

import json
from typing import Any

from support.server import Load, Server, run, wait_until

MODULE = """
    def good(request):
        return {}

    def works_more(request):
        return {"sum": sum(range(200_000))}

    def fails(request):
        return {}, 500
"""


def route(candidate: str, **experiment: Any) -> dict[str, Any]:
    keys = {"id": "turns", "control": "old", "assign": "switchback", "block": "1s", "washout": "0s", "guardrails": []}
    return {
        "path": "/x",
        "name": "x",
        "arms": {"old": {"python": "turns:good"}, "new": {"python": f"turns:{candidate}"}},
        "experiment": keys | experiment,
    }


def experiment(one: Server, part: str = "") -> Any:
    return one.admin("/api/v1/experiments/turns" + part).json()


def test_verdict_is_reached_over_rounds(server):
    metrics = {"min_windows": 4, "min_time": "1s", "planned_windows": 10, "cpu_sample": 1}
    one = server([route("works_more", metrics=metrics)], {"turns": MODULE})
    load = Load(one.address, "/x", connections=2)
    report = lambda: experiment(one, "/report")["candidates"][0]  # noqa: E731

    def judged() -> Any:
        effect = next(one for one in report()["effects"] if one["metric"] == "mean")
        return effect if effect["standing"] == "judged" and effect["verdict"] != "undecided" else None

    assert "worse" in wait_until(judged, "a verdict")["verdict"]
    load.stop()
    health = report()["health"]
    assert health["window_seconds"] == 2 and health["windows"] >= 4
    assert "mean time: " in run("report", "x", "--admin", one.admin_url).stdout


def test_candidate_that_fails_always_is_rolled_back(server):
    guardrails = [{"metric": "errors", "action": "rollback"}]
    one = server([route("fails", guardrails=guardrails)], {"turns": MODULE})
    load = Load(one.address, "/x", connections=2)
    wait_until(lambda: experiment(one)["state"] == "rolled_back", "the rollback")
    load.stop()
    last = one.admin("/api/v1/audit").json()["entries"][-1]
    assert (last["action"], last["actor"]) == ("rollback", "guardrail errors"), "before its breaker has given it up"
    assert {one.get("/x").status for _ in range(20)} == {200}


def test_explain_names_the_arm_whose_turn_it_is(server):
    one = server([route("good", block="24h", washout="0s")], {"turns": MODULE})
    arm = one.get("/x").get("Tandem-Arm")
    explained = [experiment(one, f"/explain?key=u{number}") for number in range(20)]
    assert {each["arm"] for each in explained} == {arm}, "whatever the key"
    assert {each["bucket"] for each in explained} == {None}


def test_other_blocks_begin_another_epoch(server):
    one = server([route("good")], {"turns": MODULE})
    requests = lambda: sum(int(part.get("requests", 0)) for epoch in experiment(one, "/state")["record"]["epochs"]  # noqa: E731
                           for window in epoch["windows"] for arm in window["arms"] for part in arm.values())
    assert one.get("/x").status == 200
    wait_until(lambda: requests() == 1, "the request in the record")
    one.change_config(routes=[route("good", block="3s")])
    assert one.reload().status == 200
    assert experiment(one)["epoch"] == 2
    lengths = {epoch["number"]: epoch["window_seconds"] for epoch in experiment(one, "/state")["record"]["epochs"]}
    assert lengths == {1: 2, 2: 6}
    last = json.loads(run("audit", "--admin", one.admin_url, "--json").stdout)
    assert "rounds" in json.dumps(last)
