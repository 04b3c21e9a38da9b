"""What is measured: each scenario runs its servers in turn, round after round, and returns the raw figures as plain data."""

import resource
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import hosted
import process_tree
import servers
import wrk
from measuring import OutOfTime, Window, say
from servers import PYTHON, Missing, ServerError

PLAINTEXT = b"Hello, World!"
JSON = {"message": "Hello, World!"}
JSON_TEXT = '{"message":"Hello, World!"}'


@dataclass
class Load:
    """One kind of request at many connections, answered by several servers."""

    name: str
    title: str
    path: str
    expected: object
    depth: int
    servers: list
    base: str = "limit"  # the tables show ratios to this server
    pinned: bool = True  # False: the system shares the CPUs out, for servers with several workers

    def server_names(self):
        return {server.name for server in self.servers}

    def run(self, settings):
        entries = {server.name: {"description": server.description, "rounds": []}
                   for server in self.servers if settings.wants(server)}
        result = {"title": self.title, "path": self.path, "connections": settings.connections, "depth": self.depth,
                  "base": self.base, "pinned": self.pinned, "servers": entries, "skipped": {}}
        for number in range(settings.rounds):
            for server in self.servers:
                if server.name not in entries or server.name in result["skipped"]:
                    continue
                try:
                    self._measure(settings, server, number, entries[server.name])
                except OutOfTime:
                    result["stopped"] = f"out of time in round {number + 1}"
                    return result
                except (Missing, ServerError, wrk.LoadError, OSError) as error:
                    result["skipped"][server.name] = servers.display(str(error))
                    say(f"  {self.name:10} {server.name:20} left out: {error}")
        return result

    def _measure(self, settings, server, number, entry):
        settings.check_time(settings.seconds + settings.warm_up + 3)
        load = dict(connections=settings.connections, depth=self.depth, cpu=settings.client_cpu if self.pinned else None)
        with server.start(cpu=settings.server_cpu if self.pinned else None) as running:
            servers.check(running, self.path, self.expected)
            if self.depth > 1:
                servers.check_pipelined(running, self.path, self.expected, self.depth)
            wrk.run(running.url(self.path), seconds=settings.warm_up, **load)
            with Window(running) as window:
                figures = wrk.run(running.url(self.path), seconds=settings.seconds, **load)
            memory = process_tree.memory(running.pid)
            entry["command"] = servers.display_command(running.command)
            entry["load"] = servers.display_command(wrk.command(running.url(self.path), seconds=settings.seconds, **load))
        measured = {
            "requests_per_second": figures["requests"] / (figures["duration_us"] / 1e6),
            # wrk has no latency of the single request in a pipeline.
            "p50_us": figures["p50_us"] if self.depth == 1 else None,
            "p99_us": figures["p99_us"] if self.depth == 1 else None,
            "cpu_us_per_request": 1e6 * window.server / figures["requests"],
            "server_cpu_share": window.server / window.wall,
            "client_cpu_share": window.client / window.wall,
            "others_cpu_share": window.others / window.wall,
            "stolen_share": window.stolen / window.wall,
            "socket_errors": figures["read_errors"] + figures["write_errors"] + figures["timeouts"],
            **memory.as_json(),
        }
        entry["rounds"].append(measured)
        say(f"  {self.name:10} {server.name:20} round {number + 1}: {measured['requests_per_second']:9.0f}/s "
            f"{measured['cpu_us_per_request']:7.2f} µs CPU")


# ---- several workers


