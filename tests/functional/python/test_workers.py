"""The life of workers: every way to die or hang, sizes that follow the load, and what can be seen of them from outside."""

from __future__ import annotations

import os
import signal
import pwd

import pytest

from support.client import request_bytes
from support.server import Load, run, wait_until

NATIVE = {"path": "/plaintext", "native": "plaintext"}

DYING = """
    import asyncio, ctypes, os, time
    from tandem import Request

    def pid():
        return {"pid": os.getpid()}

    def exits():
        os._exit(3)

    def segfaults():
        ctypes.string_at(0)

    def loops():
        print("looping", flush=True)
        while True:
            pass

    async def loops_later():
        print("looping", flush=True)
        while True:
            pass

    def sleeps():
        print("sleeping", flush=True)
        time.sleep(1e9)

    def holds_the_lock():
        print("holding", flush=True)
        ctypes.PyDLL(None).sleep(1000)  # a C call that never gives the interpreter's lock away

    def works(request: Request):
        end = time.perf_counter() + 0.05
        while time.perf_counter() < end:
            pass
        return {"pid": os.getpid()}

    def variables(request: Request):
        return {name: os.environ.get(name) for name in request.query_params.getall("name")} | {"uid": os.getuid(), "groups": os.getgroups()}

    def drips():
        while True:
            yield b"drip"
            time.sleep(0.01)

    async def waits(request: Request):
        await inner()

    async def inner():
        print("waiting", flush=True)
        await asyncio.sleep(1e9)

    async def blocks(request: Request):
        time.sleep(float(request.query_params["s"]))
        return {"pid": os.getpid()}
"""
NAMES = ["pid", "exits", "segfaults", "loops", "loops_later", "sleeps", "holds_the_lock", "works", "variables", "drips", "waits", "blocks"]
ROUTES = [NATIVE] + [{"path": f"/{name}", "python": f"dying:{name}"} for name in NAMES]


def serve(server, **python):
    # What hangs here for good would hold the end of the test up.
    return server(ROUTES, {"dying": DYING}, python=python, limits={"drain_timeout": "1s"})


# --- dying and hanging -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "how"), [("/exits", r"died, exit code 3"), ("/segfaults", r"died, signal 11")])
def test_a_worker_that_dies_costs_the_request_it_ran(server, path, how):
    one = serve(server)
    before = one.get("/pid").json()["pid"]
    answer = one.get(path)
    assert (answer.status, answer.json()["code"]) == (502, "python.worker_died")
    one.log.wait_for(how)
    assert one.get("/pid").json()["pid"] != before
    assert one.get("/plaintext").status == 200
    assert one.metric("tandem_python_restarts_total", pool="python", reason="died") == 1
    one.log.wait_for(rf'"GET {path} HTTP/1.1" 502 ')
    assert one.metric("tandem_requests_total", route=path, code="5xx") == 1


@pytest.mark.parametrize(
    ("path", "ends"),
    [("/loops", False), ("/loops_later", True), ("/sleeps", True), ("/holds_the_lock", True)],
)
def test_the_deadline_ladder(server, path, ends):
    """504 at once; a Python loop is interrupted, and whatever can't be is replaced, its stack in the log first."""
    one = serve(server, timeout="1s", stuck_grace="500ms" if ends else "60s")
    (before,) = one.worker_pids()
    answer = one.get(path)
    assert (answer.status, answer.json()["code"]) == (504, "python.timeout")
    assert one.get("/plaintext").status == 200
    if ends:
        one.log.wait_for(r"stuck, dying:\w+ does not end after its deadline")
        one.log.wait_for(rf"in {path[1:]}\b")
        wait_until(lambda: one.metric("tandem_python_restarts_total", reason="stuck") == 1, "the worker to be replaced")
    answer = wait_until(lambda: (answer := one.get("/pid")).status == 200 and answer, "an answer")
    assert (answer.json()["pid"] != before) == ends
    assert one.metric("tandem_python_restarts_total") == ends
    one.log.wait_for(rf'"GET {path} HTTP/1.1" 504 ')
    assert one.metric("tandem_requests_total", route=path, code="5xx") == 1


def test_a_worker_that_crashes_as_it_starts_says_what_it_wrote(server):
    """The interpreter's last words stand in the message of the start, not only somewhere in the log."""
    crashing = """
        import ctypes
        ctypes.string_at(0)
    """
    one = server([{"path": "/", "python": "crashing:handle"}], {"crashing": crashing}, wait=False, stop_check=False)
    assert one.wait() == 2
    message = one.log.text().partition("did not start (step: import crashing)")[2]
    assert message.startswith(": ended with signal 11")
    assert "Fatal Python error: Segmentation fault" in message and "crashing.py" in message


