"""Reload: fresh workers and a fresh route table take over, what runs is finished by the old ones, and what is wrong changes
nothing."""

import contextlib
import json
import os
import pathlib
import re
import signal
import threading

import pytest

from support.client import Connection, fetch, request_bytes
from support.demo import twin
from support.server import Load, run, wait_until
from support.websocket import WebSocket

VERSION = """
    import os
    {more}

    def handle():
        return {{"version": {version}, "pid": os.getpid()}}
"""

GATED = """
    import os, pathlib, time
    from tandem import Request

    def wait(request: Request):
        print("started " + request.query_params["n"], flush=True)
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.005)
        return {"pid": os.getpid()}

    def pieces(request: Request):
        for piece in range(3):
            yield f"{os.getpid()} {piece}\\n"
            while piece == 0 and not os.path.exists(request.query_params["file"]):
                time.sleep(0.005)
"""

ROUTES = [
    {"path": "/version", "python": "version:handle"},
    {"path": "/plaintext", "native": "plaintext"},
    {"path": "/wait", "python": "gated:wait", "timeout": "60s"},
    {"path": "/pieces", "python": "gated:pieces", "timeout": "60s"},
    twin("/delay/{ms}", "delay", "delay"),
]


def version(number, more=""):
    return VERSION.format(version=number, more=more)


def modules(number=1):
    return {"version": version(number), "gated": GATED}


def by_signal(one):
    generation = one.generation()
    one.signal(signal.SIGHUP)
    one.log.wait_for(rf"reload: generation {generation + 1} serves \(took \d+ ms\)")


def by_request(one):
    answer = one.reload()
    assert answer.status == 200, answer.text
    assert answer.json()["warnings"] == []


def by_command(one):
    result = run("reload", "--admin", one.admin_url)
    assert (result.returncode, result.stderr) == (0, "")
    assert " routes (took " in result.stdout


def ready_pids(one, count):
    return wait_until(lambda: len(pids := set(one.worker_pids())) == count and pids, f"{count} ready workers")


def gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def children_of(pid):
    children = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError):
            children |= set(pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return children


# ----------------------------------------------------------------------------------------------- zero loss


@pytest.mark.parametrize("way", [by_signal, by_request, by_command])
def test_no_request_is_lost_and_new_code_is_served(server, way):
    one = server(ROUTES, modules(), python={"workers": 2})
    pids = ready_pids(one, 2)
    loads = [Load(one.address, target, connections=2) for target in ("/version", "/plaintext", "/delay/5")]
    for number in range(2, 6):
        one.write_module("version", version(number))
        way(one)
        assert one.get("/version").json()["version"] == number
        assert one.generation() == number
    for load in loads:
        load.wait_for(50)
    for load in loads:
        assert set(load.stop()) == {200}
    for number in range(1, 5):
        one.wait_for_the_end_of(number)
    for pid in pids:
        wait_until(lambda pid=pid: gone(pid), f"the old worker {pid} to go")
    workers = one.workers()
    assert [(worker["state"], worker["generation"]) for worker in workers] == [("ready", 5)] * 2
    assert one.get("/version").json()["pid"] in {worker["pid"] for worker in workers}


def test_what_began_before_is_finished_by_the_old_workers(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules(), python={"workers": 1})
    (old,) = ready_pids(one, 1)
    with one.connect() as slow, one.connect() as queued, one.connect() as kept:
        assert kept.get("/version").json() == {"version": 1, "pid": old}
        slow.send(request_bytes("GET", f"/wait?file={gate}&n=slow"))
        one.log.wait_for("started slow")
        queued.send(request_bytes("GET", "/version"))
        wait_until(lambda: one.metric("tandem_python_queue") == 1, "the second request to wait for the worker")
        one.write_module("version", version(2))
        by_request(one)
        assert kept.get("/version").json()["version"] == 2
        status = one.admin("/api/v1/status").json()
        assert (status["generation"], status["retiring_generations"]) == (2, [1])
        states = {worker["generation"]: worker["state"] for worker in one.workers()}
        assert states == {1: "draining", 2: "ready"}
        gate.touch()
        assert slow.read().json() == {"pid": old}
        assert queued.read().json() == {"version": 1, "pid": old}
        assert slow.get("/version").json()["version"] == 2  # the connection goes on, with the new one
        one.wait_for_the_end_of(1)
        assert gone(old)


@pytest.mark.parametrize("way", [by_signal, by_request])
def test_answers_under_way_are_streamed_to_their_end(server, tmp_path, way):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules(), python={"workers": 1})
    (old,) = ready_pids(one, 1)
    with one.connect() as connection:
        connection.send(request_bytes("GET", f"/pieces?file={gate}"))
        answer = connection.read_head()
        chunks = connection.read_chunks()
        assert next(chunks) == b"%d 0\n" % old
        way(one)
        gate.touch()
        assert b"".join(chunks) == b"%d 1\n%d 2\n" % (old, old)
        assert answer.status == 200
    one.wait_for_the_end_of(1)


