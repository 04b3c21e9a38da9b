"""ASGI applications over the real server, in worker processes and in a thread of the server."""

import hashlib
import json

import pytest

from support.client import request_bytes
from support.server import wait_until
from support.websocket import WebSocket

APP = r"""
    import asyncio, contextlib, gc, hashlib, json, os, pathlib

    told = []

    async def answer(send, body, status=200, headers=()):
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
        elif scope["type"] == "websocket":
            await echo(scope, receive, send)
        else:
            await globals()[scope["path"].strip("/").split("/")[-1] or "home"](scope, receive, send)

    async def lifespan(scope, receive, send):
        await receive()
        scope["state"]["greeting"] = "hello"
        await send({"type": "lifespan.startup.complete"})
        if (await receive_or_fail(receive)) == "fail":
            raise KeyError("the pool of connections")
        print("the application ends")
        await send({"type": "lifespan.shutdown.complete"})

    async def receive_or_fail(receive):
        globals()["failing"] = failing = asyncio.Event()
        tasks = [asyncio.create_task(failing.wait()), asyncio.create_task(receive())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return "fail" if failing.is_set() else "end"

    async def fail(scope, receive, send):
        failing.set()
        await answer(send, b"")

    async def echo(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    async def home(scope, receive, send):
        await answer(send, scope["state"]["greeting"].encode())

    async def show(scope, receive, send):
        await answer(send, json.dumps(scope, default=lambda one: one.decode("latin-1")).encode())

    async def loop(scope, receive, send):
        await answer(send, type(asyncio.get_running_loop()).__module__.encode())

    async def seen(scope, receive, send):
        await answer(send, json.dumps(told).encode())

    async def digest(scope, receive, send):
        total, count, more = hashlib.sha256(), 0, True
        while more:
            message = await receive()
            total.update(message["body"])
            count += len(message["body"])
            more = message["more_body"]
        await answer(send, f"{count} {total.hexdigest()}".encode())

    async def large(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/x")]})
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body"})
        told.append("sent it all")

    async def begin(send, status=200):
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})

    async def listens(scope, receive, send):
        await begin(send, 204 if scope["query_string"] else 200)
        while (message := await receive())["type"] != "http.disconnect":
            pass
        told.append(message["type"])

    async def lingers(scope, receive, send):
        await begin(send)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def polls(scope, receive, send):
        await receive()
        for _ in range(1000):
            task = asyncio.create_task(receive())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        del task
        gc.collect()
        left = sum(type(one) is asyncio.Future for one in gc.get_objects())
        await answer(send, str(left).encode())

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        except OSError as error:
            told.append(type(error).__name__)
            raise

    async def early(scope, receive, send):
        await answer(send, b"no, thank you", 413)

    async def wait(scope, receive, send):
        await receive()
        told.append("waits")
        told.append((await receive())["type"])

    async def stuck(scope, receive, send):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def background(scope, receive, send):
        await answer(send, b"answered")
        await asyncio.sleep(0.2)
        pathlib.Path(os.environ["MARK"]).write_text("done")

    async def broken(scope, receive, send):
        raise ValueError("a secret detail")

    async def breaks_off(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(64 * 1024), "more_body": True})
        raise ValueError("half-way")

    async def nothing(scope, receive, send):
        pass

    async def file(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.pathsend", "path": os.environ["FILE"]})
"""

ROUTES = [
    {"path": "/native", "native": "plaintext"},
    {"path": "/shop/*", "asgi": "web:app"},
    {"path": "/quick/*", "asgi": {"endpoint": "web:app", "timeout": "1s"}},
    {"path": "/*", "asgi": "web:app"},
]
MODES = pytest.mark.parametrize("mode", ["process", "thread"])


@pytest.fixture
def web(server, tmp_path):
    """web(mode) starts a server for the application above."""

    def start(mode="process", **config):
        (tmp_path / "file").write_bytes(bytes(range(256)) * 4000)
        env = {"MARK": str(tmp_path / "mark"), "FILE": str(tmp_path / "file")}
        python = {"mode": mode} | config.pop("python", {})
        return server(config.pop("routes", ROUTES), {"web": APP}, env=env, python=python, **config)

    return start


