"""The servers that are compared: how each is configured, started on the loopback, checked and ended."""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
from pathlib import Path

import process_tree

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
PEERS = BENCH / "peers"
PYTHON = "/usr/bin/python3"


class ServerError(Exception):
    pass


class Missing(ServerError):
    """A server that is not installed or not built; it is left out."""


def descriptor_limit():
    """Enough for 10,000 connections, where this user may have that many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 20000 if hard == resource.RLIM_INFINITY else min(hard, 20000)


def need(program, package):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not found:
        raise Missing(f"{program} is not installed (Debian package {package})")
    return found


def need_module(module, package):
    check = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, timeout=30, env=environment())
    if check.returncode != 0:
        raise Missing(f"the Python module {module} is not installed (Debian package {package})")


def environment():
    """The caller's, without what would lead Python elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYENV"))}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A started server, in a session and a directory of its own; both are gone after stop()."""

    def __init__(self, command, directory, *, port=None, ready=None, cpu=None):
        self.directory = directory
        self.admin_port = None  # tandem's
        self.output = directory / "output.txt"
        pinned = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self.command = ["prlimit", f"--nofile={descriptor_limit()}", *pinned, *map(str, command)]
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                            cwd=directory, start_new_session=True, env=environment())
        self.pid = self.process.pid  # prlimit and taskset replace themselves by the server
        try:
            self.port = self._await_ready(port, ready)
        except BaseException:
            self.stop()
            raise

    def _await_ready(self, port, ready, seconds=30):
        """The port: the one given once it takes connections, or the one that the server prints, once `ready` was printed too."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(f"ended with {self.process.returncode} at the start: {self.said()}")
            if port is not None:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    return port
                except OSError:
                    pass
            else:
                text = self.output.read_text(errors="replace")
                listening = re.search(r"listening on http://127\.0\.0\.1:(\d+)", text)
                if listening and (ready is None or re.search(ready, text, re.MULTILINE)):
                    if admin := re.search(r"admin on http://127\.0\.0\.1:(\d+)", text):
                        self.admin_port = int(admin[1])
                    return int(listening[1])
            time.sleep(0.02)
        raise ServerError(f"was not ready in {seconds} s: {self.said()}")

    def said(self):
        return self.output.read_text(errors="replace")[-2000:].strip() or "(no output)"

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self):
        members = process_tree.tree(self.pid)
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in members:  # what outlived its parent
            if process_tree.is_of_session(pid, self.pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Server:
    """One way to serve the hello answers. `description` is what the tables say; start() raises Missing or ServerError."""

    def __init__(self, name, description, starter):
        self.name = name
        self.description = description
        self._starter = starter

    def start(self, cpu=None):
        directory = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
        try:
            return self._starter(directory, cpu)
        except Missing:
            shutil.rmtree(directory, ignore_errors=True)
            raise


def is_right(body, expected):
    """`expected`: the bytes, or what the JSON has to say; None takes anything."""
    if expected is None or isinstance(expected, bytes):
        return expected in (None, body)
    try:
        return json.loads(body) == expected
    except ValueError:
        return False


def check(running, path, expected):
    """Two answers must be right in status and body before anything is measured: on one connection if the server keeps it."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    try:
        for _ in range(2):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or not is_right(body, expected):
                raise ServerError(f"GET {path} has a wrong answer: {response.status} {body[:200]!r}")
    except http.client.HTTPException as error:
        raise ServerError(f"GET {path} has no proper answer: {error!r}") from None
    finally:
        connection.close()


