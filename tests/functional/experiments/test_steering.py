"""The life of experiments: weights that change while requests run, what survives a crash, who may change what, the audit log."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
from typing import Any, Iterator

import pytest

from support.assignment import bucket
from support.server import Load, Server, run, wait_until


def fib(weight: float = 50, **experiment: Any) -> dict[str, Any]:
    return {
        "path": "/fib/{n}",
        "name": "fib",
        "arms": {"new": {"native": "fib", "weight": weight}, "old": {"native": "fib", "weight": 100 - weight}},
        "experiment": {"id": "fib-port", "control": "old"} | experiment,
    }


@pytest.fixture
def one(server):
    return server([fib()], pin="open")


def experiment(one: Server, part: str = "") -> Any:
    return one.admin("/api/v1/experiments/fib-port" + part).json()


def change(one: Server, action: str, method: str = "POST", headers: Any = (), query: str = "", **body: Any) -> Any:
    fields = dict(headers) | {"Content-Type": "application/json"}
    path = "/api/v1/experiments/fib-port" + (f"/{action}" if action else "") + query
    return one.admin(path, method, fields, json.dumps(body).encode())


def set_weight(one: Server, basis_points: int, **rest: Any) -> Any:
    return change(one, "weights", "PATCH", weights_bp={"new": basis_points}, reason="a test", **rest)


def traffic(document: dict[str, Any]) -> dict[str, int]:
    return {arm["name"]: arm["traffic_bp"] for arm in document["arms"]}


def state_dir(one: Server) -> pathlib.Path:
    return one.folder / "state"


def audit(one: Server) -> list[dict[str, Any]]:
    return one.admin("/api/v1/audit").json()["entries"]


def command(one: Server, *arguments: str) -> Any:
    return run(*arguments, "--admin", one.admin_url)


def crash(one: Server) -> None:
    one.process.kill()
    one.process.wait()
    one.out.finish()
    one.log.finish()


# --- weights ---------------------------------------------------------------------------------------------------------------


def test_weights_change_under_load_without_a_failed_request(one):
    load = Load(one.address, "/fib/5", connections=8)
    for weight in (0, 100, 5000, 10000, 2500):
        assert set_weight(one, weight).status == 200
        before = sum(load.results.values())
        wait_until(lambda: sum(load.results.values()) > before + 100, "more requests")
    assert set(load.stop()) == {200}
    assert traffic(experiment(one)) == {"new": 2500, "old": 7500}


def test_a_thousand_changes_under_load_assign_each_request_by_a_layout_in_force(server):
    one = server([fib(key=["header:X-User"], expose="all")])
    begins = {1: 5000}  # the first bucket of the candidate, by revision
    latest, stopped = [1], threading.Event()

    def ask(client: int) -> int:
        count = 0
        with one.connect() as connection:
            while not stopped.is_set():
                count += 1
                user, oldest = f"user-{client}-{count}", latest[0]
                answer = connection.get("/fib/5", {"X-User": user})
                revision = int(answer.get("Tandem-Experiment").removeprefix("fib-port;rev="))
                is_new = bucket("fib-port", user) >= begins[revision]
                assert (answer.status, answer.get("Tandem-Arm")) == (200, "new" if is_new else "old"), (user, revision)
                assert oldest <= revision <= latest[0] + 1, "in force when it began, or since"
        return count

    with concurrent.futures.ThreadPoolExecutor() as threads:
        clients = [threads.submit(ask, client) for client in range(4)]
        try:
            for revision in range(2, 1002):
                weight = revision * 7919 % 10001
                begins[revision] = 10000 - weight
                changed = set_weight(one, weight)
                assert (changed.status, changed.json()["revision"]) == (200, revision)
                latest[0] = revision
        finally:
            stopped.set()
        assert all(client.result() > 10 for client in clients)


def test_next_request_meets_the_new_weights(one):
    for weight, arm in ((10000, "new"), (0, "old"), (10000, "new")):
        set_weight(one, weight)
        assert {one.get("/fib/5").get("tandem-arm") for _ in range(20)} == {arm}


def test_pause_and_resume(one):
    assert change(one, "pause", reason="look").status == 200
    assert {one.get("/fib/5").get("tandem-arm") for _ in range(20)} == {"old"}
    assert change(one, "resume", reason="go on").status == 200
    assert traffic(experiment(one)) == {"new": 5000, "old": 5000}


def test_dry_run_changes_nothing_and_says_what_would_move(one):
    answer = set_weight(one, 9000, query="?dry_run=1")
    assert answer.status == 200
    document = answer.json()
    assert document["moved"] == [{"from": "old", "to": "new", "buckets": 4000}]
    assert document["new_epoch"] is True
    assert experiment(one)["revision"] == 1
    assert len(audit(one)) == 1


def test_explicit_ranges(one):
    ranges = [{"arm": "new", "first": 0, "last": 99}, {"arm": "new", "first": 5000, "last": 5099}]
    etag = one.admin("/api/v1/experiments/fib-port").get("etag")
    answer = change(one, "", "PUT", {"If-Match": etag}, ranges=ranges, reason="as on the other replica")
    assert answer.status == 200, answer.text
    arm = answer.json()["arms"][0]
    assert (arm["buckets"], arm["weight_bp"]) == ("0-99,5000-5099", 200)


# --- revisions -------------------------------------------------------------------------------------------------------------


def test_etags(one):
    first = one.admin("/api/v1/experiments/fib-port")
    assert first.get("etag") == '"1"'
    assert one.admin("/api/v1/experiments/fib-port", headers={"If-None-Match": '"1"'}).status == 304
    body = {"weights": {"new": 1, "old": 9}, "reason": "a test"}
    change(one, "", "PUT", **body).problem(428, "experiment.no_if_match")
    done = change(one, "", "PUT", {"If-Match": '"1"'}, **body)
    assert (done.status, done.get("etag")) == (200, '"2"')
    change(one, "", "PUT", {"If-Match": '"1"'}, **body).problem(412, "experiment.conflict")
    set_weight(one, 1, headers={"If-Match": '"1"'}).problem(412, "experiment.conflict")
    change(one, "pause", headers={"If-Match": "nonsense"}, reason="x").problem(400, "experiment.bad_body")


def test_one_of_many_who_changed_the_same_revision_wins(one):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: set_weight(one, 100 + i, headers={"If-Match": '"1"'}).status, range(8)))
    assert sorted(answers) == [200] + [412] * 7
    assert experiment(one)["revision"] == 2


@pytest.mark.parametrize(
    ("action", "method", "body", "status", "code"),
    [
        ("pause", "POST", {}, 422, "experiment.no_reason"),
        ("pause", "POST", {"reason": " "}, 422, "experiment.no_reason"),
        ("pause", "POST", {"reason": 7}, 400, "experiment.bad_body"),
        ("pause", "POST", {"reason": "x", "why": "y"}, 400, "experiment.bad_body"),
        ("resume", "POST", {"reason": "x"}, 409, "experiment.wrong_state"),
        ("approve", "POST", {"reason": "x"}, 409, "experiment.wrong_state"),
        ("conclude", "POST", {"reason": "x", "arm": "third"}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x"}, 400, "experiment.bad_body"),
        ("weights", "PATCH", {"reason": "x", "weights_bp": {"new": 10001}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights_bp": {"new": 1.5}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights_bp": {"third": 1}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights_bp": {"new": 1, "old": 1}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights": {"new": 1}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights": {"new": 0, "old": 0}}, 422, "experiment.bad_weights"),
        ("weights", "PATCH", {"reason": "x", "weights": [1]}, 400, "experiment.bad_body"),
    ],
)
def test_bad_input_changes_nothing(one, action, method, body, status, code):
    change(one, action, method, **body).problem(status, code)
    assert experiment(one)["revision"] == 1
    assert len(audit(one)) == 1


def test_what_is_no_json_and_what_is_not_there(one):
    path = "/api/v1/experiments/fib-port/pause"
    for body in (b"{", b"[]", b"\xff\xfe", b"null"):
        one.admin(path, "POST", body=body).problem(400, "experiment.bad_body")
    one.admin(path, "POST", body=b" " * 100_000).problem(413, "http.body_too_large")
    one.admin("/api/v1/experiments/nobody").problem(404, "experiment.not_found")
    one.admin("/api/v1/experiments/fib-port/dance").problem(404, "route.not_found")
    assert one.admin(path).get("allow") == "POST"
    assert one.admin("/api/v1/experiments/fib-port", "DELETE", body=b"").get("allow") == "GET, HEAD, PUT"
    one.admin("/api/v1/audit?since=yesterday").problem(400, "experiment.bad_body")
    assert experiment(one)["revision"] == 1


def test_read_token_may_look_and_not_change(server, tmp_path):
    (tmp_path / "read").write_text("look-and-see-1234")
    (tmp_path / "full").write_text("do-as-you-like-1234")
    files = {"token_file": str(tmp_path / "full"), "read_token_file": str(tmp_path / "read")}
    one = server([fib()], admin={"listen": "127.0.0.1:0"} | files)
    read = {"Authorization": "Bearer look-and-see-1234"}
    one.admin("/api/v1/experiments").problem(401, "admin.unauthorized")
    assert one.admin("/api/v1/experiments/fib-port", headers=read).status == 200
    set_weight(one, 1, headers=read).problem(403, "admin.read_only")
    assert set_weight(one, 1, headers={"Authorization": "Bearer do-as-you-like-1234"}).status == 200
    entries = one.admin("/api/v1/audit", headers=read).json()["entries"]
    assert entries[-1]["actor"].endswith("with the admin token")


# --- what survives ---------------------------------------------------------------------------------------------------------


def test_weights_are_there_after_a_crash(one):
    set_weight(one, 700)
    crash(one)
    one.start_again()
    document = experiment(one)
    assert (traffic(document), document["revision"]) == ({"new": 700, "old": 9300}, 2)
    one.log.wait_for(r"experiment fib-port: the saved weights count \(new 7 %, old 93 %")
    assert len(audit(one)) == 2


def test_file_wins_where_its_arms_have_changed(one):
    set_weight(one, 700)
    one.stop()
    one.change_config(routes=[fib(20)])
    one.start_again()
    assert traffic(experiment(one)) == {"new": 2000, "old": 8000}
    one.log.wait_for(r"experiment fib-port: its arms in the config have changed .* the config's weights count \(new 20 %")
    assert audit(one)[-1]["actor"] == "file"


def test_reload_follows_the_same_rule(one):
    set_weight(one, 700)
    assert one.reload().status == 200
    assert traffic(experiment(one)) == {"new": 700, "old": 9300}
    one.change_config(routes=[fib(20)])
    assert one.reload().status == 200
    assert traffic(experiment(one)) == {"new": 2000, "old": 8000}
    one.change_config(routes=[fib(150)])
    assert one.reload().status == 422
    assert traffic(experiment(one)) == {"new": 2000, "old": 8000}


def test_rollback_is_latched_across_crashes_and_files(one):
    assert change(one, "rollback", reason="wrong answers").status == 200
    crash(one)
    one.change_config(routes=[fib(90)])
    one.start_again()
    document = experiment(one)
    assert (document["state"], traffic(document)) == ("rolled_back", {"new": 0, "old": 10000})
    set_weight(one, 1).problem(409, "experiment.wrong_state")
    assert change(one, "resume", reason="mended").status == 200
    assert set_weight(one, 100).status == 200


def test_crash_at_any_moment_leaves_a_state_that_was_ordered(one):
    """Killed while changes pour in: what is there afterwards is one of them, and no older than the last that was confirmed."""
    for round_ in range(3):
        confirmed = [experiment(one)["revision"]]

        def pour(confirmed: list[int] = confirmed) -> None:
            for basis_points in range(1, 10_000):
                try:
                    confirmed.append(set_weight(one, basis_points).json()["revision"])
                except Exception:
                    return

        thread = threading.Thread(target=pour)
        thread.start()
        wait_until(lambda: len(confirmed) > 5 + 3 * round_, "some changes")
        crash(one)
        thread.join()
        one.start_again()
        document = experiment(one)
        assert confirmed[-1] <= document["revision"] <= confirmed[-1] + 1
        assert sum(traffic(document).values()) == 10000
        assert command(one, "audit", "--verify").returncode == 0
        assert audit(one)[-1]["to"] == document["revision"], "the log knows every revision, if only that it was found"


def test_measurements_survive_a_stop(one):
    for _ in range(40):
        one.get("/fib/5")
    one.stop()
    one.start_again()
    windows = [epoch["windows"] for epoch in experiment(one, "/state")["record"]["epochs"]]
    assert sum_of(windows, "requests") == 40


def sum_of(document: Any, key: str) -> int:
    """Of all numbers under that key, wherever they stand."""
    if isinstance(document, dict):
        return sum(value if name == key else sum_of(value, key) for name, value in document.items())
    return sum(sum_of(value, key) for value in document) if isinstance(document, list) else 0


# --- a directory that is no good -------------------------------------------------------------------------------------------


def test_state_dir_that_can_not_be_made(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    one = server([fib()], state_dir=str(tmp_path / "file" / "state"))
    one.log.wait_for(r"error experiments: can't make .*: Not a directory: what changes is not kept")
    assert one.get("/fib/5").status == 200
    document = set_weight(one, 6000).problem(503, "experiment.not_persisted")
    assert "Not a directory" in document["detail"]
    lowered = set_weight(one, 100).json()
    assert (lowered["persisted"], traffic(lowered)) == (False, {"new": 100, "old": 9900})
    rolled = change(one, "rollback", reason="bad").json()
    assert (rolled["state"], rolled["persisted"]) == ("rolled_back", False)
    assert {one.get("/fib/5").get("tandem-arm") for _ in range(20)} == {"old"}


def test_full_disk_refuses_more_and_lets_less_through(one):
    blocked = state_dir(one) / "experiments" / "fib-port.json.new"
    blocked.symlink_to("/dev/full")
    document = set_weight(one, 6000).problem(503, "experiment.not_persisted")
    assert "No space left on device" in document["detail"]
    assert experiment(one)["revision"] == 1
    blocked.unlink(missing_ok=True)
    blocked.mkdir()  # now for longer
    rolled = change(one, "rollback", reason="bad").json()
    assert (rolled["state"], rolled["persisted"]) == ("rolled_back", False)
    assert "Is a directory" in rolled["not_persisted_because"]
    blocked.rmdir()
    one.log.wait_for(r"experiment fib-port: revision 2 is kept now")
    crash(one)
    one.start_again()
    assert experiment(one)["state"] == "rolled_back"
    assert command(one, "audit", "--verify").returncode == 0


def test_damaged_file_gives_the_candidate_nothing(one):
    set_weight(one, 700)
    crash(one)
    file = state_dir(one) / "experiments" / "fib-port.json"
    file.write_text(file.read_text()[:50])
    one.start_again()
    one.log.wait_for(r"error experiment fib-port: .*fib-port.json is damaged \(.*it is .*fib-port.json.unreadable now")
    document = experiment(one)
    assert (document["state"], traffic(document)) == ("paused", {"new": 0, "old": 10000})
    assert change(one, "resume", reason="looked at it").status == 200


def test_damaged_measurements_begin_anew_and_harm_no_other_experiment(server):
    beside = fib() | {"path": "/beside/{n}", "name": "beside", "experiment": {"id": "beside", "control": "old"}}
    one = server([fib(), beside], pin="open")
    for n in range(20):
        assert one.get(f"/fib/{n}").status == one.get(f"/beside/{n}").status == 200
    wait_until(lambda: (requests_of(one, "fib-port"), requests_of(one, "beside")) == (20, 20), "all requests in the records")
    one.stop()
    file = state_dir(one) / "experiments" / "fib-port.state.json"
    damaged = file.read_text()[:200]
    file.write_text(damaged)
    one.start_again()
    one.log.wait_for(r"error experiment fib-port: what was measured can't be read .* and begins anew; the file is .*unreadable now")
    assert (requests_of(one, "fib-port"), requests_of(one, "beside")) == (0, 20)
    assert (file.parent / "fib-port.state.json.unreadable").read_text() == damaged
    document = experiment(one)
    assert (document["state"], document["epoch"], traffic(document)) == ("running", 1, {"new": 5000, "old": 5000})
    assert one.get("/fib/5").status == 200
    wait_until(lambda: requests_of(one, "fib-port") == 1, "the request in the record")


def requests_of(one: Server, name: str) -> int:
    epochs = one.admin(f"/api/v1/experiments/{name}/state").json()["record"]["epochs"]
    return sum_of([epoch["windows"] for epoch in epochs], "requests")


def test_full_disk_loses_measurements_only_until_there_is_room(one):
    assert one.get("/fib/5").status == 200
    blocked = state_dir(one) / "experiments" / "fib-port.state.json.new"
    blocked.symlink_to("/dev/full")
    one.log.wait_for(r"error experiment fib-port: what was measured is not kept: .*No space left on device")
    assert one.get("/fib/5").status == 200
    assert set_weight(one, 6000).status == 200, "the weights have a file of their own"
    blocked.unlink(missing_ok=True)
    kept = state_dir(one) / "experiments" / "fib-port.state.json"
    wait_until(lambda: kept.exists() and sum_of(json.loads(kept.read_text())["record"], "requests"), "the file")


def test_read_only_directory_is_said_and_lets_less_through(server, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    with read_only(folder):
        one = server([fib()], state_dir=str(folder))
        one.log.wait_for(r"error experiments: .*kept.*: what changes is not kept")
        assert one.get("/fib/5").status == 200
        set_weight(one, 6000).problem(503, "experiment.not_persisted")
        assert traffic(set_weight(one, 100).json()) == {"new": 100, "old": 9900}
        rolled = change(one, "rollback", reason="bad").json()
        assert (rolled["state"], rolled["persisted"]) == ("rolled_back", False)
        assert list(folder.iterdir()) == []
    one.log.wait_for(r"experiment fib-port: revision 3 is kept now")
    crash(one)
    one.start_again()
    assert experiment(one)["state"] == "rolled_back"


@contextlib.contextmanager
def read_only(folder: pathlib.Path) -> Iterator[None]:
    """Nobody may write there meanwhile. Modes bind everybody but root, whom a mount that is read-only stops."""
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        attribute = subprocess.run(["chattr", "+i", folder], capture_output=True, text=True, check=False)
        if attribute.returncode != 0:
            pytest.skip(f"root may write anywhere here: {mounted.stderr.strip()}; {attribute.stderr.strip()}")
    undo = ["umount", folder] if mounted.returncode == 0 else ["chattr", "-i", folder]
    try:
        yield
    finally:
        subprocess.run(undo, check=True)


def test_two_servers_do_not_share_a_directory(server, one):
    other = server([fib()], state_dir=str(state_dir(one)))
    other.log.wait_for(r"error experiments: another server uses ")
    assert other.get("/fib/5").status == 200
    set_weight(other, 9000).problem(503, "experiment.not_persisted")
    assert set_weight(one, 9000).status == 200


# --- audit -----------------------------------------------------------------------------------------------------------------


def test_audit_tells_who_what_and_why(one):
    set_weight(one, 700)
    change(one, "rollback", reason="wrong answers")
    first, second, third = audit(one)
    assert (first["actor"], first["to"]) == ("file", 1)
    assert (second["action"], second["from"], second["to"], second["reason"]) == ("weights", 1, 2, "a test")
    assert second["patch"]["weights_bp"] == {"new": 700, "old": 9300}
    assert second["actor"] == "127.0.0.1, without a token"
    assert third["patch"]["state"] == "rolled_back"
    since = one.admin(f"/api/v1/audit?since={third['at']}").json()["entries"]
    assert since[-1] == third and first not in since


def test_altered_audit_log_is_found(one, tmp_path):
    set_weight(one, 700)
    set_weight(one, 800)
    assert "the chain of 3 lines is whole" in command(one, "audit", "--verify").stdout
    lines = (state_dir(one) / "audit.jsonl").read_text().splitlines(keepends=True)
    for name, text in {"altered": [lines[0], lines[1].replace("a test", "no test"), lines[2]], "cut": [lines[0], lines[2]]}.items():
        (tmp_path / name).write_text("".join(text))
        result = run("audit", "--file", str(tmp_path / name))
        assert result.returncode == 1
        assert "the audit log is broken: line" in result.stderr
    (state_dir(one) / "audit.jsonl").write_text("".join(lines[1:]))
    assert command(one, "audit", "--verify").returncode == 1


# --- the command line ------------------------------------------------------------------------------------------------------


def test_commands(one):
    shown = command(one, "weights", "fib")
    assert shown.returncode == 0 and "fib-port" in shown.stdout and "50 %" in shown.stdout
    assert command(one, "weights", "fib", "new=1", "old=3", "--reason", "shares").returncode == 0
    assert traffic(experiment(one)) == {"new": 2500, "old": 7500}
    assert command(one, "weights", "fib-port", "new=0.5%", "--reason", "parts").returncode == 0
    assert traffic(experiment(one)) == {"new": 50, "old": 9950}
    dry = command(one, "weights", "fib", "new=50%", "--dry-run")
    assert dry.returncode == 0 and "4950 of 10000 buckets move from old to new" in dry.stdout
    for word in ("pause", "resume", "rollback", "start"):
        assert command(one, word, "fib", "--reason", word).returncode == 0
    assert command(one, "conclude", "fib", "--arm", "new", "--reason", "it is good").returncode == 0
    assert traffic(experiment(one)) == {"new": 10000, "old": 0}
    listed = command(one, "audit")
    assert listed.returncode == 0 and "it is good" in listed.stdout
    assert json.loads(command(one, "audit", "--json").stdout)["entries"][-1]["action"] == "conclude"
    assert json.loads(command(one, "ramp", "fib", "--json").stdout)["schedule"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("weights", "fib", "new=5", "old=5"), 2, "--reason"),
        (("pause", "fib"), 2, "--reason"),
        (("pause",), 2, "ROUTE"),
        (("weights", "fib", "new", "--reason", "x"), 2, "cpp=5"),
        (("weights", "fib", "new=-1", "--reason", "x"), 2, "cpp=5"),
        (("weights", "fib", "new=101%", "--reason", "x"), 2, "more than 100 %"),
        (("weights", "fib", "new=1%", "old=3", "--reason", "x"), 2, "all as parts"),
        (("weights", "fib", "new=1", "--reason", "x"), 1, "experiment.bad_weights"),
        (("pause", "nobody", "--reason", "x"), 1, "experiment.not_found"),
        (("rollback", "fib", "--reason", "x", "--revision", "7"), 1, "experiment.conflict"),
    ],
)
def test_bad_use_of_commands(one, arguments, code, words):
    result = command(one, *arguments)
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert experiment(one)["revision"] == 1


# --- what happens by itself ------------------------------------------------------------------------------------------------


FAILING = """
    from tandem import HTTPError

    def bad():
        raise HTTPError(500, "always")

    def good():
        return {}