# --- size and age ----------------------------------------------------------------------------------------------------


def test_a_pool_grows_with_its_queue_and_shrinks_when_idle(server):
    one = serve(server, workers={"min": 1, "max": 3, "idle_timeout": "300ms"})
    assert len(one.worker_pids()) == 1
    load = Load(one.address, "/works", connections=8)
    wait_until(lambda: len(one.worker_pids()) == 3, "three workers")
    assert set(load.stop()) == {200}
    wait_until(lambda: len(one.worker_pids()) == 1, "one worker")
    assert one.get("/pid").status == 200
    assert one.metric("tandem_python_restarts_total") == 0


def test_max_lifetime_replaces_workers_one_by_one_and_loses_nothing(server):
    one = serve(server, workers=2, max_lifetime="500ms")
    before = set(one.worker_pids())
    load = Load(one.address, "/pid", connections=4)
    wait_until(lambda: not before & set(one.worker_pids()) and len(one.worker_pids()) == 2, "two other workers")
    assert set(load.stop()) == {200}
    assert one.metric("tandem_python_restarts_total", pool="python", reason="max_lifetime") >= 2


def test_a_draining_worker_with_an_endless_answer_has_an_end(server):
    one = server(ROUTES, {"dying": DYING}, python={"max_requests": 2, "threads": 2}, limits={"drain_timeout": "200ms"})
    with one.connect() as endless:
        endless.send(request_bytes("GET", "/drips"))
        endless.read_head()
        before = one.worker_pids()
        one.get("/pid")
        one.log.wait_for(r"1 requests did not end within the drain timeout")
        wait_until(lambda: not set(before) & {worker["pid"] for worker in one.workers()}, "the worker to be gone")
    assert one.get("/pid").status == 200


# --- a pool's own surroundings ---------------------------------------------------------------------------------------


