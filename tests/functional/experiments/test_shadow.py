"""Shadows: the candidate on a copy of the request after control has answered, and what the comparison finds."""

from __future__ import annotations

import json
import signal
from typing import Any

from support.server import Server, run, wait_until

MODULE = """
    import os
    import time
    from tandem import Request

    def control(request: Request):
        n = int(request.path_params["n"])
        return {"n": n, "mean": n / 7, "at": time.perf_counter_ns(), "shadow": request.shadow}

    def rounds(request: Request):
        n = int(request.path_params["n"])
        return {"n": n, "mean": round(n / 7, 3), "at": time.perf_counter_ns(), "shadow": False}

    def fails(request: Request):
        raise RuntimeError("the candidate is broken")

    def sleeps(request: Request):
        time.sleep(60)

    def waits(request: Request):
        print("waits at the gate", flush=True)
        while not os.path.exists("gate"):
            time.sleep(0.01)
        return {}

    def at_once(request: Request):
        return {}

    def heads(request: Request):
        print("shadow" if request.shadow else "live", "sees", *sorted(name.lower() for name in request.headers), flush=True)
        return {}

    def echo(request: Request):
        return {"body": request.text}

    def pieces(request: Request):
        for number in range(3):
            yield f"{number} "

    def told(request: Request):
        print("shadow" if request.shadow else "live", request.arm, flush=True)
        return {}
"""
ROLLBACK_OFF = [{"metric": "errors", "action": "warn", "margin": 1.5}]


def route(candidate: str, control: str = "control", methods: list[str] | None = None, **experiment: Any) -> dict[str, Any]:
    shadow = {"candidate": "new", "cpu_budget": 16, "noise": 0, **experiment.pop("shadow", {})}
    keys = {"id": "stats-port", "control": "old", "key": ["header:X-User"], "guardrails": ROLLBACK_OFF, "shadow": shadow}
    path = "/stats/{n}" if control == "control" else "/stats"
    arms = {"old": {"python": f"st:{control}", "weight": 1}, "new": {"python": f"st:{candidate}", "weight": 0}}
    return {"path": path, "name": "stats", "arms": arms, "experiment": keys | experiment, **({"methods": methods} if methods else {})}


def start(server: Any, one_route: dict[str, Any], **config: Any) -> Server:
    return server([one_route], {"st": MODULE}, **config)


def fates(one: Server) -> dict[str, int]:
    """How many live requests ended how, by result and reason; only those that are not 0."""
    found = {}
    for line in one.admin("/metrics").text.splitlines():
        if line.startswith("tandem_shadow_total{"):
            labels, value = line.rsplit(" ", 1)
            parts = dict(part.split("=") for part in labels[labels.index("{") + 1 : -1].split(","))
            name = parts["reason"].strip('"') or parts["result"].strip('"')
            if int(value):
                found[name] = int(value)
    return found


def tally(one: Server) -> dict[str, Any]:
    return one.admin("/api/v1/experiments/stats-port/state").json()["comparisons"].get("new", {})


def compared(one: Server) -> int:
    outcomes = tally(one).get("outcomes", {})
    return sum(outcomes.get(name, 0) for name in ("match", "mismatch", "noise"))


def test_a_planted_difference_is_found_counted_and_sampled(server):
    one = start(server, route("rounds"))
    for n in range(1, 31):
        answer = one.get(f"/stats/{n}", {"X-User": f"u{n}"})
        assert (answer.get("Tandem-Arm"), answer.json()["shadow"]) == ("old", False)
    wait_until(lambda: compared(one) == 30, "30 comparisons")
    by_path = {finding["path"]: finding for finding in tally(one)["findings"]}
    assert by_path["$.mean"]["count"] == sum(1 for n in range(1, 31) if n % 7)
    sample = by_path["$.mean"]["samples"][-1]
    difference = next(each for each in sample["differences"] if each["path"] == "$.mean")
    assert difference["candidate"] == str(round(float(difference["control"]), 3))
    assert sample["request"].startswith("GET /stats/")
    wait_until(lambda: fates(one) == {"done": 30}, "the metrics")
    counts = {"experiment": "stats-port", "arm": "new"}
    wait_until(lambda: one.metric("tandem_compare_total", result="mismatch", **counts) == 30, "the metrics of comparisons")
    assert one.metric("tandem_compare_total", result="match", **counts) == 0
    assert one.metric("tandem_compare_upper_bound", **counts) == 1

    shown = run("diffs", "stats", "--admin", one.admin_url)
    assert shown.returncode == 0 and "value $.mean" in shown.stdout and difference["candidate"] in shown.stdout