@MODES
def test_an_application_serves_and_ends(web, mode):
    one = web(mode)
    assert one.get("/").text == "hello" and one.get("/native").status == 200
    shown = one.request("POST", "/shop/show?a=%20b", {"X-Thing": "1"}, b"body").json()
    assert (shown["method"], shown["root_path"], shown["path"]) == ("POST", "/shop", "/shop/show")
    assert (shown["raw_path"], shown["query_string"], shown["scheme"]) == ("/shop/show", "a=%20b", "http")
    assert shown["client"][0] == "127.0.0.1" and shown["server"] == list(one.address)
    assert ["x-thing", "1"] in shown["headers"] and shown["state"] == {"greeting": "hello"}
    assert one.request("DELETE", "/nothing").problem(500, "python.bad_response")
    one.stop()
    one.log.wait_for("the application ends")


@MODES
def test_bodies_stream_both_ways(web, mode):
    one = web(mode, limits={"body_bytes": "64MiB"})
    body = bytes(range(256)) * 40_000
    assert one.post("/digest", body).text == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    assert one.post("/digest", b"").text == f"0 {hashlib.sha256().hexdigest()}"
    large = one.get("/large")
    assert large.body == b"x" * 10_000_000 and large.get("content-type") == "text/x"
    assert one.get("/file").body == bytes(range(256)) * 4000
    head = one.request("HEAD", "/file")
    assert head.body == b"" and head.get("content-length") == "1024000"


def test_an_answer_may_come_before_the_body(web):
    one = web()
    with one.connect() as connection:
        connection.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        assert connection.read().status == 413


@MODES
def test_errors(web, mode):
    one = web(mode)
    answer = one.get("/broken")
    assert "secret" not in answer.text and answer.problem(500, "python.exception")
    one.log.wait_for("ValueError: a secret detail")
    with one.connect() as connection:
        broken = connection.get("/breaks_off")
        assert (broken.status, broken.complete) == (200, False)
    one.log.wait_for("ValueError: half-way")
    assert one.get("/").text == "hello"


@MODES
def test_a_client_that_leaves_is_told_to_the_application(web, mode):
    one = web(mode)
    with one.connect() as connection:
        connection.send(request_bytes("GET", "/wait"))
        wait_until(lambda: one.get("/seen").json() == ["waits"], "the application to wait")
    wait_until(lambda: one.get("/seen").json() == ["waits", "http.disconnect"], "the disconnect")
    connection = one.connect()
    connection.send(request_bytes("GET", "/endless"))
    connection.read_head()
    connection.abort()
    wait_until(lambda: "ClientDisconnected" in one.get("/seen").json(), "the end of the stream")
    assert "Traceback" not in one.log.text()


@MODES
def test_a_request_that_takes_too_long_is_cancelled(web, mode):
    one = web(mode)
    assert one.get("/quick/stuck").problem(504, "python.timeout")
    wait_until(lambda: one.get("/seen").json() == ["cancelled"], "the cancellation")


@MODES
def test_a_stream_that_nobody_takes_is_told_so(web, mode):
    one = web(mode, python={"timeout": "10m"})
    head = one.request("HEAD", "/listens")
    assert head.status == 200 and head.get("transfer-encoding") == "chunked"
    wait_until(lambda: one.get("/seen").json() == ["http.disconnect"], "the disconnect")
    assert one.get("/listens?nothing").status == 204
    wait_until(lambda: one.get("/seen").json() == ["http.disconnect"] * 2, "the disconnect")
    # A bug: send() came back at once for ever, and the event loop did nothing else.
    assert one.request("HEAD", "/endless").status == 200
    wait_until(lambda: "ClientDisconnected" in one.get("/seen").json(), "the end of the stream")
    assert one.request("HEAD", "/large").status == 200
    wait_until(lambda: "sent it all" in one.get("/seen").json(), "the end of the answer")
    assert one.request("HEAD", "/quick/lingers").status == 200
    wait_until(lambda: "cancelled" in one.get("/seen").json(), "the deadline")
    assert "Traceback" not in one.log.text()
    assert one.request("HEAD", "/breaks_off").status == 200
    one.log.wait_for("ValueError: half-way")
    wait_until(lambda: [worker["in_flight"] for worker in one.workers()] == [0], "the last of them")


# A bug: it was the pool's `timeout` that went on.
@MODES
def test_the_deadline_of_the_route_goes_on_when_the_client_has_left(web, mode):
    one = web(mode, python={"timeout": "10m"})
    connection = one.connect()
    connection.send(request_bytes("GET", "/quick/lingers"))
    connection.read_head()
    connection.abort()
    wait_until(lambda: one.get("/seen").json() == ["cancelled"], "the deadline")


# A bug: they kept requests waiting, until those were answered 503.
def test_event_streams_take_no_requests_place(web):
    one = web(python={"workers": 1, "async_capacity": 1})
    streams = [one.connect() for _ in range(20)]
    for connection in streams:
        connection.send(request_bytes("GET", "/listens"))
        connection.read_head()
    assert one.get("/").text == "hello"
    for connection in streams:
        connection.close()
    wait_until(lambda: one.get("/seen").json() == ["http.disconnect"] * 20, "the disconnects")


