"""Python that raises, answers nonsense, dies or hangs: what the client, the log and the other requests see of it."""

import os
import select
import signal

import pytest

from support.client import request_bytes
from support.server import Load, wait_until

NATIVE = {"path": "/plaintext", "native": "plaintext"}

FAULTY = """
    import logging
    from tandem import HTTPError, Request, Response

    def inner():
        raise ValueError("a secret detail")

    def broken(request: Request):
        inner()

    async def broken_later(request: Request):
        inner()

    def refuses(request: Request):
        raise HTTPError(404, "no such item")

    def refuses_by_code(request: Request):
        raise HTTPError(409, "taken", code="item.taken")

    def nonsense(request: Request):
        return object()

    def unserializable(request: Request):
        return {"x": {1, 2}}

    def breaks_off(request: Request):
        for _ in range(64):
            yield bytes(64 * 1024)
        raise ValueError("half-way")

    def breaks_early(request: Request):
        raise ValueError("at once")
        yield b""

    def fine():
        return "fine"
"""

FAULTY_ROUTES = [NATIVE] + [
    {"path": f"/{name}", "python": f"faulty:{name}"}
    for name in ("broken", "broken_later", "refuses", "refuses_by_code", "nonsense", "unserializable", "breaks_off", "breaks_early", "fine")
]


@pytest.mark.parametrize("mode", ["process", "thread"])
@pytest.mark.parametrize("path", ["/broken", "/broken_later"])
def test_an_exception_is_500_and_its_traceback_is_in_the_log_only(server, mode, path):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY}, python={"mode": mode})
    answer = one.get(path, {"X-Request-Id": "req-4711"})
    problem = answer.problem(500, "python.exception")
    assert problem["request_id"] == "req-4711"
    assert b"secret" not in answer.body and b"Traceback" not in answer.body
    one.log.wait_for("req-4711")
    one.log.wait_for("ValueError: a secret detail")
    assert "in inner" in one.log.text()
    assert one.get("/fine").text == "fine"


def test_debug_shows_the_traceback(server):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY}, debug=True)
    problem = one.get("/broken").problem(500, "python.exception")
    assert "ValueError: a secret detail" in problem["traceback"]


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_http_errors_are_problems(server, mode):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY}, python={"mode": mode})
    assert one.get("/refuses").problem(404, "python.http_error")["detail"] == "no such item"
    assert one.get("/refuses_by_code").problem(409, "item.taken")["detail"] == "taken"
    assert "Traceback" not in one.log.text()


@pytest.mark.parametrize("path", ["/nonsense", "/unserializable"])
def test_an_answer_of_the_wrong_kind_is_500(server, path):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY})
    problem = one.get(path)
    assert problem.status == 500
    assert problem.json()["code"] in ("python.bad_response", "python.exception")
    assert one.get("/fine").text == "fine"


def test_a_stream_that_breaks_off_ends_the_connection_unfinished(server):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY})
    with one.connect() as connection:
        answer = connection.get("/breaks_off")
        assert (answer.status, answer.complete) == (200, False)
        assert len(answer.body) < 64 * 64 * 1024 + 64 * 64
    one.log.wait_for("ValueError: half-way")
    assert one.get("/fine").text == "fine"


def test_a_stream_that_breaks_before_its_first_piece_is_500(server):
    one = server(FAULTY_ROUTES, {"faulty": FAULTY})
    one.get("/breaks_early").problem(500, "python.exception")
    one.log.wait_for("ValueError: at once")


# --- workers that die ------------------------------------------------------------------------------------------------

HANGING = """
    import os, time, asyncio
    from tandem import Request

    def forever(request: Request):
        print("stuck now", flush=True)
        time.sleep(1e9)

    async def forever_async(request: Request):
        print("waiting now", flush=True)
        try:
            await asyncio.sleep(1e9)
        except asyncio.CancelledError:
            print("was cancelled", flush=True)
            raise

    def busy(request: Request):
        print("busy now", flush=True)
        end = time.perf_counter() + float(request.query_params["s"])
        while time.perf_counter() < end:
            pass
        return {"pid": os.getpid()}

    def wait_for_file(request: Request):
        print("started " + request.query_params.get("n", ""), flush=True)
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.005)
        return "done"

    def pid():
        return {"pid": os.getpid()}

    def die(request: Request):
        os._exit(3)
"""

HANGING_ROUTES = [NATIVE] + [
    {"path": f"/{name}", "python": f"hanging:{name}"} for name in ("forever", "forever_async", "busy", "wait_for_file", "pid", "die")
]


