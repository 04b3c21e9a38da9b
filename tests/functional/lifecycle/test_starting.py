"""What keeps a server from starting: one clear message and the promised exit code, and nothing left running."""

import json
import socket

import pytest

from support.demo import base_config
from support.server import run


def serve(tmp_path, modules=(), **config):
    config = base_config(tmp_path, **config)
    for name, source in dict(modules).items():
        (tmp_path / "modules" / f"{name}.py").write_text(source)
    file = tmp_path / "tandem.json"
    file.write_text(json.dumps(config))
    return run("serve", str(file), cwd=tmp_path)


def python_route(target):
    return [{"path": "/x", "python": target}]


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_a_missing_module(tmp_path, mode):
    result = serve(tmp_path, routes=python_route("no_such_module:handle"), python={"mode": mode})
    assert result.returncode == 2, result.stderr
    assert "no_such_module" in result.stderr
    assert "ModuleNotFoundError" in result.stderr
    assert "ready" not in result.stdout.splitlines()


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_a_missing_function(tmp_path, mode):
    result = serve(tmp_path, {"empty": "x = 1\n"}, routes=python_route("empty:handle"), python={"mode": mode})
    assert result.returncode == 2, result.stderr
    assert "handle" in result.stderr and "empty" in result.stderr


def test_something_that_can_not_be_called(tmp_path):
    result = serve(tmp_path, {"value": "handle = 3\n"}, routes=python_route("value:handle"))
    assert result.returncode == 2
    assert "value:handle" in result.stderr and "expected a function" in result.stderr


def test_a_module_that_raises_shows_its_traceback(tmp_path):
    source = "def inner():\n    return 1 / 0\n\ninner()\n"
    result = serve(tmp_path, {"raises": source}, routes=python_route("raises:handle"))
    assert result.returncode == 2
    assert "ZeroDivisionError" in result.stderr
    assert "in inner" in result.stderr
    assert "raises.py" in result.stderr


def test_a_syntax_error_shows_its_line(tmp_path):
    result = serve(tmp_path, {"typo": "def handle(:\n    pass\n"}, routes=python_route("typo:handle"))
    assert result.returncode == 2
    assert "SyntaxError" in result.stderr and "def handle(:" in result.stderr


def test_all_faulty_endpoints_are_named_at_once(tmp_path):
    routes = python_route("gone_one:handle") + [{"path": "/y", "python": "gone_two:handle"}]
    result = serve(tmp_path, routes=routes)
    assert result.returncode == 2
    assert "gone_one" in result.stderr and "gone_two" in result.stderr


def test_a_module_that_exits(tmp_path):
    result = serve(tmp_path, {"leaves": "import sys\nsys.exit(0)\n"}, routes=python_route("leaves:handle"))
    assert result.returncode in (1, 2)
    assert "SystemExit" in result.stderr or "leaves" in result.stderr


def test_a_module_that_ends_the_process(tmp_path):
    result = serve(tmp_path, {"dies": "import os\nos._exit(9)\n"}, routes=python_route("dies:handle"))
    assert result.returncode in (1, 2)
    assert result.stderr.strip()


def test_an_unknown_native_endpoint(tmp_path):
    result = serve(tmp_path, routes=[{"path": "/x", "native": "plaintxt"}])
    assert result.returncode == 2
    assert "plaintxt" in result.stderr and "plaintext" in result.stderr


def test_a_port_in_use(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = serve(tmp_path, listen=[f"127.0.0.1:{port}"], routes=[{"path": "/x", "native": "plaintext"}])
    assert result.returncode == 1, result.stderr
    assert str(port) in result.stderr
    assert "in use" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_admin_port_in_use(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = serve(tmp_path, admin={"listen": f"127.0.0.1:{port}"}, routes=[{"path": "/x", "native": "plaintext"}])
    assert result.returncode == 1
    assert str(port) in result.stderr


def test_a_missing_config_file(tmp_path):
    result = run("serve", str(tmp_path / "nowhere.json"))
    assert result.returncode == 2
    assert "nowhere.json" in result.stderr


def test_a_broken_config_file(tmp_path):
    file = tmp_path / "broken.json"
    file.write_text('{\n  "listen": ["127.0.0.1:0"],\n  "routes": [}\n')
    result = run("serve", str(file))
    assert result.returncode == 2
    assert "broken.json:3:" in result.stderr


def test_unlistenable_unix_socket(tmp_path):
    path = tmp_path / "no" / "such" / "folder" / "t.sock"
    result = serve(tmp_path, listen=[f"unix:{path}"], routes=[{"path": "/x", "native": "plaintext"}])
    assert result.returncode in (1, 2)
    assert str(path) in result.stderr


WARMED = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/cold":
        raise ValueError("a cold start")
    print("warmed", environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"warm"]
"""
WARMED_ROUTES = [{"path": "/*", "wsgi": "warmed:app"}]


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_warm_up_requests_come_before_the_port_opens(server, mode):
    one = server(WARMED_ROUTES, {"warmed": WARMED}, python={"mode": mode, "warmup": ["/one", "GET /two"]})
    assert one.log.count("print: warmed /one") == one.log.count("print: warmed /two") == 1
    assert one.get("/three").body == b"warm"


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_a_warm_up_that_fails(tmp_path, mode):
    result = serve(tmp_path, {"warmed": WARMED}, routes=WARMED_ROUTES, python={"mode": mode, "warmup": ["/cold"]})
    assert result.returncode == 2, result.stderr
    assert "warmup GET /cold" in result.stderr and "ValueError: a cold start" in result.stderr
    assert "listening" not in result.stdout