def test_a_native_request_outlives_its_route(server):
    one = server([*ROUTES, {"path": "/slow/{ms}", "name": "slow", "native": "delay"}], modules())
    with one.connect() as connection:
        connection.send(request_bytes("GET", "/slow/1000"))
        for _ in range(8):  # on every thread: what was sent before has been seen
            assert one.get("/plaintext").status == 200
        one.change_config(routes=ROUTES)
        by_request(one)
        assert one.get("/slow/1").status == 404
        assert connection.read().json() == {"delay_ms": 1000}
    one.log.wait_for("GET /slow/1000.* route=slow")
    one.wait_for_the_end_of(1)


def test_half_a_request_holds_nothing(server):
    one = server(ROUTES, modules())
    with one.connect() as connection:
        assert connection.get("/version").json()["version"] == 1
        connection.send(request_bytes("GET", "/version") + b"GET /version HTTP/1.1\r\n")
        assert connection.read().status == 200
        one.write_module("version", version(2))
        by_request(one)
        one.wait_for_the_end_of(1)
        connection.send(b"Host: here\r\n\r\n")
        assert connection.read().json()["version"] == 2


def test_a_request_that_never_ends_is_ended_after_the_drain_timeout(server, tmp_path):
    one = server(ROUTES, modules(), limits={"drain_timeout": "300ms"})
    (old,) = ready_pids(one, 1)
    with one.connect() as connection:
        connection.send(request_bytes("GET", f"/wait?file={tmp_path / 'never'}&n=1"))
        one.log.wait_for("started 1")
        by_request(one)
        assert one.get("/version").status == 200
        assert connection.read().status in (502, 503, 504)
    one.wait_for_the_end_of(1)
    one.log.wait_for("requests of generation 1 still run after the drain timeout")
    assert gone(old)


SOCKET = """
    import os

    async def app(scope, receive, send):
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"{os.getpid()} {event['text']}"})
        print("the socket ended with", event["code"], flush=True)
"""


@pytest.mark.parametrize("path", ["/native", "/python/chat"])
def test_websockets_are_closed_so_that_their_clients_come_again(server, path):
    routes = [*ROUTES, {"path": "/native", "native": "websocket_echo"}, {"path": "/python/*", "asgi": "chat:app"}]
    one = server(routes, {**modules(), "chat": SOCKET})
    (old,) = ready_pids(one, 1)
    with WebSocket(one.address, path) as socket:
        socket.send("before")
        assert "before" in socket.read()
        by_request(one)
        socket.expect_close(1012)
    one.wait_for_the_end_of(1)
    if path != "/native":
        one.log.wait_for("the socket ended with 1012")
    with WebSocket(one.address, path) as socket:
        socket.send("after")
        answer = socket.read()
        assert "after" in answer and str(old) not in answer
        socket.send_close()
        assert socket.read_close()[0] == 1000


def test_counters_go_on(server):
    one = server(ROUTES, modules())
    one.get("/version")
    by_request(one)
    one.get("/version")
    assert one.metric("tandem_requests_total", route="/version", code="2xx") == 2
    assert one.metric("tandem_generation") == 2
    assert one.metric("tandem_reloads_total", result="ok") == 1


