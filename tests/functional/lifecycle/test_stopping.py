"""SIGTERM and SIGINT: what was accepted is answered, Python says goodbye, and a second signal is final."""

import os
import signal

import pytest

from support.client import Connection, ConnectionEnded, request_bytes
from support.demo import demo_routes, twin
from support.server import Load, wait_until

GATED = """
    import asyncio, atexit, os, pathlib, time
    from tandem import Request

    def wait(request: Request):
        print("started " + request.query_params["n"], flush=True)
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.005)
        return "done"

    async def wait_async(request: Request):
        print("started " + request.query_params["n"], flush=True)
        while not os.path.exists(request.query_params["file"]):
            await asyncio.sleep(0.005)
        return "done"

    @atexit.register
    def goodbye():
        (pathlib.Path(__file__).parent / f"goodbye.{os.getpid()}").write_text("bye")
"""

ROUTES = [
    {"path": "/plaintext", "native": "plaintext"},
    {"path": "/wait", "python": "gated:wait"},
    {"path": "/wait_async", "python": "gated:wait_async"},
    *[route for route in demo_routes() if route["path"] in ("/delay/{ms}", "/json")],
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("mode", ["process", "thread"])
def test_what_runs_is_finished_and_atexit_runs(server, tmp_path, number, mode):
    gate = tmp_path / "gate"
    one = server(ROUTES, {"gated": GATED}, python={"mode": mode})
    idle = one.connect()
    assert idle.get("/plaintext").status == 200
    with one.connect() as sync, one.connect() as later:
        sync.send(request_bytes("GET", f"/wait?file={gate}&n=sync"))
        later.send(request_bytes("GET", f"/wait_async?file={gate}&n=async"))
        one.log.wait_for("started sync")
        one.log.wait_for("started async")
        one.signal(number)
        idle.expect_end()  # an idle connection is closed: the drain has begun
        with pytest.raises(OSError):
            Connection(one.address).get("/plaintext")
        gate.touch()
        for connection in (sync, later):
            answer = connection.read()
            assert (answer.status, answer.text, answer.get("connection")) == (200, "done", "close")
            connection.expect_end()
    assert one.wait() == 0
    assert list((one.folder / "modules").glob("goodbye.*"))


def test_requests_in_the_queue_are_answered_too(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, {"gated": GATED})
    connections = [one.connect() for _ in range(8)]
    for n, connection in enumerate(connections):
        connection.send(request_bytes("GET", f"/wait?file={gate}&n={n}"))
    one.log.wait_for("started ")
    with one.connect() as idle:
        assert idle.get("/plaintext").status == 200
        one.signal(signal.SIGTERM)
        idle.expect_end()
    gate.touch()
    assert [connection.read().status for connection in connections] == [200] * 8
    for connection in connections:
        connection.close()
    assert one.wait() == 0


@pytest.mark.parametrize("target", ["/plaintext?load", "/json?load", "/delay/5?load"])
def test_no_accepted_request_is_lost_under_load(server, target):
    """The access log has one line for each request that the server accepted: clients hold as many whole answers."""
    one = server(ROUTES, {"gated": GATED}, python={"workers": 2})
    load = Load(one.address, target, connections=8)
    load.wait_for(300)
    one.signal(signal.SIGTERM)
    code = one.wait()
    results = load.stop()
    assert code == 0
    assert set(results) <= {200, "ended"}, results  # "ended": connections closed between requests, or refused
    assert results[200] == one.log.count(r"\?load")


@pytest.mark.parametrize("arm", ["cpp", "py"])
def test_every_request_of_an_open_connection_is_answered(server, arm):
    """Requests already received when the signal comes: all get whole answers, the last says close."""
    one = server([*ROUTES[:3], twin("/slow/{ms}", "delay", "delay")], {"gated": GATED}, pin="open")
    connections = [one.connect() for _ in range(20)]
    for connection in connections:
        assert connection.get("/plaintext").status == 200
        connection.send(request_bytes("GET", "/slow/400", {"Tandem-Arm": arm}))
    # The server reads a connection's bytes in order of arrival on its threads: an answer to a later request on each of them
    # would be blocked behind the wait, so a further connection each thread tells that the earlier bytes were seen.
    for _ in range(8):
        assert one.get("/plaintext").status == 200
    one.signal(signal.SIGTERM)
    for connection in connections:
        answer = connection.read()
        assert (answer.status, answer.json()) == (200, {"delay_ms": 400})
        assert answer.get("connection") == "close"
        connection.expect_end()
    assert one.wait() == 0


def test_the_drain_has_an_end(server, tmp_path):
    one = server(ROUTES, {"gated": GATED}, limits={"drain_timeout": "300ms"}, stop_check=False)
    with one.connect() as connection:
        connection.send(request_bytes("GET", f"/wait?file={tmp_path / 'never'}&n=1"))
        one.log.wait_for("started 1")
        one.signal(signal.SIGTERM)
        one.wait()
        try:
            assert connection.read().status in (502, 503, 504)
        except ConnectionEnded:
            pass


def test_a_second_signal_ends_at_once(server, tmp_path):
    one = server(ROUTES, {"gated": GATED}, stop_check=False)
    with one.connect() as connection, one.connect() as idle:
        assert idle.get("/plaintext").status == 200
        connection.send(request_bytes("GET", f"/wait?file={tmp_path / 'never'}&n=1"))
        one.log.wait_for("started 1")
        pids = one.worker_pids()
        one.signal(signal.SIGTERM)
        idle.expect_end()
        one.signal(signal.SIGTERM)
        assert one.wait() != 0
    for pid in pids:
        wait_until(lambda pid=pid: not os.path.exists(f"/proc/{pid}") or is_zombie(pid), "the worker to end with the server")


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_workers_end_when_the_server_is_killed(server):
    one = server(ROUTES, {"gated": GATED}, python={"workers": 2}, stop_check=False)
    pids = one.worker_pids()
    assert len(pids) == 2
    one.kill()
    for pid in pids:
        wait_until(lambda pid=pid: is_zombie(pid), "the worker to notice")


def test_readyz_says_no_while_draining(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, {"gated": GATED})
    assert one.admin("/readyz").status == 200
    with one.connect() as connection, one.connect() as idle:
        assert idle.get("/plaintext").status == 200
        connection.send(request_bytes("GET", f"/wait?file={gate}&n=1"))
        one.log.wait_for("started 1")
        one.signal(signal.SIGTERM)
        idle.expect_end()
        assert one.admin("/readyz").status == 503
        assert one.admin("/healthz").status == 200
        gate.touch()
        assert connection.read().text == "done"
    assert one.wait() == 0