"""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A URL that takes messages, and those it got."""
    got: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_guardrail_rolls_back_and_tells_with_evidence(server, hook):
    url, told = hook
    route = {
        "path": "/x",
        "arms": {"new": {"python": "failing:bad", "weight": 50}, "old": {"python": "failing:good", "weight": 50}},
        "experiment": {
            "id": "x",
            "control": "old",
            "key": ["random"],
            "guardrails": [{"metric": "errors", "action": "rollback"}],
            "webhook": url,
        },
    }
    one = server([route], {"failing": FAILING})
    load = Load(one.address, "/x", connections=4)
    wait_until(lambda: one.admin("/api/v1/experiments/x").json()["state"] == "rolled_back", "the rollback")
    load.stop()
    assert {one.get("/x").status for _ in range(20)} == {200}
    last = one.admin("/api/v1/audit").json()["entries"][-1]
    assert (last["action"], last["actor"] in ("guardrail errors", "breaker")) == ("rollback", True)
    assert one.admin("/api/v1/experiments/x/gate").status == 409
    wait_until(lambda: any(message["action"] == "rollback" for message in told), "the webhook")
    assert one.metric("tandem_experiment_state", experiment="x", state="rolled_back") == 1
    assert one.metric("tandem_experiment_weight_bp", experiment="x", arm="new") == 0