def check_pipelined(running, path, expected, depth):
    """As many answers as requests sent at once, all of them right."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as client:
        client.sendall(request * depth)
        received = b""
        while received.count(expected) < depth:
            part = client.recv(65536)
            if not part:
                raise ServerError(f"closed after {received.count(expected)} of {depth} pipelined answers")
            received += part
    if received.count(b"HTTP/1.1 200") != depth:
        raise ServerError(f"{depth} pipelined requests did not get {depth} answers with 200")


# ---- the limit and the peers


def limit(binary, body="Hello, World!", media_type="text/plain; charset=utf-8"):
    def start(directory, cpu):
        if not binary.exists():
            raise Missing(f"{display(binary)} is not built (./tandem-dev build bench)")
        return Running([binary, "--port", "0", "--body", body, "--type", media_type], directory, cpu=cpu)

    return Server("limit", "raw epoll limit", start)


def _fill(template, directory, **values):
    text = string.Template((PEERS / template).read_text()).safe_substitute(dir=directory, peers=PEERS, **values)
    target = directory / template
    target.write_text(text)
    return target


def _start_nginx(directory, cpu):
    nginx = need("nginx", "nginx")
    port = free_port()
    config = _fill("nginx.conf", directory, port=port)
    return Running([nginx, "-e", directory / "nginx-error.log", "-p", directory, "-c", config], directory, port=port, cpu=cpu)


def _start_node(directory, cpu):
    node = need("node", "nodejs")
    port = free_port()
    return Running([node, PEERS / "server.js", port], directory, port=port, cpu=cpu)


def uvicorn(name, description, app="hello_asgi:app", *, modules=(), workers=1):
    """`modules`: what the application imports, as pairs of module and Debian package."""

    def start(directory, cpu):
        for module, package in (("uvicorn", "uvicorn"), ("uvloop", "python3-uvloop"), ("httptools", "python3-httptools"), *modules):
            need_module(module, package)
        port = free_port()
        options = ["--host", "127.0.0.1", "--port", port, "--backlog", 4096, "--workers", workers, "--loop", "uvloop", "--http",
                   "httptools", "--interface", "asgi3", "--lifespan", "off", "--no-access-log", "--log-level", "warning"]
        return Running([PYTHON, "-m", "uvicorn", *options, "--app-dir", PEERS, app], directory, port=port, cpu=cpu)

    return Server(name, description, start)


def gunicorn(name, description, app="hello_wsgi:app", *, modules=(), workers=1, threads=4):
    """`threads`: None takes the worker class sync, which has none and closes each connection."""

    def start(directory, cpu):
        for module, package in (("gunicorn", "gunicorn"), *modules):
            need_module(module, package)
        port = free_port()
        kind = ["sync"] if threads is None else ["gthread", "--threads", threads]
        options = ["--bind", f"127.0.0.1:{port}", "--backlog", 4096, "--workers", workers, "--worker-class", *kind,
                   "--keep-alive", 75, "--log-level", "error", "--worker-tmp-dir", directory, "--chdir", PEERS]
        return Running([PYTHON, "-m", "gunicorn", *options, app], directory, port=port, cpu=cpu)

    return Server(name, description, start)


def uwsgi(name, description, app="hello_wsgi:app", *, modules=(), workers=1):
    def start(directory, cpu):
        program = need("uwsgi", "uwsgi-core")
        if not list(Path("/usr/lib/uwsgi/plugins").glob("python3*_plugin.so")):
            raise Missing("uwsgi's python3 plugin is not installed (Debian package uwsgi-plugin-python3)")
        for module, package in modules:
            need_module(module, package)
        port = free_port()
        longest = int(Path("/proc/sys/net/core/somaxconn").read_text())
        config = _fill("uwsgi.ini", directory, port=port, app=app, workers=workers, backlog=min(1024, longest))
        return Running([program, "--ini", config], directory, port=port, cpu=cpu)

    return Server(name, description, start)


NGINX = Server("nginx", "nginx, `return 200`", _start_nginx)
NODE = Server("node", "Node http", _start_node)
UVICORN = uvicorn("uvicorn", "uvicorn + uvloop + httptools, raw ASGI")
GUNICORN = gunicorn("gunicorn", "gunicorn gthread, raw WSGI")
UWSGI = uwsgi("uwsgi", "uWSGI http-socket, raw WSGI (no keep-alive)")


# ---- tandem


def tandem(binary, name, description, routes, *, python=None, log=None):
    """`routes`, `python` and `log` as in the config file."""

    def start(directory, cpu):
        if not binary.exists():
            raise Missing(f"{display(binary)} is not built (./tandem-dev build bench)")
        config = {
            "listen": ["127.0.0.1:0"],
            "threads": 1,
            "admin": {"listen": "127.0.0.1:0"},
            "limits": {"connections": 20000, "idle_timeout": "10m"},
            "log": log or {"level": "warn", "access": False},
            "state_dir": str(directory / "state"),
            "routes": routes,
        }
        if python is not None:
            config["python"] = {"path": [str(ROOT / "python_handlers"), str(PEERS)], "workers": 1, "queue": 4096, **python}
        file = directory / "tandem.json"
        file.write_text(json.dumps(config, indent=2))
        return Running([binary, "serve", file], directory, ready=r"^ready", cpu=cpu)

    return Server(name, description, start)


def display(path):
    """`path` without what is particular to this machine."""
    text = str(path)
    return text.replace(str(ROOT) + "/", "").replace(tempfile.gettempdir() + "/", "$TMPDIR/")


def display_command(command):
    return re.sub(r"\$TMPDIR/tandem-bench-\w+", "$DIR", " ".join(map(display, command)))
