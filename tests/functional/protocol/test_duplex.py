"""Answers that leave while the request's body is still arriving."""

import pytest

from support.client import request_bytes

HANDLERS = '''
    import asyncio

    async def echo(request):
        async for chunk in request.stream():
            yield chunk

    async def early(request):
        async for chunk in request.stream():
            return {"first": len(chunk)}

    async def ignores(request):
        return "answered"

    async def forgets(request):
        yield b"started "
        yield b"and done"

    async def talks_on(request):
        try:
            async for chunk in request.stream():
                yield chunk
        finally:
            print("the exchange is over")

    def echo_in_a_thread(request):
        for chunk in request.stream():
            yield chunk
'''

NAMES = ("echo", "early", "ignores", "forgets", "talks_on", "echo_in_a_thread")
ROUTES = [{"path": f"/{name}", "methods": ["POST"], "stream": True, "python": f"duplex:{name}"} for name in NAMES]
PIECE = bytes(range(256)) * 256  # 64 KiB


@pytest.fixture
def one(server):
    return server(
        [{**route, "limits": {"body_bytes": "16MiB"}} for route in ROUTES] + [{"path": "/plaintext", "native": "plaintext"}],
        {"duplex": HANDLERS},
    )


@pytest.mark.parametrize("path", ["/echo", "/echo_in_a_thread"])
@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_an_echo_of_8_mib_piece_by_piece(one, path, framing):
    """The client sends the next piece only when the one before has come back."""
    count = 128
    header = {"Content-Length": str(count * len(PIECE))} if framing == "sized" else {"Transfer-Encoding": "chunked"}
    with one.connect() as connection:
        connection.send(request_bytes("POST", path, header))
        chunks = connection.read_chunks()
        back = b""
        for number in range(count):
            connection.send(PIECE if framing == "sized" else b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
            if number == 0:
                assert connection.read_head().get("transfer-encoding") == "chunked"
            while len(back) < len(PIECE):
                back += next(chunks)
            assert back == PIECE
            back = b""
        if framing == "chunked":
            connection.send(b"0\r\n\r\n")
        assert list(chunks) == []
        assert connection.get("/plaintext").text == "Hello, World!"


def test_an_early_answer_does_not_wait_for_the_body(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/early", {"Content-Length": "1000000"}) + b"12345")
        answer = connection.read()
        assert answer.json() == {"first": 5}
        assert answer.get("connection") == "close"
        connection.send(bytes(100_000))
        connection.expect_end()


def test_an_answer_that_reads_nothing(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/ignores", {"Content-Length": "1000000"}))
        answer = connection.read()
        assert (answer.text, answer.get("connection")) == ("answered", "close")
        connection.expect_end()


def test_a_stream_that_leaves_the_body_unread_ends_the_connection_after_it(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/forgets", {"Content-Length": "1000000"}) + PIECE)
        assert connection.read().text == "started and done"
        connection.send(PIECE)
        connection.expect_end()


@pytest.mark.parametrize("how", ["close", "abort"])
def test_a_client_that_goes_ends_both_directions(one, how):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/talks_on", {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
        connection.read_head()
        assert next(connection.read_chunks()) == b"first"
        getattr(connection, how)()
    one.log.wait_for("the exchange is over")


def test_continue_is_asked_for_beside_a_running_answer(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {"Expect": "100-continue", "Content-Length": "4"}))
        assert connection.read_head().status == 100
        connection.send(b"body")
        assert connection.read().text == "body"
        assert connection.get("/plaintext").text == "Hello, World!"


def test_a_body_that_breaks_off_breaks_the_stream(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {"Transfer-Encoding": "chunked"}) + b"5\r\nfirst\r\n")
        connection.read_head()
        chunks = connection.read_chunks()
        assert next(chunks) == b"first"
        connection.send(b"no chunk\r\n")
        assert connection.read_to_end() == b"\r\n", "the end of the chunk, and no last one"