def test_workers_have_their_pools_environment(server):
    one = serve(server, environment={"SHOP_DATABASE": "sqlite:///shop.db", "LANG": "C"})
    answer = one.get("/variables?name=SHOP_DATABASE&name=LANG&name=PATH").json()
    assert answer["SHOP_DATABASE"] == "sqlite:///shop.db"
    assert answer["LANG"] == "C"
    assert answer["PATH"] == os.environ["PATH"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_workers_run_as_their_pools_user(server, tmp_path):
    nobody = pwd.getpwnam("nobody")
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    one = serve(server, user="nobody")
    answer = one.get("/variables?name=USER&name=HOME").json()
    assert answer == {"USER": "nobody", "HOME": nobody.pw_dir, "uid": nobody.pw_uid, "groups": answer["groups"]}
    assert 0 not in answer["groups"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may become any user")
def test_only_root_may_run_workers_as_another_user(server):
    one = server(ROUTES, {"dying": DYING}, python={"user": "root"}, wait=False)
    assert one.wait() == 2
    assert "only root may run workers as another user" in one.log.text()


# A bug: an application that asked for lines to be flushed, as many do for containers, refused the pool.
def test_standard_output_can_do_what_pythons_can(server):
    module = '''
        import codecs, io, sys

        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
            assert (stream.encoding, stream.line_buffering, stream.isatty(), stream.mode) == ("utf-8", True, False, "w")
            assert stream.name in ("<stdout>", "<stderr>") and stream.fileno() == stream.buffer.fileno() in (1, 2)
        wrapped = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
        print("wrapped wörds", file=wrapped)
        codecs.getwriter("utf-8")(sys.stdout.detach()).write("detached wörds\\n")
        sys.stdout.buffer.raw.write(b"raw words\\n")

        def handle():
            sys.stdout.writelines(["two ", "parts\\n"])
            sys.stdout.flush()
            sys.stdout.close()
            print("still there")
    '''
    one = server([{"path": "/", "python": "prints:handle"}], {"prints": module})
    assert one.get("/").status == 204
    for words in ("wrapped wörds", "detached wörds", "raw words", "two parts", "still there"):
        one.log.wait_for(words)


# --- looking at them -------------------------------------------------------------------------------------------------


def test_stacks_of_threads_and_tasks(server):
    one = serve(server, workers=2)
    with one.connect() as first, one.connect() as second:
        first.send(request_bytes("GET", "/sleeps", {"X-Request-Id": "the-sleeper"}))
        second.send(request_bytes("GET", "/waits"))
        one.log.wait_for("sleeping")
        one.log.wait_for("waiting")
        workers = one.admin("/api/v1/stacks").json()["workers"]
        assert {worker["pid"] for worker in workers} == set(one.worker_pids())
        text = "\n".join(worker["text"] for worker in workers)
        assert "request the-sleeper" in text and "in sleeps" in text
        assert "in waits" in text and "in inner" in text  # the coroutine and what it awaits
        shown = run("stacks", "--admin", one.admin_url)
        assert shown.returncode == 0 and "in sleeps" in shown.stdout


def test_stacks_where_the_lock_is_not_to_be_had(server):
    one = serve(server)
    with one.connect() as holder:
        holder.send(request_bytes("GET", "/holds_the_lock"))
        one.log.wait_for("holding")
        (worker,) = one.admin("/api/v1/stacks").json()["workers"]
        assert worker["raw"] and "in holds_the_lock" in worker["text"]
        wait_until(lambda: max(one["gil_wait_seconds"] for one in one.workers()) > 0.5, "the wait for the lock to show")


def test_stacks_of_very_many_tasks_are_cut(server):
    module = """
        import asyncio
        tasks = []

        async def crowd():
            tasks.extend(asyncio.create_task(asyncio.sleep(1e9)) for _ in range(1500))
            return "there"
    """
    one = server([{"path": "/crowd", "python": "crowded:crowd"}], {"crowded": module})
    assert one.get("/crowd").text == "there"
    (worker,) = one.admin("/api/v1/stacks").json()["workers"]
    assert not worker["raw"]
    assert worker["text"].count("\ntask ") <= 1000
    assert "and 50" in worker["text"].splitlines()[-1]


def test_stacks_of_a_worker_that_hangs_as_it_starts(server):
    module = """
        import os, pathlib, time

        def wait_for_gate():
            while pathlib.Path(__file__).with_name("gate").exists():
                time.sleep(0.005)

        wait_for_gate()

        def pid():
            return {"pid": os.getpid()}
    """
    one = server([{"path": "/pid", "python": "gated:pid"}], {"gated": module})
    gate = one.folder / "modules" / "gate"
    gate.touch()
    before = one.worker_pids()[0]
    os.kill(before, signal.SIGKILL)

    def hangs():
        found = one.admin("/api/v1/stacks").json()["workers"]
        return [worker for worker in found if worker["pid"] != before and "in wait_for_gate" in worker["text"]]

    (worker,) = wait_until(hangs, "the stack of the import")
    assert worker["raw"]
    gate.unlink()
    assert one.get("/pid").json()["pid"] == worker["pid"]


def test_requests_in_flight(server):
    one = serve(server)
    with one.connect() as first, one.connect() as second, one.connect() as third:
        first.send(request_bytes("GET", "/sleeps?night=long", {"X-Request-Id": "first"}))
        one.log.wait_for("sleeping")
        second.send(request_bytes("GET", "/pid", {"X-Request-Id": "second"}))
        third.send(request_bytes("GET", "/waits", {"X-Request-Id": "third"}))
        one.log.wait_for("waiting")
        requests = wait_until(
            lambda: (found := one.admin("/api/v1/requests").json()["requests"]) and len(found) == 3 and found, "three requests"
        )
        states = {request["id"]: (request["endpoint"], request["path"], request["state"]) for request in requests}
        assert states["first"] == ("dying:sleeps", "/sleeps", "running")
        assert states["second"][2] in ("queued", "running")
        assert states["third"] == ("dying:waits", "/waits", "running")
        assert requests[0]["id"] == "first" and requests[0]["age_seconds"] >= requests[-1]["age_seconds"]
        shown = run("requests", "--admin", one.admin_url)
        assert shown.returncode == 0 and "dying:sleeps" in shown.stdout


# --- balance ---------------------------------------------------------------------------------------------------------


def test_what_waits_behind_a_coroutine_that_blocks_goes_to_an_idle_worker(server):
    """Two event loops, one held up for longer than the test would take: every other request is answered by the other."""
    one = serve(server, workers=2, timeout="120s")
    with one.connect() as held_up:
        held_up.send(request_bytes("GET", "/blocks?s=1000"))
        wait_until(lambda: sum(worker["in_flight"] for worker in one.workers()) == 1, "the coroutine to run")
        load = Load(one.address, "/blocks?s=0.001", connections=8)
        load.wait_for(300)
        results = load.stop()
        assert set(results) == {200}
        (blocked,) = [worker["pid"] for worker in one.workers() if worker["in_flight"]]
        os.kill(blocked, signal.SIGKILL)  # the drain would wait for it
