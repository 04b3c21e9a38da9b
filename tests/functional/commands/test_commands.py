"""The commands that don't serve, and those that speak to a running server."""

import json
import re

import pytest

from support.demo import base_config, demo_routes, twin
from support.server import SOURCE, run

BROKEN = """{
  "listen": ["127.0.0.1:0"],
  "thredas": 2,
  "limits": { "body_bytes": "lots", "idle_timeout": "75 parsecs" },
  "python": { "mode": "fiber" },
  "routes": [
    { "path": "/a", "native": "plaintext" },
    { "path": "/a", "native": "json" },
    { "path": "/b", "arms": { "cpp": { "native": "json", "weight": -1 } } },
    { "path": "nope", "native": "json" }
  ]
}
"""


def write(tmp_path, **config):
    file = tmp_path / "tandem.json"
    file.write_text(json.dumps(base_config(tmp_path, **config)))
    return str(file)


def test_check_reports_all_errors_at_once(tmp_path):
    file = tmp_path / "broken.json"
    file.write_text(BROKEN)
    result = run("check", str(file))
    assert result.returncode == 2
    text = result.stderr
    for line, pointer in [
        (3, "/thredas"), (4, "/limits/body_bytes"), (4, "/limits/idle_timeout"), (5, "/python/mode"),
        (9, "/routes/2/arms/cpp/weight"), (10, "/routes/3/path"),
    ]:  # fmt: skip
        assert re.search(rf"broken\.json:{line}:\d+: {re.escape(pointer)}: .+", text), (pointer, text)
    assert re.search(r"/thredas: .*threads", text)  # did you mean
    assert "/routes/1" in text or "/routes/0" in text  # the two that can't be told apart


def test_check_of_a_good_file_is_quiet_about_errors(tmp_path):
    result = run("check", write(tmp_path, routes=demo_routes()))
    assert (result.returncode, result.stderr) == (0, "")


EXAMPLES = sorted(path.name for path in (SOURCE / "config").glob("*.json") if "schema" not in path.name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_good(name):
    result = run("check", str(SOURCE / "config" / name), cwd=SOURCE)
    assert result.returncode == 0, result.stderr


def test_routes_as_table_and_as_json(tmp_path):
    file = write(tmp_path, routes=[*demo_routes(), {"path": "/only", "native": "plaintext"}])
    table = run("routes", file)
    assert table.returncode == 0, table.stderr
    for word in ("/plaintext", "/only", "/fib/{n}", "fib:handle", "cpp", "py"):
        assert word in table.stdout
    document = json.loads(run("routes", "--json", file).stdout)
    routes = document["routes"] if isinstance(document, dict) else document
    assert {route["path"] for route in routes} >= {"/plaintext", "/only", "/upload"}


def test_explain_names_route_and_arms(tmp_path):
    file = write(tmp_path, routes=[twin("/fib/{n}", "fib", "fib", {"name": "fibonacci"})])
    result = run("explain", "GET", "/fib/10", file)
    assert result.returncode == 0, result.stderr
    for word in ("fibonacci", "/fib/{n}", "cpp", "py", "fib:handle"):
        assert word in result.stdout
    pinned = run("explain", "GET", "http://localhost:8080/fib/10?x=1", "-H", "Tandem-Arm: py", file)
    assert pinned.returncode == 0, pinned.stderr
    assert "py" in pinned.stdout


def test_explain_of_an_unknown_path_and_a_wrong_method(tmp_path):
    file = write(tmp_path, routes=demo_routes())
    assert "404" in run("explain", "GET", "/nowhere", file).stdout
    assert "405" in run("explain", "DELETE", "/fib/1", file).stdout


def test_version_tells_what_it_was_built_from():
    result = run("version")
    assert result.returncode == 0
    assert re.search(r"\d+\.\d+\.\d+", result.stdout)
    for word in ("Boost", "Python"):
        assert word in result.stdout


@pytest.mark.parametrize("command", [[], ["serve"], ["check"], ["routes"], ["explain"], ["status"], ["workers"], ["version"]])
def test_help_everywhere(command):
    result = run(*command, "--help")
    assert result.returncode == 0
    assert "--help" in result.stdout


@pytest.mark.parametrize("arguments", [["surf"], ["serve", "--nonsense"], ["explain"], ["check"], []])
def test_bad_usage_is_2(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr
    assert result.stdout == ""


def test_status_and_workers_of_a_running_server(server):
    one = server([twin("/json", "json", "json_hello")], python={"workers": 2})
    status = run("status", "--admin", one.admin_url)
    assert status.returncode == 0, status.stderr
    assert status.stdout
    document = json.loads(run("status", "--admin", one.admin_url, "--json").stdout)
    assert isinstance(document, dict)
    workers = run("workers", "--admin", one.admin_url)
    assert workers.returncode == 0, workers.stderr
    for pid in one.worker_pids():
        assert str(pid) in workers.stdout
    listed = json.loads(run("workers", "--admin", one.admin_url, "--json").stdout)
    assert len(listed["workers"] if isinstance(listed, dict) else listed) == 2


def test_a_server_that_is_not_there(server):
    one = server([{"path": "/x", "native": "plaintext"}])
    url = one.admin_url
    one.stop()
    result = run("status", "--admin", url)
    assert result.returncode == 1
    assert url.removeprefix("http://") in result.stderr
    assert result.stdout == ""


def test_options_override_the_file(server):
    one = server([twin("/json", "json", "json_hello")], arguments=("--workers", "3", "--threads", "1", "--log-level", "debug"))
    assert len(one.workers()) == 3


def test_environment_variables_in_strings(server, tmp_path):
    path = tmp_path / "from_env.sock"
    listen = ["unix:${SOCKET_PATH}", "127.0.0.1:${NO_SUCH:-0}"]
    one = server([{"path": "/x", "native": "plaintext"}], listen=listen, env={"SOCKET_PATH": str(path)})
    assert str(path) in one.addresses