def test_schedule_takes_its_steps_and_waits_for_approval(server):
    steps = [
        {"weight": 1, "min_time": "0s", "min_requests": 1},
        {"weight": 50, "min_time": "0s", "min_requests": 5},
        {"weight": 100, "min_time": "0s", "gate": "manual"},
    ]
    one = server([fib(schedule=steps)], pin="open")
    document = experiment(one)
    assert traffic(document) == {"new": 100, "old": 9900}
    wait_until(lambda: "there were none since" in experiment(one)["schedule"]["waiting_for"], "what it waits for")
    load = Load(one.address, "/fib/5", connections=4)
    wait_until(lambda: traffic(experiment(one))["new"] == 5000, "the second step")
    wait_until(lambda: "an approval of step 3 of 3" in experiment(one)["schedule"]["waiting_for"], "the gate")
    assert experiment(one, "/gate")["gate"] == "pass", "the step that runs has all that it asks for"
    crash(one)
    load.stop()
    one.start_again()
    assert traffic(experiment(one)) == {"new": 5000, "old": 5000}
    assert command(one, "ramp", "fib").returncode == 0
    assert command(one, "ramp", "fib", "--approve", "--reason", "looks good").returncode == 0
    load = Load(one.address, "/fib/5", connections=4)
    wait_until(lambda: traffic(experiment(one))["new"] == 10000, "the last step")
    load.stop()
    actors = {entry["actor"] for entry in audit(one)}
    assert {"file", "schedule", "127.0.0.1, without a token"} <= actors
    assert one.admin("/api/v1/experiments/fib-port/gate").status == 200


