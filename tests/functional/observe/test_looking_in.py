"""What the workers are doing now: their stacks and the requests they have, from the admin side and the command line."""

import json
import os
import signal

import pytest

from support.client import Connection, request_bytes
from support.server import run, wait_until

MODULE = """
    import os, time
    from tandem import Request

    def a_function_that_waits(request: Request):
        print("started " + request.query_params["n"], flush=True)
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.005)
        return "done"
"""
ROUTES = [
    {"path": "/wait", "name": "waiting", "python": "gated:a_function_that_waits", "timeout": "60s"},
    {"path": "/other", "python": "hello:handle", "pool": "second"},
]


@pytest.fixture
def busy(server, tmp_path):
    """A server with a request in its one worker and one that waits for it."""
    gate = tmp_path / "gate"
    one = server(ROUTES, {"gated": MODULE}, pools={"second": {"path": [str(tmp_path)], "workers": 1}})
    with one.connect() as first, one.connect() as second:
        first.send(request_bytes("GET", f"/wait?file={gate}&n=1", {"X-Request-Id": "the-first"}))
        one.log.wait_for("started 1")
        second.send(request_bytes("GET", f"/wait?file={gate}&n=2", {"X-Request-Id": "the-second"}))
        wait_until(lambda: one.metric("tandem_python_queue", pool="python") == 1, "the second to wait")
        yield one
        gate.touch()
        assert first.read().status == second.read().status == 200


@pytest.fixture(autouse=True)
def hello(tmp_path):
    (tmp_path / "hello.py").write_text("def handle():\n    return 'hello'\n")


def pid_of(one, pool):
    return next(worker["pid"] for worker in one.workers() if worker["pool"] == pool)


def test_stacks(busy):
    workers = busy.admin("/api/v1/stacks").json()["workers"]
    assert sorted(worker["pool"] for worker in workers) == ["python", "second"]
    (waiting,) = [worker for worker in workers if worker["pool"] == "python"]
    assert waiting["pid"] == pid_of(busy, "python")
    assert "a_function_that_waits" in waiting["text"]
    text = busy.admin("/api/v1/stacks?pool=python", headers={"Accept": "text/plain"})
    assert text.type == "text/plain; charset=utf-8"
    assert "a_function_that_waits" in text.text and "pool second" not in text.text


def test_stacks_from_the_command_line(busy):
    result = run("stacks", "--admin", busy.admin_url)
    assert (result.returncode, result.stderr) == (0, "")
    assert "a_function_that_waits" in result.stdout
    pid = pid_of(busy, "second")
    result = run("stacks", "--admin", busy.admin_url, "--pid", str(pid), "--json")
    assert [worker["pid"] for worker in json.loads(result.stdout)["workers"]] == [pid]
    assert run("stacks", "--admin", busy.admin_url, "--pool", "nowhere").stdout == "no such workers\n"


def test_requests(busy):
    requests = busy.admin("/api/v1/requests").json()["requests"]
    assert [(one["id"], one["state"]) for one in requests] == [("the-first", "running"), ("the-second", "queued")]
    first, second = requests
    assert (first["method"], first["path"], first["route"]) == ("GET", "/wait", "waiting")
    assert (first["endpoint"], first["pool"]) == ("gated:a_function_that_waits", "python")
    assert (first["pid"], second["pid"]) == (pid_of(busy, "python"), 0)
    assert first["age_seconds"] >= second["age_seconds"] > 0


def test_requests_from_the_command_line(busy):
    result = run("requests", "--admin", busy.admin_url)
    assert (result.returncode, result.stderr) == (0, "")
    heading, first, second = result.stdout.splitlines()
    assert heading.split() == ["AGE", "MS", "STATE", "PID", "METHOD", "PATH", "ROUTE", "ENDPOINT", "ID"]
    assert "running" in first and "the-first" in first and "queued" in second
    assert run("requests", "--admin", busy.admin_url, "--pool", "second").stdout == "no requests at the workers\n"


def test_the_admin_side_answers_while_a_worker_does_not(busy):
    pid = pid_of(busy, "second")
    os.kill(pid, signal.SIGSTOP)
    try:
        host = "%s:%d" % busy.admin_address
        with Connection(busy.admin_address) as asking:
            asking.send(request_bytes("GET", "/api/v1/stacks", host=host))
            assert busy.admin("/healthz").status == 200
            assert not asking.has_data()
            answer = asking.read()
            assert answer.status == 200
            texts = {worker["pool"]: worker["text"] for worker in answer.json()["workers"]}
            assert "a_function_that_waits" in texts["python"]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_workers_table(busy):
    result = run("workers", "--admin", busy.admin_url)
    assert result.returncode == 0
    assert result.stdout.splitlines()[0].split() == "POOL GEN PID STATE IN FLIGHT REQUESTS RESTARTS RSS AGE".split()
    assert "pool python: 1 of 1 ready, 1 of 1024 queued" in result.stdout


@pytest.mark.parametrize("command", ["status", "workers", "stacks", "requests", "reload"])
def test_nobody_there_is_said(command):
    result = run(command, "--admin", "http://127.0.0.1:1")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no server answers at http://127.0.0.1:1" in result.stderr


def test_a_ping_that_was_answered_waits_no_longer(server):
    """The board went on counting from the ping to the next one, so an idle worker seemed to wait half a second."""
    one = server([{"path": "/hello/{name}", "python": "hello:handle"}])
    waits = []

    def pings():
        waits.append(one.workers()[0]["gil_wait_seconds"])
        return one.metric("tandem_python_gil_wait_seconds_count")

    wait_until(lambda: pings() >= 1, "the first ping")
    waits.clear()
    wait_until(lambda: pings() >= 3, "two more")
    assert sorted(waits)[len(waits) // 2] < 0.1