class Workers:
    """Does a second worker double what a CPU-bound Python handler answers? Nothing is pinned."""

    name = "workers"
    path = "/mandelbrot/64"
    connections = 8

    def server_names(self):
        return {"tandem"}

    def run(self, settings):
        counts = (1, 2)
        result = {"title": "Two workers against one, CPU-bound Python handler, not pinned", "path": self.path,
                  "connections": self.connections, "cpus": len(settings.cpus), "workers": {str(count): [] for count in counts}}
        try:
            for number in range(settings.rounds):
                for count in counts:
                    settings.check_time(settings.seconds + settings.warm_up + 3)
                    result["workers"][str(count)].append(self._measure(settings, count))
                    say(f"  workers    {count}: {result['workers'][str(count)][-1]['requests_per_second']:.1f}/s")
        except OutOfTime:
            result["stopped"] = "out of time"
        except (ServerError, wrk.LoadError, OSError) as error:
            result["skipped"] = servers.display(str(error))
            say(f"  workers left out: {error}")
        return result

    def _measure(self, settings, count):
        routes = [{"path": "/mandelbrot/{size}", "python": "mandelbrot:handle"}]
        server = servers.tandem(settings.tandem, "tandem", "", routes, python={"workers": count})
        with server.start() as running:
            servers.check(running, self.path, None)
            wrk.run(running.url(self.path), connections=self.connections, seconds=settings.warm_up)
            with Window(running) as window:
                figures = wrk.run(running.url(self.path), connections=self.connections, seconds=settings.seconds)
        return {"requests_per_second": figures["requests"] / (figures["duration_us"] / 1e6), "p99_us": figures["p99_us"],
                "server_cpu_share": window.server / window.wall, "others_cpu_share": window.others / window.wall}


# ---- interference


class Interference:
    """Latency of a native route alone, beside a stranger's busy loop, and while the Python worker is saturated.

    The busy loop runs where the Python worker runs: what it does to the latency is the machine's doing, the rest is the server's.
    """

    name = "interference"
    native_connections = 16
    python_connections = 8

    def server_names(self):
        return {"tandem"}

    def run(self, settings):
        cpus = settings.cpus
        # Front, worker and busy loop, wrk of the native route, wrk of the Python route. On two CPUs the native route's client goes
        # to the front's: beside the worker it would wait for its own time slices, and report that as latency.
        places = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 3: (0, 1, 2, 1)}.get(len(cpus), (0, 1, 2, 3))
        front, worker, native, python = (cpus[place] for place in places)
        result = {"title": "Native p99 while Python is saturated", "path": "/plaintext", "connections": self.native_connections,
                  "pins": {"front": front, "worker": worker, "native_client": native, "python_client": python},
                  "alone": [], "beside_busy_loop": [], "python_saturated": []}
        cases = {"alone": None, "beside_busy_loop": self._busy_loop, "python_saturated": self._saturate}
        try:
            for number in range(settings.rounds):
                for case, disturb in cases.items():
                    settings.check_time(settings.seconds + settings.warm_up + 3)
                    result[case].append(self._measure(settings, result["pins"], disturb))
                    say(f"  interference {case}: p99 {result[case][-1]['p99_us'] / 1000:.2f} ms")
        except OutOfTime:
            result["stopped"] = "out of time"
        except (ServerError, wrk.LoadError, OSError) as error:
            result["skipped"] = servers.display(str(error))
            say(f"  interference left out: {error}")
        return result

    def _measure(self, settings, pins, disturb):
        routes = [{"path": "/plaintext", "native": "plaintext"}, {"path": "/mandelbrot/{size}", "python": "mandelbrot:handle"}]
        server = servers.tandem(settings.tandem, "tandem", "", routes, python={"workers": 1})
        with ExitStack() as stack:
            running = stack.enter_context(server.start(cpu=pins["front"]))
            servers.check(running, "/plaintext", PLAINTEXT)
            servers.check(running, Workers.path, None)
            workers = [pid for pid in process_tree.tree(running.pid) if pid != running.pid]
            for pid in workers:
                process_tree.pin(pid, pins["worker"])
            load = dict(connections=self.native_connections, cpu=pins["native_client"])
            wrk.run(running.url("/plaintext"), seconds=settings.warm_up, **load)
            if disturb:
                stack.enter_context(disturb(settings, running, pins))
                time.sleep(0.3)
            worker_cpu = sum(map(process_tree.cpu_seconds, workers))
            with Window(running) as window:
                figures = wrk.run(running.url("/plaintext"), seconds=settings.seconds, **load)
            worker_cpu = sum(map(process_tree.cpu_seconds, workers)) - worker_cpu
        return {"requests_per_second": figures["requests"] / (figures["duration_us"] / 1e6), "p50_us": figures["p50_us"],
                "p99_us": figures["p99_us"], "worker_cpu_share": worker_cpu / window.wall}

    @staticmethod
    @contextmanager
    def _busy_loop(settings, running, pins):
        loop = subprocess.Popen(["taskset", "-c", str(pins["worker"]), PYTHON, "-c", "while True: pass"])
        try:
            yield
        finally:
            loop.kill()
            loop.wait()

    @contextmanager
    def _saturate(self, settings, running, pins):
        load = wrk.start(wrk.command(running.url(Workers.path), connections=self.python_connections,
                                     seconds=settings.seconds + 5, cpu=pins["python_client"]))
        try:
            yield
        finally:
            load.kill()
            load.communicate()