SLEEPING = """
    import time

    def slow():
        time.sleep(0.005)
        return "Hello, World!"
"""
SLOW = {"python": "sleeping:slow"}
QUICK = {"native": "plaintext"}  # the same answer
SOON = {"window": "1s", "min_windows": 6, "min_time": "5s"}
ONLY_WARN = [{"metric": "errors", "action": "warn", "margin": 1.5}]


@contextlib.contextmanager
def loaded(one: Server) -> Iterator[None]:
    load = Load(one.address, "/x", connections=4)
    yield
    load.stop()


def gate(one: Server) -> tuple[int, str]:
    answer = one.admin("/api/v1/experiments/x/gate")
    document = answer.json()
    assert {200: "pass", 409: "fail", 425: "undecided"}[answer.status] == document["gate"]
    return answer.status, document["why"]


def gated(server: Any, candidate: dict[str, Any], control: dict[str, Any] = QUICK, **experiment: Any) -> Server:
    arms = {"new": candidate | {"weight": 50}, "old": control | {"weight": 50}}
    keys = {"id": "x", "control": "old", "key": ["random"], "metrics": SOON, "guardrails": ONLY_WARN}
    return server([{"path": "/x", "arms": arms, "experiment": keys | experiment}], {"sleeping": SLEEPING})


