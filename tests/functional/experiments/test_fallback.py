"""A candidate that fails before its first byte: control answers, and the breaker takes it out of service."""

from __future__ import annotations

import pytest

from support.server import wait_until

MODULE = """
import os
import time
from tandem import HTTPError, Response

def control(request):
    return Response("control:" + request.text, headers={"X-Method": request.method})

def good(request):
    return "candidate:" + request.text

def raises(request):
    raise ValueError("no")

def unavailable(request):
    raise HTTPError(503, "later")

def refuses(request):
    raise HTTPError(404, "no such thing")

def hangs(request):
    time.sleep(3600)

def dies(request):
    os._exit(3)

def streams(request):
    yield b"first "
    yield b"second"

def flag(request):
    if os.path.exists(os.environ["FLAG"]):
        raise ValueError("no")
    return "candidate:"
"""


def route(candidate, **keys):
    """Everybody goes to the candidate."""
    arms = {"old": {"python": "arms:control", "weight": 0, "pool": "old"}, "new": {"python": f"arms:{candidate}", "weight": 1}}
    further = {key: keys.pop(key) for key in ("methods", "timeout") if key in keys}
    experiment = {"id": "port", "control": "old", "key": ["header:X-User"], "expose": "all", "fallback": "control", **keys}
    return {"path": "/x", "name": "x", "arms": arms, "experiment": experiment, **further}


@pytest.fixture
def start(server, tmp_path):
    def start_one(candidate, python=None, env=None, limits=None, **keys):
        path = [str(tmp_path / "server0" / "modules")]
        pools = {"old": {"path": path, "workers": 1}}
        return server([route(candidate, **keys)], {"arms": MODULE}, pools=pools, python=python or {}, env=env or {}, limits=limits or {})

    return start_one


def outcome(answer):
    return answer.status, answer.text, answer.get("Tandem-Arm"), answer.get("Tandem-Assigned-By")


FELL_BACK = (200, "control:", "old", "fallback")


@pytest.mark.parametrize("candidate", ["raises", "unavailable", "dies"])
def test_control_answers_for_a_candidate_that_fails(start, candidate):
    one = start(candidate)
    assert outcome(one.get("/x")) == FELL_BACK
    assert one.get("/x").get("Tandem-Backend") == "python"
    wait_until(lambda: one.metric("tandem_requests_total", route="x", arm="new", code="5xx") == 2, "the candidate's failures")
    assert one.metric("tandem_requests_total", route="x", arm="old", code="2xx") == 2


def test_control_answers_for_a_candidate_that_takes_too_long(start):
    one = start("hangs", timeout="200ms")
    assert outcome(one.get("/x")) == FELL_BACK


def test_control_answers_when_the_candidates_queue_is_full(start):
    one = start("hangs", python={"queue": 1, "queue_timeout": "60s"}, timeout="60s", limits={"drain_timeout": "1s"})
    with one.connect() as running, one.connect() as waiting:
        for connection in (running, waiting):
            connection.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: one.metric("tandem_python_queue", pool="python") == 1, "a full queue")
        assert outcome(one.get("/x")) == FELL_BACK


def test_answers_below_500_are_the_candidates_own(start):
    one = start("refuses")
    answer = one.get("/x")
    assert (answer.status, answer.get("Tandem-Arm"), answer.get("Tandem-Assigned-By")) == (404, "new", "hash")


def test_a_stream_that_has_begun_is_not_replaced(start):
    assert outcome(start("streams").get("/x")) == (200, "first second", "new", "hash")


def test_without_fallback_the_error_is_the_answer(start):
    answer = start("raises", fallback="none").get("/x")
    assert answer.problem(500, "python.exception")
    assert (answer.get("Tandem-Arm"), answer.get("Tandem-Assigned-By")) == ("new", "hash")


def test_only_methods_that_may_run_twice_fall_back(start):
    one = start("raises", methods=["GET", "POST"])
    assert one.post("/x", b"body").status == 500
    assert one.request("HEAD", "/x").status == 200


@pytest.mark.parametrize("size", [4, 300_000])
def test_an_idempotent_route_falls_back_with_its_body(start, size):
    one = start("raises", methods=["POST"], idempotent=True)
    body = b"b" * size
    assert outcome(one.post("/x", body)) == (200, "control:" + body.decode(), "old", "fallback")
    answer = one.request("POST", "/x", chunks=[body[:2], body[2:]])
    assert outcome(answer) == (200, "control:" + body.decode(), "old", "fallback")


def test_a_body_reaches_a_candidate_that_works(start):
    one = start("good", methods=["POST"], idempotent=True)
    assert outcome(one.post("/x", b"b" * 300_000)) == (200, "candidate:" + "b" * 300_000, "new", "hash")


def test_a_pin_gets_the_candidates_own_error(start):
    answer = start("raises").get("/x", {"Tandem-Arm": "new"})
    assert (answer.status, answer.get("Tandem-Arm"), answer.get("Tandem-Assigned-By")) == (500, "new", "override")


def test_the_breaker_turns_a_failing_candidate_off(start, tmp_path):
    flag = tmp_path / "fails"
    one = start("flag", fallback="none", env={"FLAG": str(flag)})
    assert one.get("/x").text == "candidate:"
    flag.touch()
    with one.connect() as connection:
        answers = wait_until(lambda: [connection.get("/x")] if connection.get("/x").status == 200 else [], "the breaker")
    assert outcome(answers[0]) == FELL_BACK
    assert one.log.wait_for(r"experiment port: arm new is off for 30 s, control answers: \d+ of \d+ answers within a second were errors")
    failed = one.metric("tandem_requests_total", route="x", arm="new", code="5xx")
    assert failed >= 5
    with one.connect() as connection:
        assert {connection.get("/x").status for _ in range(50)} == {200}
    assert one.metric("tandem_requests_total", route="x", arm="new", code="5xx") == failed
    assert one.get("/x", {"Tandem-Arm": "new"}).status == 500  # pins see what is
    assert one.metric("tandem_experiment_breaker_off", experiment="port", arm="new") == 1
    assert one.metric("tandem_experiment_breaker_trips_total", experiment="port", arm="new") == 1


def test_five_crashes_in_a_row_turn_a_candidate_off(start):
    one = start("dies", fallback="none")
    for _ in range(5):
        assert one.get("/x").problem(502, "python.worker_died")
    assert outcome(one.get("/x")) == FELL_BACK
    assert one.log.wait_for("5 crashes of its worker in a row")