def test_rules_explain_a_difference_away(server):
    rules = {"json": {"ignore": ["$.at"], "number": {"abs": 0.001}}}
    one = start(server, route("rounds", compare=rules))
    for n in range(1, 21):
        one.get(f"/stats/{n}")
    wait_until(lambda: compared(one) == 20, "20 comparisons")
    assert tally(one)["outcomes"]["match"] == 20 and tally(one)["findings"] == []


def test_a_rollback_for_answers_can_be_left_once_they_agree(server):
    guardrails = [{"metric": "mismatch", "margin": 0.01, "action": "rollback"}]
    one = start(server, route("rounds", guardrails=guardrails, metrics={"window": "1s"}, shadow={"timeout": "1s"}))

    def experiment() -> Any:
        return one.admin("/api/v1/experiments/stats-port").json()

    def ask_until(condition: Any, what: str) -> None:
        def ask() -> bool:
            for n in range(1, 11):
                one.get(f"/stats/{n}", {"X-User": f"u{n}"})
            return condition()

        wait_until(ask, what)

    ask_until(lambda: experiment()["state"] == "rolled_back", "the rollback")
    assert tally(one)["outcomes"]["mismatch"] > 0, "what led to it can be looked at"
    rules = {"json": {"ignore": ["$.at", "$.shadow"], "number": {"abs": 0.001}}}
    one.change_config(routes=[route("rounds", guardrails=guardrails, metrics={"window": "1s"}, shadow={"timeout": "1s"}, compare=rules)])
    assert one.reload().status == 200
    assert tally(one) == {}
    reason = json.dumps({"reason": "they differ in the fourth digit"}).encode()
    headers = {"Content-Type": "application/json"}
    assert one.admin("/api/v1/experiments/stats-port/start", "POST", headers, reason).status == 200

    def is_judged() -> bool:
        found = [each for each in experiment()["guardrails"] if each["evidence"].get("compared", 0) >= 20]
        return bool(found) and not found[0]["fired"]

    ask_until(is_judged, "a look at twenty new comparisons")
    assert experiment()["state"] == "running"
    assert tally(one)["outcomes"]["mismatch"] == 0


def test_what_control_differs_in_from_itself_is_noise(server):
    one = start(server, route("control", shadow={"noise": 1}))
    for n in range(1, 21):
        one.get(f"/stats/{n}")
    wait_until(lambda: compared(one) == 20, "20 comparisons")
    assert tally(one)["triples"] == 20
    found = {finding["path"]: finding for finding in tally(one)["findings"]}
    assert set(found) == {"$.at", "$.shadow"}  # both run as shadows, control's first answer did not
    assert tally(one)["outcomes"]["mismatch"] <= 1, "known as noise from the first triple on"


def test_a_candidate_that_fails_costs_no_client_anything(server):
    one = start(server, route("fails"))
    for n in range(5):
        assert one.get(f"/stats/{n}").status == 200
    wait_until(lambda: compared(one) == 5, "5 comparisons")
    (finding,) = tally(one)["findings"]
    assert (finding["kind"], finding["status_control"], finding["status_candidate"]) == ("status", 200, 500)


def test_coverage_counts_what_is_not_compared(server):
    one = start(server, route("rounds", shadow={"sample": 0}))
    assert one.get("/stats/7").status == 200
    assert one.get("/stats/seven").status == 500
    wait_until(lambda: len(tally(one).get("live_shapes", [])) == 2, "the shapes of both answers")
    wait_until(lambda: fates(one) == {"sampled_out": 2}, "the metrics")
    assert compared(one) == 0 and tally(one)["covered_shapes"] == []
    (candidate,) = json.loads(run("report", "stats", "--json", "--admin", one.admin_url).stdout)["candidates"]
    assert candidate["answers"]["shapes"] == {"live": 2, "covered": 0}