# Not with equal arms: six windows, which are few, may find one of these better now and then.
def test_gate_lets_a_better_candidate_pass_without_a_schedule(server):
    one = gated(server, QUICK, control=SLOW)
    status, why = gate(one)
    assert status == 425 and "no window has compared requests" in why
    with loaded(one):
        wait_until(lambda: gate(one) == (200, "no metric is worse"), "the gate to open", 60)
    one.admin("/api/v1/experiments/x/pause", "POST", {"Content-Type": "application/json"}, b'{"reason": "wait"}')
    assert gate(one) == (425, "it is paused")


def test_gate_fails_for_a_candidate_that_is_worse(server):
    one = gated(server, SLOW)
    with loaded(one):
        wait_until(lambda: gate(one)[0] == 409, "the gate to fail", 60)
    assert gate(one)[1].endswith("of new is worse")


def test_gate_fails_when_a_guardrail_that_only_holds_has_fired(server):
    guardrails = [{"metric": "latency", "stat": "p95", "margin": 1.5, "action": "hold"}]
    one = gated(server, SLOW, guardrails=guardrails, metrics=SOON | {"min_windows": 2000})
    with loaded(one):
        wait_until(lambda: gate(one) == (409, "the guardrail p95 of new has fired"), "the gate to fail", 60)