# A bug: each poll left a future behind for as long as the connection lasted.
def test_polling_for_a_message_leaves_nothing_behind(web):
    assert int(web().get("/polls").text) < 100


# What runs where uvloop is not installed.
@MODES
def test_on_asyncios_own_loop(web, mode, tmp_path):
    (tmp_path / "without" / "uvloop").mkdir(parents=True)
    (tmp_path / "without" / "uvloop" / "__init__.py").write_text("raise ImportError('left out')")
    one = web(mode, python={"path": [str(tmp_path / "without"), str(tmp_path / "server0" / "modules")]}, limits={"body_bytes": "64MiB"})
    assert one.get("/loop").text.startswith("asyncio.")
    body = bytes(range(256)) * 40_000
    assert one.post("/digest", body).text == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
    assert one.get("/large").body == b"x" * 10_000_000
    assert one.request("HEAD", "/endless").status == 200
    assert one.get("/quick/stuck").problem(504, "python.timeout")
    connection = one.connect()
    connection.send(request_bytes("GET", "/endless"))
    connection.read_head()
    connection.abort()
    wait_until(lambda: one.get("/seen").json().count("ClientDisconnected") == 2, "the ends of the streams")
    with WebSocket(one.address, "/socket") as socket:
        for message in ("Grüße", b"\0\xff", "x" * 300_000):
            socket.send(message)
            assert socket.read() == message
    assert int(one.get("/polls").text) < 100
    one.stop()
    one.log.wait_for("the application ends")


def test_a_lifespan_that_fails_while_serving_is_in_the_log(web):
    one = web()
    assert one.get("/fail").status == 200
    one.log.wait_for("web:app raised in its lifespan while it was serving")
    one.log.wait_for("KeyError: 'the pool of connections'")
    assert one.get("/").text == "hello"


@MODES
def test_what_runs_after_the_answer_is_waited_for_at_the_end(web, mode, tmp_path):
    one = web(mode)
    assert one.get("/background").text == "answered"
    assert not (tmp_path / "mark").exists()
    one.stop()
    assert (tmp_path / "mark").read_text() == "done"


@MODES
def test_a_websocket(web, mode):
    one = web(mode)
    with WebSocket(one.address, "/shop/socket") as socket:
        for message in ("Grüße", b"\0\xff", "x" * 300_000):
            socket.send(message)
            assert socket.read() == message
        socket.send_close(1000)
        assert socket.read_close()[0] == 1000


@MODES
def test_a_failed_start_up_is_told_and_nothing_is_served(server, mode):
    one = server(
        [{"path": "/*", "asgi": "web:app"}],
        {
            "web": """
                async def app(scope, receive, send):
                    await receive()
                    await send({"type": "lifespan.startup.failed", "message": "no database"})
            """
        },
        python={"mode": mode},
        wait=False,
        stop_check=False,
    )
    assert one.wait() == 2
    assert "no database" in one.log.text() and "lifespan startup of web:app" in one.log.text()


def test_fastapi(server):
    pytest.importorskip("fastapi")
    one = server(
        [{"path": "/*", "asgi": "web:app"}],
        {
            "web": """
                import asyncio
                from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
                from starlette.responses import StreamingResponse
                app = FastAPI()
                done = []
                async def dependency():
                    yield "value"
                @app.get("/items/{number}")
                async def item(number: int, q: str = "none", value: str = Depends(dependency)):
                    if number == 7:
                        raise HTTPException(404, "no such item")
                    return {"number": number, "q": q, "value": value}
                @app.get("/thread")
                def thread(tasks: BackgroundTasks):
                    tasks.add_task(done.append, "background")
                    return done
                @app.get("/stream")
                async def stream():
                    async def pieces():
                        for piece in "abc":
                            await asyncio.sleep(0)
                            yield piece
                    return StreamingResponse(pieces(), media_type="text/plain")
            """
        },
    )
    assert one.get("/items/5?q=x").json() == {"number": 5, "q": "x", "value": "value"}
    assert one.get("/items/7").status == 404
    assert one.get("/items/x").status == 422
    assert one.get("/thread").json() == []
    wait_until(lambda: one.get("/thread").json() != [], "the background task")
    assert one.get("/stream").text == "abc"
    assert json.loads(one.get("/openapi.json").body)["paths"].keys() == {"/items/{number}", "/thread", "/stream"}