def test_no_series_is_told_twice_while_both_generations_are_there(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    with one.connect() as connection:
        connection.send(request_bytes("GET", f"/wait?file={gate}&n=1"))
        one.log.wait_for("started 1")
        by_request(one)
        series = [line.rpartition(" ")[0] for line in one.admin("/metrics").text.splitlines() if not line.startswith("#")]
        assert len(series) == len(set(series))
        assert one.metric("tandem_python_workers", pool="python") == 2
        gate.touch()
        assert connection.read().status == 200
    one.wait_for_the_end_of(1)
    assert one.metric("tandem_python_workers", pool="python") == 1


# ----------------------------------------------------------------------------------------------- what is wrong


BROKEN = {
    "syntax": ("def handle(:\n    return 1\n", "SyntaxError"),
    "import": ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    "raises": ("def prepare():\n    raise RuntimeError('no database')\n\nprepare()\n", "RuntimeError: no database"),
    "missing": ("def other():\n    return 1\n", "handle"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_code_changes_nothing(server, kind):
    source, words = BROKEN[kind]
    one = server(ROUTES, modules(), python={"workers": 2})
    pids = ready_pids(one, 2)
    load = Load(one.address, "/version", connections=2)
    one.write_module("version", source)

    problem = one.reload().problem(422, "reload.start_failed")
    assert words in problem["detail"] and words in problem["errors"][0]
    if kind in ("import", "raises"):
        assert 'version.py", line ' in problem["detail"]  # the traceback
    assert problem["generation"] == 1

    result = run("reload", "--admin", one.admin_url)
    assert (result.returncode, result.stdout) == (1, "")
    assert "tandem: the reload failed, generation 1 goes on: " in result.stderr
    assert words in result.stderr

    one.signal(signal.SIGHUP)
    told = ".*asked for by SIGHUP\n(?s:.*)error reload: failed, generation 1 goes on(?s:.*)"
    wait_until(lambda: re.search(told + re.escape(words), one.log.text()), "the reason in the log")

    load.wait_for(20)
    assert set(load.stop()) == {200}
    assert set(one.worker_pids()) == pids
    last = one.admin("/api/v1/status").json()["last_reload"]
    assert (last["ok"], last["by"], last["code"]) == (False, "SIGHUP", "reload.start_failed")
    assert one.metric("tandem_reloads_total", result="failed") == 3

    one.write_module("version", version(3))  # and mended
    by_request(one)
    assert one.get("/version").json()["version"] == 3


LIFESPAN = """
    import os

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            if os.path.exists({broken!r}):
                raise RuntimeError("no database")
            await send({{"type": "lifespan.startup.complete"}})
            await receive()
            print("goodbye", os.getpid(), flush=True)
            await send({{"type": "lifespan.shutdown.complete"}})
            return
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": str(os.getpid()).encode()}})
"""


def test_an_application_that_does_not_start_changes_nothing(server, tmp_path):
    broken = tmp_path / "broken"
    one = server([{"path": "/*", "asgi": "shop:app"}], {"shop": LIFESPAN.format(broken=str(broken))}, python={"lifespan": "on"})
    (old,) = ready_pids(one, 1)
    broken.touch()
    problem = one.reload().problem(422, "reload.start_failed")
    assert "RuntimeError: no database" in problem["detail"]
    assert 'shop.py", line ' in problem["detail"]
    assert int(one.get("/").text) == old
    broken.unlink()
    by_request(one)
    one.wait_for_the_end_of(1)
    one.log.wait_for(f"goodbye {old}")  # the old one's shutdown
    assert int(one.get("/").text) != old


def test_every_error_of_the_config_is_told_with_its_place(server):
    one = server(ROUTES, modules())
    one.config_file.write_text(
        '{"listen": ["127.0.0.1:0"], "admin": {"listen": "127.0.0.1:0"}, "python": {"path": ["modules"]},\n'
        ' "thraeds": 2,\n'
        ' "routes": [{"path": "/a", "native": "plaintxt"},\n'
        '            {"path": "/b", "python": "version:handle", "timeout": "soon"}]}\n'
    )
    problem = one.reload().problem(422, "reload.bad_config")
    lines = {error.removeprefix(str(one.config_file)).split(": ")[0] for error in problem["errors"]}
    assert {line.split(":")[1] for line in lines} == {"2", "3", "4"}
    assert all(len(line.split(":")) == 3 for line in lines)
    assert "3 errors" in problem["detail"]
    result = run("reload", "--admin", one.admin_url)
    assert result.returncode == 1
    assert all(error in result.stderr for error in problem["errors"])
    assert one.get("/version").json()["version"] == 1
    one.config_file.unlink()
    assert "can't be read" in one.reload().problem(422, "reload.bad_config")["errors"][0]


def test_an_endpoint_that_no_module_has_is_told(server):
    one = server(ROUTES, modules())
    one.change_config(routes=[*ROUTES, {"path": "/more", "python": "nowhere:handle"}])
    assert "nowhere" in one.reload().problem(422, "reload.start_failed")["detail"]
    assert one.get("/more").status == 404
    assert one.generation() == 1


# ----------------------------------------------------------------------------------------------- what changes


def test_routes_come_go_and_change(server):
    one = server(ROUTES, modules())
    assert one.post("/plaintext", b"").status == 405
    changed = [
        {"path": "/version", "native": "plaintext"},
        {"path": "/plaintext", "native": "echo", "methods": ["POST"], "limits": {"body_bytes": "8B"}},
        {"path": "/new/{name}", "native": "hello"},
    ]
    one.change_config(routes=changed)
    answer = one.reload()
    assert answer.json()["routes"] == 3
    assert one.get("/version").text == "Hello, World!"
    assert one.post("/plaintext", b"12345678").status == 200
    assert one.post("/plaintext", b"123456789").status == 413
    assert one.get("/new/Ada").status == 200
    assert one.get("/delay/1").status == 404
    assert [route["path"] for route in one.admin("/api/v1/routes").json()["routes"]] == [route["path"] for route in changed]
    assert one.workers() == [] or all(worker["generation"] == 1 for worker in one.workers())


def test_settings_change_live(server):
    one = server(ROUTES, modules())
    with one.connect() as connection:
        answer = connection.get("/plaintext", {"X-Long": "x" * 2000})
        assert (answer.status, answer.get("server-timing")) == (200, None)
        one.log.wait_for("GET /plaintext ")
        one.change_config(limits={"header_bytes": "1KiB"}, server_timing=True, log={"access": False, "level": "debug"})
        by_request(one)
        assert connection.get("/plaintext").get("server-timing")
        since = one.log.mark()
        assert connection.get("/plaintext", {"X-Long": "x" * 2000}).status == 431
    one.change_config(log={"access": True})
    by_request(one)
    one.get("/plaintext?last")
    one.log.wait_for(r"GET /plaintext\?last", since)
    assert one.log.count('"GET /plaintext HTTP', since) == 0
    assert one.log.count(" debug ") > 0


def test_the_access_log_can_be_switched_on(server):
    one = server(ROUTES, modules(), log={"access": False})
    one.get("/plaintext?silent")
    one.change_config(log={"access": True})
    by_request(one)
    one.get("/plaintext?told")
    one.log.wait_for(r"GET /plaintext\?told")
    assert one.log.count("silent") == 0


def test_what_waits_for_a_restart_is_said(server):
    one = server(ROUTES, modules())
    one.change_config(
        threads=1, listen=["127.0.0.1:0", "127.0.0.1:1"], log={"format": "json"}, routes=ROUTES[:2], admin={"listen": "127.0.0.1:2"}
    )
    answer = one.reload()
    assert answer.status == 200
    keys = ["listen", "threads", "admin.listen", "log.format"]
    assert answer.json()["warnings"] == [f'"{key}" has changed and needs a restart' for key in keys]
    assert answer.json()["routes"] == 2
    for key in keys:
        one.log.wait_for(f'warn reload: "{key}" has changed and needs a restart')
    result = run("reload", "--admin", one.admin_url)
    assert result.returncode == 0
    assert 'tandem: warning: "threads" has changed and needs a restart' in result.stderr
    assert one.get("/version").status == 200


def test_overrides_of_the_command_line_hold(server):
    one = server(ROUTES, modules(), arguments=("--workers", "2"))
    one.change_config(python=json.loads(one.config_file.read_text())["python"] | {"workers": 1})
    by_request(one)
    ready_pids(one, 2)


def test_several_pools_are_reloaded_together(server, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "elsewhere.py").write_text("def handle():\n    return 1\n")
    routes = [*ROUTES, {"path": "/else", "python": "elsewhere:handle", "pool": "second"}]
    one = server(routes, modules(), pools={"second": {"path": [str(other)], "workers": 1}})
    before = ready_pids(one, 2)
    (other / "elsewhere.py").write_text("raise RuntimeError('the second one fails')\n")
    assert "the second one fails" in one.reload().problem(422, "reload.start_failed")["detail"]
    assert set(one.worker_pids()) == before
    (other / "elsewhere.py").write_text("def handle():\n    return 'two'\n")
    by_request(one)
    assert one.get("/else").text == "two"
    one.wait_for_the_end_of(1)
    assert not set(one.worker_pids()) & before


def test_tokens_are_read_anew(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("first")
    one = server(ROUTES, modules(), admin={"token_file": str(token)})
    first, second = {"Authorization": "Bearer first"}, {"Authorization": "Bearer second"}
    assert one.admin("/api/v1/reload", "POST").status == 401
    token.write_text("second")
    assert one.admin("/api/v1/reload", "POST", first).status == 200
    assert one.admin("/api/v1/status", "GET", first).status == 401
    assert one.admin("/api/v1/status", "GET", second).status == 200
    # An address that has to stay keeps its tokens: without one it would be open.
    one.change_config(admin={"listen": "127.0.0.1:1"})
    assert one.admin("/api/v1/reload", "POST", second).status == 200
    assert one.admin("/api/v1/status").status == 401
    assert one.admin("/api/v1/status", "GET", second).status == 200


# ----------------------------------------------------------------------------------------------- at the same time


def slow_start(gate):
    return f"import pathlib, time\n    print('importing', flush=True)\n    while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.005)"


@contextlib.contextmanager
def asked(one):
    """A reload that was asked for on a connection of its own."""
    with Connection(one.admin_address) as connection:
        connection.send(request_bytes("POST", "/api/v1/reload", host="%s:%d" % one.admin_address))
        yield connection


def test_reloads_wait_for_their_turn_and_the_admin_side_answers_meanwhile(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    one.write_module("version", version(2, slow_start(gate)))
    with asked(one) as first:
        one.log.wait_for("importing")
        with asked(one) as second:
            assert one.generation() == 1
            assert one.admin("/healthz").status == 200
            assert one.get("/version").json()["version"] == 1
            assert not first.has_data() and not second.has_data()
            gate.touch()
            assert first.read().json()["generation"] == 2
            assert second.read().json()["generation"] == 3
    assert one.get("/version").json()["version"] == 2


def test_a_client_that_goes_away_leaves_the_reload_running(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    one.write_module("version", version(2, slow_start(gate)))
    with asked(one) as connection:
        one.log.wait_for("importing")
        connection.abort()
        assert one.admin("/healthz").status == 200
        gate.touch()
        one.log.wait_for("reload: generation 2 serves")
    assert one.get("/version").json()["version"] == 2


def test_sigterm_during_a_reload(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    one.write_module("version", version(2, slow_start(tmp_path / "never")))
    with asked(one) as reload, one.connect() as slow, one.connect() as idle:
        slow.send(request_bytes("GET", f"/wait?file={gate}&n=1"))
        one.log.wait_for("started 1")
        assert idle.get("/plaintext").status == 200
        one.log.wait_for("importing")
        one.signal(signal.SIGTERM)
        reload.read().problem(503, "server.stopping")
        idle.expect_end()
        gate.touch()
        assert slow.read().status == 200
        assert one.wait() == 0


def test_sigterm_while_an_old_generation_ends(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    with one.connect() as slow, one.connect() as idle:
        slow.send(request_bytes("GET", f"/wait?file={gate}&n=1"))
        one.log.wait_for("started 1")
        by_request(one)
        assert idle.get("/plaintext").status == 200
        one.signal(signal.SIGTERM)
        idle.expect_end()
        gate.touch()
        assert slow.read().status == 200
    assert one.wait() == 0


def test_an_old_worker_killed_during_a_reload(server, tmp_path):
    gate = tmp_path / "gate"
    one = server(ROUTES, modules())
    (old,) = ready_pids(one, 1)
    one.write_module("version", version(2, slow_start(gate)))
    with asked(one) as connection:
        one.log.wait_for("importing")
        os.kill(old, signal.SIGKILL)
        gate.touch()
        assert connection.read().status == 200
    assert one.get("/version").json()["version"] == 2
    one.wait_for_the_end_of(1)


def test_a_new_worker_killed_during_a_reload(server, tmp_path):
    one = server(ROUTES, modules())
    pids = ready_pids(one, 1)
    pid_file = tmp_path / "pid"
    one.write_module(
        "version",
        version(2, f"import pathlib, time\n    pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()) + '\\n')\n    time.sleep(60)"),
    )
    with asked(one) as connection:
        wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), "the new worker to import")
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        connection.read().problem(422, "reload.start_failed")
    assert set(one.worker_pids()) == pids
    assert one.get("/version").json()["version"] == 1


def test_many_reloads_from_several_sides_leave_nothing_behind(server):
    one = server(ROUTES, modules())
    threads_before = len(os.listdir(f"/proc/{one.pid}/task"))
    load = Load(one.address, "/version", connections=2)
    statuses = []

    def ask():
        for _ in range(4):
            statuses.append(one.reload().status)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 12
    assert set(load.stop()) == {200}
    for generation in range(1, 13):
        one.wait_for_the_end_of(generation)
    assert [worker["generation"] for worker in one.workers()] == [13]
    # Processes and threads: as many as after the start.
    assert len(children_of(one.pid)) == 1
    wait_until(lambda: len(os.listdir(f"/proc/{one.pid}/task")) == threads_before, "the threads of old generations to end")


# ----------------------------------------------------------------------------------------------- thread mode


def test_thread_mode_keeps_its_interpreter_and_reloads_the_rest(server):
    one = server(ROUTES, modules(), python={"mode": "thread"})
    one.write_module("version", version(2))
    one.change_config(routes=[*ROUTES, {"path": "/again", "python": "version:handle"}, {"path": "/new", "native": "plaintext"}])
    load = Load(one.address, "/version", connections=2)
    for _ in range(3):
        answer = one.reload()
        assert answer.status == 200
        (warning,) = answer.json()["warnings"]
        assert '"python" runs in a thread of the server' in warning
    assert set(load.stop()) == {200}
    assert one.get("/version").json() == one.get("/again").json() == {"version": 1, "pid": one.pid}
    assert one.get("/new").status == 200


@pytest.mark.parametrize("change", ["endpoints", "gone", "process"])
def test_thread_mode_can_not_be_changed(server, change):
    one = server(ROUTES, modules(), python={"mode": "thread"})
    if change == "endpoints":
        one.change_config(routes=[*ROUTES, {"path": "/hello/{name}", "python": "hello:handle"}])
    elif change == "gone":
        one.change_config(routes=[ROUTES[1]])
    else:
        one.change_config(python=json.loads(one.config_file.read_text())["python"] | {"mode": "process"})
    problem = one.reload().problem(409, "reload.needs_restart")
    assert "needs a restart" in problem["detail"]
    assert one.generation() == 1
    assert one.get("/version").status == 200


def test_a_pool_can_not_be_put_into_a_thread(server):
    one = server(ROUTES, modules())
    one.change_config(python=json.loads(one.config_file.read_text())["python"] | {"mode": "thread"})
    one.reload().problem(409, "reload.needs_restart")
    assert one.get("/version").status == 200


# ----------------------------------------------------------------------------------------------- who may


def test_only_a_post_reloads(server):
    one = server(ROUTES, modules())
    answer = one.admin("/api/v1/reload")
    assert (answer.status, answer.get("allow")) == (405, "POST")
    assert one.generation() == 1


def test_who_may_reload(server, tmp_path):
    token, read_token = tmp_path / "token", tmp_path / "read_token"
    token.write_text("write")
    read_token.write_text("read")
    one = server(ROUTES, modules(), admin={"token_file": str(token), "read_token_file": str(read_token)})
    one.admin("/api/v1/reload", "POST").problem(401, "admin.unauthorized")
    one.admin("/api/v1/reload", "POST", {"Authorization": "Bearer read"}).problem(403, "admin.read_only")
    foreign = {"Authorization": "Bearer write", "Origin": "http://evil.example"}
    one.admin("/api/v1/reload", "POST", foreign).problem(403, "admin.foreign_origin")
    evil = {"Authorization": "Bearer write", "Host": "evil.example"}
    fetch(one.admin_address, "POST", "/api/v1/reload", evil).problem(403, "admin.foreign_host")
    assert one.admin("/api/v1/reload", "POST", {"Authorization": "Bearer write"}).status == 200
    one.log.wait_for("reload: starting, asked for by 127.0.0.1, with the admin token")

    denied = run("reload", "--admin", one.admin_url)
    assert denied.returncode == 1
    assert "401 Unauthorized (admin.unauthorized)" in denied.stderr