def test_weights_by_hand_hold_the_schedule(server):
    one = server([fib(schedule="default")])
    assert set_weight(one, 50).status == 200
    held = experiment(one)["schedule"]["held"]
    assert held.startswith("weights were set by hand")
    assert change(one, "resume", reason="go on").status == 200
    assert experiment(one)["schedule"]["held"] == ""


def test_explain_report_and_diffs(one):
    explained = experiment(one, "/explain?key=abc")
    layout = {arm["name"]: arm["buckets"] for arm in experiment(one)["arms"]}
    first, last = map(int, layout[explained["arm"]].split("-"))
    assert first <= explained["bucket"] <= last
    assert experiment(one, "/report")
    assert one.admin("/api/v1/experiments/fib-port/report?format=md").type == "text/markdown; charset=utf-8"
    one.admin("/api/v1/experiments/fib-port/report?format=pdf").problem(400, "experiment.bad_body")
    assert [candidate["name"] for candidate in experiment(one, "/diffs")["candidates"]] == ["new"]
    assert one.admin("/api/v1/experiments/fib-port/gate").status == 425


def test_servers_without_experiments_keep_no_state(server):
    one = server([{"path": "/plaintext", "native": "plaintext"}])
    assert one.admin("/api/v1/experiments").json() == {"experiments": []}
    assert one.admin("/api/v1/audit").status == 200
    one.stop()
    assert not os.path.exists(state_dir(one) / "experiments")
