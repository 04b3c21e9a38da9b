"""What a handler sees of its request, what it may return, and where its prints and log records go."""

import pytest

from support.client import request_bytes

HANDLERS = '''
    import asyncio, logging, os, sys, time
    from tandem import Request, Response

    def see(request: Request):
        return {
            "method": request.method, "path": request.path, "params": dict(request.path_params), "one": request.query_params.get("q"),
            "all": request.query_params.getall("q"), "header": request.headers["X-Thing"], "cookie": request.cookies.get("c"),
            "body": request.text, "client": bool(request.client), "id": request.id, "route": request.route, "arm": request.arm,
            "shadow": request.shadow,
        }

    def as_dict(): return {"a": 1, "b": [1.0, None, True, "é"]}
    def as_list(): return [1, 2]
    def as_str(): return "text é"
    def as_bytes(): return b"\\x00\\x01"
    def as_none(): return None
    def as_response(): return Response("made", status=201, headers={"X-Made": "yes", "Location": "/made"}, content_type="text/x-made")
    def as_generator():
        yield "one "
        yield b"two"
    async def as_async_generator():
        yield b"three "
        await asyncio.sleep(0)
        yield b"four"
    def slowly(request: Request):
        yield b"first"
        while not os.path.exists(request.query_params["file"]):
            time.sleep(0.005)
        yield b"last"
    async def slowly_async(request: Request):
        yield b"first"
        while not os.path.exists(request.query_params["file"]):
            await asyncio.sleep(0.005)
        yield b"last"
    async def as_coroutine():
        await asyncio.sleep(0)
        return "later"

    def splits_a_header(): return Response("x", headers={"X-Bad": "a\\r\\nSet-Cookie: b=c"})

    def talks(request: Request):
        print("printed words")
        print("words on stderr", file=sys.stderr)
        logging.getLogger("shop.cart").warning("a warning about %d things", 3)
        return "said"

    async def reads(request: Request):
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
        return {"total": total}
'''

NAMES = ["as_dict", "as_list", "as_str", "as_bytes", "as_none", "as_response", "as_generator", "as_async_generator", "as_coroutine",
         "talks", "splits_a_header", "slowly", "slowly_async"]  # fmt: skip
ROUTES = [{"path": f"/{name}", "python": f"views:{name}"} for name in NAMES] + [
    {"path": "/see/{a}/{rest*}", "name": "seen", "methods": ["POST"], "arms": {"main": {"python": "views:see", "weight": 1}}},
    {"path": "/reads", "methods": ["POST"], "stream": True, "python": "views:reads"},
]


@pytest.fixture(params=["process", "thread"])
def one(server, request):
    return server(ROUTES, {"views": HANDLERS}, python={"mode": request.param})


def test_a_handler_sees_its_request(one):
    seen = one.post(
        "/see/%C3%A9/x/y?q=1&q=two+words",
        "bödy".encode(),
        {"x-THING": "v", "Cookie": "c=d", "X-Request-Id": "id-1"},
    ).json()
    assert seen == {
        "method": "POST", "path": "/see/é/x/y", "params": {"a": "é", "rest": "x/y"}, "one": "1", "all": ["1", "two words"],
        "header": "v", "cookie": "d", "body": "bödy", "client": True, "id": "id-1", "route": "seen", "arm": "main", "shadow": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "status", "content_type", "body"),
    [
        ("/as_dict", 200, "application/json", '{"a":1,"b":[1.0,null,true,"é"]}'.encode()),
        ("/as_list", 200, "application/json", b"[1,2]"),
        ("/as_str", 200, "text/plain; charset=utf-8", "text é".encode()),
        ("/as_bytes", 200, "application/octet-stream", b"\x00\x01"),
        ("/as_none", 204, None, b""),
        ("/as_response", 201, "text/x-made", b"made"),
        ("/as_coroutine", 200, "text/plain; charset=utf-8", b"later"),
    ],
)
def test_what_it_returns_becomes_the_answer(one, path, status, content_type, body):
    answer = one.get(path)
    assert (answer.status, answer.type, answer.body) == (status, content_type, body)
    if status == 201:
        assert (answer.get("x-made"), answer.get("location")) == ("yes", "/made")


@pytest.mark.parametrize(("path", "body"), [("/as_generator", b"one two"), ("/as_async_generator", b"three four")])
def test_generators_are_streamed(one, path, body):
    answer = one.get(path)
    assert (answer.status, answer.get("transfer-encoding"), answer.body) == (200, "chunked", body)


@pytest.mark.parametrize("path", ["/slowly", "/slowly_async"])
def test_pieces_are_sent_as_they_come(one, tmp_path, path):
    gate = tmp_path / "gate"
    with one.connect() as connection:
        connection.send(request_bytes("GET", f"{path}?file={gate}"))
        assert connection.read_head().get("transfer-encoding") == "chunked"
        assert connection.read_exactly(10) == b"5\r\nfirst\r\n"  # while the handler waits for the gate
        gate.touch()
        assert b"".join(connection.read_chunks()) == b"last"


def test_a_coroutine_reads_a_stream(one):
    assert one.post("/reads", bytes(700_000)).json() == {"total": 700_000}


def test_no_handler_can_split_a_response(one):
    answer = one.get("/splits_a_header")
    assert answer.status == 500
    assert answer.get("set-cookie") is None


def test_prints_and_log_records_are_in_the_servers_log(one):
    assert one.get("/talks", {"X-Request-Id": "talk-7"}).text == "said"
    one.log.wait_for("printed words")
    one.log.wait_for("words on stderr")
    line = one.log.wait_for(r".*a warning about 3 things.*")[0]
    assert "shop.cart" in line
    assert "warn" in line.lower()
    assert "talk-7" in line


def test_thread_mode_says_what_it_does_not_promise(server):
    one = server(ROUTES, {"views": HANDLERS}, python={"mode": "thread"})
    one.log.wait_for(r"warn.*thread")
    assert one.workers()[0]["pid"] in (0, one.pid)


@pytest.mark.parametrize("mode", ["process", "thread"])
def test_files_are_utf8_without_a_locale(server, mode, tmp_path):
    source = """
        import sys

        def write():
            with open(FOLDER + "/Größe €.txt", "w") as file:
                file.write("ß")
            return [sys.getfilesystemencoding(), file.encoding.lower()]
    """.replace("FOLDER", repr(str(tmp_path)))
    one = server([{"path": "/", "python": "files:write"}], {"files": source}, python={"mode": mode}, env={"LC_ALL": "C"})
    assert one.get("/").json() == ["utf-8", "utf-8"]
    assert (tmp_path / "Größe €.txt").read_bytes() == "ß".encode()