def test_kill_minus_nine_under_load(server):
    """Native answers go on, Python is back, and only what the dead worker was running is lost."""
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"workers": 2})
    native = Load(one.address, "/plaintext", connections=2)
    python = Load(one.address, "/pid", connections=4)
    python.wait_for(200)
    for _ in range(3):
        before = set(one.worker_pids())
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(set(one.worker_pids()) - {victim}) == 2, "a new worker in the dead one's place")
        python.wait_for(100)
        native.wait_for(100)
    assert set(native.stop()) == {200}
    answers = python.stop()
    assert set(answers) <= {200, 502}, answers
    assert answers[502] <= 3 * 4  # no more than could have been in flight
    one.log.wait_for(r"(?i)(died|killed|signal 9|SIGKILL)")
    assert one.metric("tandem_python_restarts_total", pool="python", reason="died") == 3
    assert one.metric("tandem_requests_total", route="/pid", code="5xx") == answers[502]
    assert one.metric("tandem_requests_total", route="/plaintext", code="5xx") == 0


def test_the_request_a_dead_worker_ran_is_502(server):
    one = server(HANGING_ROUTES, {"hanging": HANGING})
    one.get("/die").problem(502, "python.worker_died")
    assert one.get("/pid").status == 200


def test_a_stuck_handler_is_504_then_its_worker_is_replaced_with_its_stack_in_the_log(server):
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"timeout": "1s"})
    (before,) = one.worker_pids()
    with one.connect() as connection:
        connection.get("/forever").problem(504, "python.timeout")
        assert connection.get("/plaintext").status == 200
    one.log.wait_for(r"forever")  # faulthandler names the function it hangs in
    after = one.get("/pid").json()["pid"]
    assert after != before
    assert one.metric("tandem_python_restarts_total", pool="python") >= 1


def test_a_timed_out_coroutine_is_cancelled_and_its_worker_kept(server):
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"timeout": "1s"})
    (before,) = one.worker_pids()
    one.get("/forever_async").problem(504, "python.timeout")
    one.log.wait_for("was cancelled")
    assert one.get("/pid").json()["pid"] == before


def test_a_busy_worker_is_never_killed_for_being_busy(server):
    """It holds the GIL far longer than a ping interval, but within its own deadline."""
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"timeout": "60s"})
    before = one.get("/pid").json()["pid"]
    assert one.get("/busy?s=4").json()["pid"] == before
    assert one.get("/pid").json()["pid"] == before


def test_a_python_loop_past_its_deadline_is_interrupted(server):
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"timeout": "1s"})
    one.get("/busy?s=1000000").problem(504, "python.timeout")
    wait_until(lambda: one.get("/pid").status == 200, "the worker to serve again")


def test_a_route_has_its_own_timeout(server):
    routes = [{"path": "/forever", "python": "hanging:forever_async", "timeout": "200ms"}]
    one = server(routes, {"hanging": HANGING}, python={"timeout": "60s"})
    one.get("/forever").problem(504, "python.timeout")


# --- queues ----------------------------------------------------------------------------------------------------------


def test_a_full_queue_is_503_with_retry_after(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"queue": 2, "queue_timeout": "60s"})
    target = f"/wait_for_file?file={gate}"
    waiting = [one.connect() for _ in range(12)]
    for n, connection in enumerate(waiting):
        connection.send(request_bytes("GET", f"{target}&n={n}"))
    # One runs and some wait: the others are refused while the gate is shut.
    refused, _, _ = select.select([connection.socket for connection in waiting], [], [], 60)
    assert refused
    answer = next(connection for connection in waiting if connection.socket is refused[0]).read()
    answer.problem(503, "overload.queue_full")
    assert int(answer.get("retry-after")) >= 1
    assert one.get("/plaintext").status == 200
    gate.touch()
    answers = [connection.read().status for connection in waiting if connection.socket is not refused[0]]
    assert set(answers) <= {200, 503}
    assert answers.count(200) >= 3  # the one that ran and the two that waited
    for connection in waiting:
        connection.close()
    assert one.metric("tandem_rejected_total", reason="queue_full") >= 1


def test_waiting_too_long_in_the_queue_is_503(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"queue_timeout": "300ms"})
    with one.connect() as first:
        first.send(request_bytes("GET", f"/wait_for_file?file={gate}&n=first"))
        one.log.wait_for("started first")
        answer = one.get("/pid")
        answer.problem(503, "overload.queue_timeout")
        assert answer.get("retry-after")
        gate.touch()
        assert first.read().text == "done"