def test_verified_shadows_run_in_every_other_window(server):
    one = start(server, route("rounds", shadow={"verify": True}, metrics={"window": "1s"}))
    asked = 0

    def both_kinds() -> bool:
        nonlocal asked
        asked += 1
        assert one.get(f"/stats/{asked}").status == 200
        return fates(one).keys() == {"done", "verify"} and sum(fates(one).values()) == asked

    wait_until(both_kinds, "windows with shadows and without")
    shown = run("report", "stats", "--admin", one.admin_url)
    assert "live requests of old while shadows run" in shown.stdout


def test_a_candidate_that_hangs_is_given_up(server):
    one = start(server, route("sleeps", shadow={"timeout": "100ms"}), python={"workers": 2}, limits={"drain_timeout": "1s"})
    assert one.get("/stats/1").status == 200
    wait_until(lambda: fates(one) == {"timeout": 1}, "the time-out")
    assert tally(one)["outcomes"]["error"] == 1


def test_endpoints_see_that_they_are_a_shadow(server):
    one = start(server, route("told", control="told"))
    one.get("/stats")
    one.log.wait_for("live old")
    one.log.wait_for("shadow new")


def test_every_live_request_is_accounted_for(server):
    shadow = {"sample": 0.5, "methods": ["GET", "POST"], "safe": True, "body_bytes": "1KiB"}
    one = start(server, route("echo", control="echo", methods=["GET", "POST", "PUT"], shadow=shadow))
    with one.connect() as connection:
        for n in range(40):
            user = {"X-User": f"u{n}"}
            assert connection.get("/stats", user).status == 200
            assert connection.request("POST", "/stats", user, body=b"x" * 100).status == 200
            assert connection.request("POST", "/stats", user, body=b"x" * 5000).status == 200
            assert connection.request("PUT", "/stats", user, body=b"x").status == 200
    wait_until(lambda: sum(fates(one).values()) == 160, "all of them")
    counted = fates(one)
    assert counted["sampled_out"] % 4 == 0, "a client's requests are all sampled or none"
    sampled = (160 - counted["sampled_out"]) // 4
    assert counted == {"sampled_out": 160 - 4 * sampled, "done": 2 * sampled, "method": sampled, "body_too_large": sampled}
    wait_until(lambda: compared(one) == 2 * sampled, "the comparisons")
    assert tally(one)["outcomes"]["match"] == 2 * sampled, "bodies were copied"


def open_gate(one: Server) -> None:
    (one.folder / "gate").touch()


def test_shadows_get_no_other_fields_than_the_chosen_ones(server):
    one = start(server, route("heads", control="heads", shadow={"headers": ["Accept", "X-User"]}))
    assert one.get("/stats", {"X-User": "bob", "Accept": "*/*", "Authorization": "secret"}).status == 200
    assert "authorization" in one.log.wait_for("live sees (.*)")[1]
    assert one.log.wait_for("shadow sees (.*)")[1] == "accept x-user"


def test_a_candidate_that_takes_long_holds_up_no_request_on_the_same_connection(server):
    slow = route("waits", control="at_once", shadow={"timeout": "1h"})
    one = start(server, slow, python={"workers": 2})
    with one.connect() as connection:
        assert connection.get("/stats").status == 200
        one.log.wait_for("waits at the gate")
        for _ in range(100):
            assert connection.get("/stats").status == 200
        assert one.log.count("waits at the gate") == 1, "the first shadow has not ended, and no other has begun"
        open_gate(one)
        wait_until(lambda: fates(one) == {"done": 101}, "all shadows")


def test_what_finds_the_queue_full_is_skipped(server):
    slow = route("waits", control="at_once", shadow={"timeout": "1h", "queue": 2})
    one = start(server, slow, python={"workers": 2}, threads=2)
    assert one.get("/stats").status == 200
    one.log.wait_for("waits at the gate")
    for _ in range(20):  # each over a connection of its own, so that both I/O threads have some
        assert one.get("/stats").status == 200
    wait_until(lambda: fates(one) == {"queue_full": 18}, "the metrics: the queue is one for all I/O threads")
    open_gate(one)
    wait_until(lambda: fates(one) == {"queue_full": 18, "done": 3}, "those that had room")