# ---- idle


class Idle:
    """Memory and CPU of servers that have nothing to do, and of 10,000 keep-alive connections that each asked once."""

    name = "idle"

    def __init__(self, holding, resting):
        self.holding = holding  # servers that hold connections
        self.resting = resting  # servers looked at without any

    def server_names(self):
        return {server.name for server in self.holding + self.resting}

    def run(self, settings):
        result = {"title": "Idle", "held": settings.held, "servers": {}, "skipped": {}}
        for server in self.holding + self.resting:
            if not settings.wants(server):
                continue
            try:
                settings.check_time(15)
                result["servers"][server.name] = self._measure(settings, server)
                say(f"  idle       {server.name}: {result['servers'][server.name]}")
            except OutOfTime:
                result["stopped"] = "out of time"
                return result
            except (Missing, ServerError, wrk.LoadError, OSError) as error:
                result["skipped"][server.name] = servers.display(str(error))
                say(f"  idle       {server.name} left out: {error}")
        return result

    def _measure(self, settings, server):
        with server.start(cpu=settings.server_cpu) as running:
            time.sleep(1)
            measured = {"description": server.description, "at_rest": process_tree.memory(running.pid).as_json()}
            with Window(running) as window:
                time.sleep(2)
            measured["cpu_ms_per_second"] = 1000 * window.server / window.wall
            if server in self.holding:
                measured.update(self._hold(settings, running))
        return measured

    def _hold(self, settings, running):
        # Touches what the server keeps for good, so that only the connections are counted.
        wrk.run(running.url("/plaintext"), connections=settings.connections, seconds=1, cpu=settings.client_cpu)
        count = min(settings.held, raise_descriptor_limit() - 100)
        before = _settled(lambda: process_tree.memory(running.pid))
        clients = []
        try:
            for _ in range(count):
                clients.append(_ask(socket.create_connection(("127.0.0.1", running.port), timeout=10)))
            after = _settled(lambda: process_tree.memory(running.pid))
            descriptors = process_tree.open_descriptors(running.pid)
            for client in clients[:: max(1, count // 100)]:
                _ask(client)  # still served
        finally:
            for client in clients:
                client.close()
        return {"held": count, "server_descriptors": descriptors, "before": before.as_json(), "after": after.as_json(),
                "bytes_per_connection": (after.anonymous_bytes - before.anonymous_bytes) / count}


def _ask(client):
    client.sendall(b"GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    received = b""
    while not received.endswith(PLAINTEXT):
        part = client.recv(4096)
        if not part:
            raise ServerError("closed a connection that should be kept")
        received += part
    return client


def _settled(measure):
    """The measurement once it has not shrunk for two seconds (buffers given back), after ten at most."""
    best, since, deadline = measure(), time.monotonic(), time.monotonic() + 10
    while time.monotonic() < min(deadline, since + 2):
        time.sleep(0.25)
        now = measure()
        if now.anonymous_bytes < best.anonymous_bytes:
            best, since = now, time.monotonic()
    return best


def raise_descriptor_limit():
    """This process's own, since it holds the client's ends."""
    limit = servers.descriptor_limit()
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return limit


# ---- all of them


def make_scenarios(settings):
    plaintext = [{"path": "/plaintext", "native": "plaintext"}]
    twin = [{"path": "/plaintext", "arms": {"a": {"native": "plaintext", "weight": 50}, "b": {"native": "plaintext", "weight": 50}}}]
    experiment = [{**twin[0], "experiment": {"id": "plaintext", "control": "a", "key": ["client_ip"]}}]
    native_json = [{"path": "/json", "native": "json"}]
    python_json = [{"path": "/json", "python": "json_hello:handle"}]

    def tandem(name, description, routes, **options):
        return servers.tandem(settings.tandem, name, description, routes, **options)

    def hosting(name, description, kind, app, **options):
        return tandem(name, description, [{"path": "/*", kind: app}], python=options)

    limit = servers.limit(settings.limit)
    native = tandem("tandem", "tandem, native", plaintext)
    python = tandem("tandem-python", "tandem, Python function, worker process", python_json, python={"mode": "process"})
    asgi = hosting("tandem-asgi", "tandem, raw ASGI", "asgi", "hello_asgi:app")
    wsgi = hosting("tandem-wsgi", "tandem, raw WSGI", "wsgi", "hello_wsgi:app")
    # Waiting until memory has settled takes its time, so that a quick run looks at ours only.
    idle = Idle([native], [python]) if settings.quick else Idle(
        [limit, native, servers.NGINX], [python, servers.NODE, servers.UVICORN, servers.GUNICORN, servers.UWSGI])
    return [
        Load("plaintext", "`/plaintext`, keep-alive", "/plaintext", PLAINTEXT, 1, [
            limit,
            native,
            tandem("tandem-access-log", "tandem, native, access log to a file", plaintext, log={"level": "warn", "access": True}),
            tandem("tandem-twin", "tandem, twin route of two native arms", twin),
            tandem("tandem-experiment", "tandem, the same with an experiment", experiment),
            asgi, wsgi,
            servers.NGINX, servers.NODE, servers.UVICORN, servers.GUNICORN, servers.UWSGI,
        ]),
        Load("pipelined", "`/plaintext`, pipelined 16", "/plaintext", PLAINTEXT, 16, [limit, native, servers.NGINX]),
        Load("json", "`/json`, keep-alive", "/json", JSON, 1, [
            servers.limit(settings.limit, JSON_TEXT, "application/json"),
            tandem("tandem", "tandem, native", native_json),
            python,
            tandem("tandem-python-thread", "tandem, Python function, thread mode", python_json, python={"mode": "thread"}),
            servers.NGINX, servers.NODE, servers.UVICORN, servers.GUNICORN, servers.UWSGI,
        ]),
        *_hosted_loads(settings, hosting),
        Workers(),
        Interference(),
        *_hosted_others(settings, hosting, tandem),
        idle,
    ]


LARGE = b"0123456789abcdef" * 640
FASTAPI = ("fastapi", "python3-fastapi"),
FLASK = ("flask", "python3-flask"),


def _hosted_loads(settings, hosting):
    """The same applications under Tandem and under the servers people run them with."""
    large_limit = servers.limit(settings.limit, LARGE.decode(), "application/octet-stream")
    return [
        Load("asgi-10k", "ASGI, an answer of 10 KiB", "/large", LARGE, 1, [
            large_limit,
            hosting("tandem-asgi", "tandem, raw ASGI", "asgi", "hello_asgi:large"),
            servers.uvicorn("uvicorn", "uvicorn + uvloop + httptools, raw ASGI", "hello_asgi:large"),
        ]),
        Load("asgi-suspended", "ASGI, a real suspension: a future that `call_soon` completes", "/plaintext", PLAINTEXT, 1, [
            hosting("tandem-asgi", "tandem, raw ASGI", "asgi", "hello_asgi:suspended"),
            servers.uvicorn("uvicorn", "uvicorn + uvloop + httptools, raw ASGI", "hello_asgi:suspended"),
        ], base="tandem-asgi"),
        Load("fastapi", "FastAPI, `async def` that returns a dict", "/json", JSON, 1, [
            hosting("tandem-asgi", "tandem, FastAPI", "asgi", "hello_fastapi:app"),
            servers.uvicorn("uvicorn", "uvicorn + uvloop + httptools, FastAPI", "hello_fastapi:app", modules=FASTAPI),
        ], base="tandem-asgi"),
        Load("asgi-2-workers", "ASGI, two workers", "/plaintext", PLAINTEXT, 1, [
            hosting("tandem-asgi", "tandem, raw ASGI", "asgi", "hello_asgi:app", workers=2),
            servers.uvicorn("uvicorn", "uvicorn + uvloop + httptools, raw ASGI", workers=2),
        ], base="tandem-asgi", pinned=False),
        Load("fastapi-2-workers", "FastAPI, two workers", "/json", JSON, 1, [
            hosting("tandem-asgi", "tandem, FastAPI", "asgi", "hello_fastapi:app", workers=2),
            servers.uvicorn("uvicorn", "uvicorn + uvloop + httptools, FastAPI", "hello_fastapi:app", modules=FASTAPI, workers=2),
        ], base="tandem-asgi", pinned=False),
        Load("wsgi-10k", "WSGI, an answer of 10 KiB", "/large", LARGE, 1, [
            large_limit,
            hosting("tandem-wsgi", "tandem, raw WSGI", "wsgi", "hello_wsgi:large"),
            servers.gunicorn("gunicorn", "gunicorn gthread, raw WSGI", "hello_wsgi:large"),
            servers.uwsgi("uwsgi", "uWSGI http-socket, raw WSGI (no keep-alive)", "hello_wsgi:large"),
        ]),
        Load("flask", "Flask, a function that returns a dict", "/json", JSON, 1, [
            hosting("tandem-wsgi", "tandem, Flask", "wsgi", "hello_flask:app"),
            servers.gunicorn("gunicorn", "gunicorn gthread, Flask", "hello_flask:app", modules=FLASK),
            servers.uwsgi("uwsgi", "uWSGI http-socket, Flask (no keep-alive)", "hello_flask:app", modules=FLASK),
        ], base="tandem-wsgi"),
        Load("wsgi-2-workers", "WSGI, two workers", "/plaintext", PLAINTEXT, 1, [
            hosting("tandem-wsgi", "tandem, raw WSGI", "wsgi", "hello_wsgi:app", workers=2),
            servers.gunicorn("gunicorn", "gunicorn gthread, raw WSGI", workers=2),
            servers.uwsgi("uwsgi", "uWSGI http-socket, raw WSGI (no keep-alive)", workers=2),
        ], base="tandem-wsgi", pinned=False),
    ]


def _hosted_others(settings, hosting, tandem):
    sleep = [{"path": "/sleep/{ms}", "python": "mixed:function"}]
    # One clock for a whole transfer would measure the client's speed.
    patient = {"workers": 1, "timeout": "1h", "queue_timeout": "1m"}
    upload = {"path": "/upload", "methods": ["POST"], "limits": {"body_bytes": "2GiB"}}
    download = {"path": "/download"}
    slow = hosted.SlowDownload.clients

    def transfer(name, description, threads, upload_target, download_target):
        routes = [{**upload, **upload_target}, {**download, **download_target}]
        return tandem(name, description, routes, python={**patient, "threads": threads})

    def app(kind):
        return {kind: f"transfer:{kind}"}, {kind: f"transfer:{kind}"}

    def transfers(threads):
        return [
            transfer("tandem-asgi", "tandem, ASGI", threads, *app("asgi")),
            transfer("tandem-wsgi", f"tandem, WSGI, {threads} threads", threads, *app("wsgi")),
            transfer("tandem-python", "tandem, `async def` function", threads, {"python": "transfer:upload", "stream": True},
                     {"python": "transfer:download"}),
            servers.uvicorn("uvicorn", "uvicorn, ASGI", "transfer:asgi"),
            servers.gunicorn("gunicorn", f"gunicorn gthread, {threads} threads", "transfer:wsgi", threads=threads),
        ]

    return [
        hosted.Balance([
            tandem("tandem-python", "tandem, functions", sleep, python={"workers": 2, "threads": 1}),
            hosting("tandem-wsgi", "tandem, WSGI, 1 thread", "wsgi", "mixed:wsgi", workers=2, threads=1),
            hosting("tandem-wsgi-threads", "tandem, WSGI, 4 threads", "wsgi", "mixed:wsgi", workers=2, threads=4),
            hosting("tandem-asgi", "tandem, `async def` that blocks", "asgi", "mixed:asgi", workers=2),
            servers.gunicorn("gunicorn-sync", "gunicorn sync", "mixed:wsgi", workers=2, threads=None),
            servers.gunicorn("gunicorn", "gunicorn gthread, 4 threads", "mixed:wsgi", workers=2),
            servers.uvicorn("uvicorn", "uvicorn, `async def` that blocks", "mixed:asgi", workers=2),
        ]),
        hosted.SlowDownload(transfers(threads=slow)),
        hosted.Upload(transfers(threads=4)),
        hosted.Reload([
            tandem("tandem-python", "tandem, Python function", [{"path": "/plaintext", "python": "plaintext:handle"}],
                   python={"workers": 2}),
            hosting("tandem-asgi", "tandem, ASGI", "asgi", "hello_asgi:app", workers=2),
        ]),
    ]