# --- clients that leave ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_a_client_that_leaves_cancels_its_coroutine(server, mode):
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"mode": mode})
    connection = one.connect()
    connection.send(request_bytes("GET", "/forever_async"))
    one.log.wait_for("waiting now")
    connection.abort()
    one.log.wait_for("was cancelled")
    assert one.get("/pid").status == 200


def test_a_request_that_waits_is_taken_back_when_its_client_leaves(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"timeout": "60s"})
    with one.connect() as first:
        first.send(request_bytes("GET", f"/wait_for_file?file={gate}&n=first"))
        one.log.wait_for("started first")
        second = one.connect()
        second.send(request_bytes("GET", f"/wait_for_file?file={gate}&n=second"))
        wait_until(lambda: one.metric("tandem_connections") == 2, "the second connection to be seen")
        second.abort()
        wait_until(lambda: one.metric("tandem_connections") == 1, "the second connection to be gone")
        gate.touch()
        assert first.read().text == "done"
    assert one.get("/pid").status == 200
    assert "started second" not in one.log.text()


# --- replacement -----------------------------------------------------------------------------------------------------


def test_max_requests_replaces_workers_without_losing_a_request(server):
    one = server(HANGING_ROUTES, {"hanging": HANGING}, python={"workers": 2, "max_requests": 50, "max_requests_jitter": 20})
    load = Load(one.address, "/pid", connections=4)
    wait_until(lambda: one.metric("tandem_python_restarts_total", pool="python") >= 5, "workers to be replaced")
    load.wait_for(100)
    assert set(load.stop()) == {200}


def test_a_worker_that_keeps_dying_is_started_ever_more_slowly(server):
    """Dying at each start backs off: state backing_off shows, native lives, and Python is back once the fault is gone."""
    module = """
        import os, pathlib
        if pathlib.Path(__file__).with_name("fatal").exists():
            os._exit(7)

        def pid():
            return {"pid": os.getpid()}
    """
    one = server([NATIVE, {"path": "/pid", "python": "fragile:pid"}], {"fragile": module}, python={"queue_timeout": "30s"})
    fatal = one.folder / "modules" / "fatal"
    fatal.touch()
    os.kill(one.worker_pids()[0], signal.SIGKILL)
    wait_until(lambda: any(worker["state"] == "backing_off" for worker in one.workers()), "the worker to back off")
    assert one.get("/plaintext").status == 200
    fatal.unlink()
    assert one.get("/pid").status == 200  # waited in the queue


def test_max_rss_replaces_a_worker_that_grew(server):
    module = """
        import os
        kept = []
        def grow():
            kept.append(bytearray(300 * 1024 * 1024))
            kept[-1][::4096] = b"x" * len(kept[-1][::4096])
            return {"pid": os.getpid()}
        def pid():
            return {"pid": os.getpid()}
    """
    routes = [NATIVE, {"path": "/grow", "python": "greedy:grow"}, {"path": "/pid", "python": "greedy:pid"}]
    one = server(routes, {"greedy": module}, python={"max_rss": "250MiB"})
    others = [Load(one.address, target, connections=2) for target in ("/pid", "/plaintext")]
    before = one.get("/grow").json()["pid"]
    wait_until(lambda: one.get("/pid").json()["pid"] != before, "a smaller worker")
    for load in others:
        load.wait_for(10)
        assert set(load.stop()) == {200}
    one.log.wait_for(r"python-0 \(\d+\): replaced, max_rss")
    assert one.metric("tandem_python_restarts_total", pool="python", reason="max_rss") == 1
    assert one.metric("tandem_requests_total", code="5xx") == 0


def test_the_answer_after_a_timeout_is_never_the_timed_out_one(server):
    """A worker's late answer goes nowhere: the next request of the connection gets its own."""
    module = """
        import time
        from tandem import Request
        def late(request: Request):
            time.sleep(0.4)
            return "late"
        def echo(request: Request):
            return request.query_params["n"]
    """
    routes = [{"path": "/late", "python": "lately:late"}, {"path": "/echo", "python": "lately:echo"}]
    one = server(routes, {"lately": module}, python={"timeout": "150ms"})
    with one.connect() as connection:
        for n in range(3):
            connection.get("/late").problem(504, "python.timeout")

            def served(n=n):
                answer = connection.get(f"/echo?n={n}")
                assert answer.status in (200, 502, 503, 504)
                return answer.status == 200 and answer.text == str(n)

            wait_until(served, "the worker to be free again")