def test_what_waits_when_an_experiment_is_paused_is_dropped(server):
    slow = route("waits", control="at_once", shadow={"timeout": "1h"})
    one = start(server, slow, python={"workers": 2})
    for _ in range(5):
        assert one.get("/stats").status == 200
    one.log.wait_for("waits at the gate")
    paused = one.admin("/api/v1/experiments/stats-port/pause", "POST", {}, b'{"reason": "a test"}')
    assert paused.status == 200
    wait_until(lambda: fates(one) == {"draining": 5}, "the end of what ran and waited")
    open_gate(one)
    for _ in range(5):
        assert one.get("/stats").status == 200
    resumed = one.admin("/api/v1/experiments/stats-port/resume", "POST", {}, b'{"reason": "a test"}')
    assert resumed.status == 200
    assert one.get("/stats", {"Tandem-Arm": "new"}).status == 200
    assert one.get("/stats").status == 200
    wait_until(lambda: fates(one) == {"draining": 5, "done": 1}, "what was neither during the pause nor of a pin")
    assert "error" not in {key for key, value in tally(one).get("outcomes", {}).items() if value}


def test_limits_of_rate_and_cpu_are_counted(server):
    one = start(server, route("at_once", control="at_once", shadow={"cpu_budget": 0}))
    for _ in range(5):
        assert one.get("/stats").status == 200
    wait_until(lambda: fates(one) == {"cpu_budget": 5}, "all of them")
    one = start(server, route("at_once", control="at_once", shadow={"per_second": 1}), threads=1)
    for _ in range(50):
        assert one.get("/stats").status == 200
    wait_until(lambda: sum(fates(one).values()) == 50, "all of them")
    assert fates(one).keys() == {"done", "rate"}


def test_a_client_that_leaves_has_no_shadow(server):
    slow = route("at_once", control="waits", shadow={"timeout": "1h"})
    one = start(server, slow)
    with one.connect() as connection:
        connection.send(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
        one.log.wait_for("waits at the gate")
    wait_until(lambda: fates(one) == {"unanswered": 1}, "its end")
    open_gate(one)


def test_with_swap_both_directions_are_compared(server):
    for swap in (False, True):
        both = route("told", control="told", shadow={"swap": swap})
        both["arms"]["new"]["weight"] = 1
        one = start(server, both)
        arms = [one.get("/stats", {"X-User": f"u{n}"}).get("Tandem-Arm") for n in range(40)]
        counted = {"done": 40} if swap else {"done": arms.count("old"), "arm": arms.count("new")}
        wait_until(lambda counted=counted: fates(one) == counted, f"{counted}")
        wait_until(lambda: compared(one) == counted["done"], "the comparisons")
        assert one.log.count("shadow old") == (arms.count("new") if swap else 0)
        one.stop()


def test_a_stop_waits_for_no_shadow(server):
    slow = route("waits", control="at_once", shadow={"timeout": "1h"})
    one = start(server, slow, python={"workers": 2}, limits={"drain_timeout": "1h"})
    for _ in range(3):
        assert one.get("/stats").status == 200
    one.log.wait_for("waits at the gate")
    one.signal(signal.SIGTERM)
    assert one.wait() == 0


def test_streamed_answers_are_compared_too(server):
    one = start(server, route("pieces", control="pieces"))
    assert one.get("/stats").text == "0 1 2 "
    wait_until(lambda: tally(one).get("outcomes", {}).get("match") == 1, "the comparison")


def test_a_stop_drops_shadows(server):
    # One that nothing can interrupt: the drain timeout ends it.
    one = start(server, route("sleeps", shadow={"timeout": "5s"}), python={"workers": 2}, limits={"drain_timeout": "1s"})
    for n in range(3):
        assert one.get(f"/stats/{n}").status == 200
    one.signal(signal.SIGTERM)
    assert one.wait() == 0


def test_mismatches_roll_the_candidate_back(server):
    guardrail = [{"metric": "mismatch", "margin": 0.01, "action": "rollback"}]
    one = start(server, route("rounds", guardrails=guardrail, compare={"json": {"ignore": ["$.at"]}}))
    with one.connect() as connection:
        for n in range(200):
            connection.get(f"/stats/{n}", {"X-User": f"u{n}"})
    state = lambda: one.admin("/api/v1/experiments/stats-port").json()["state"]  # noqa: E731
    wait_until(lambda: state() == "rolled_back", "the rollback")
    audit = run("audit", "--admin", one.admin_url, "--json")
    last = json.loads(audit.stdout)
    assert "mismatch" in json.dumps(last)
