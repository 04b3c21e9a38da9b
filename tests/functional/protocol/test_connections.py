"""Keep-alive, pipelining, HTTP/1.0, half-closed clients, garbage, and the kinds of listeners."""

import os
import random
import socket

import pytest

from support.client import Connection, fetch, request_bytes
from support.demo import demo_routes

ROUTES = [route for route in demo_routes() if route["path"] in ("/plaintext", "/delay/{ms}", "/echo", "/bytes/{n}", "/json")]


@pytest.fixture
def one(server):
    return server(ROUTES, pin="open", python={"workers": 2})


def test_a_connection_serves_many_requests(one):
    with one.connect() as connection:
        for i in range(50):
            answer = connection.request("POST", "/echo", {}, b"%d" % i)
            assert answer.body == b"%d" % i
            assert answer.get("connection") in (None, "keep-alive")


def test_connection_close_is_kept(one):
    with one.connect() as connection:
        assert connection.get("/plaintext", {"Connection": "close"}).get("connection") == "close"
        connection.expect_end()


@pytest.mark.parametrize("arm", ["cpp", "py"])
def test_pipelined_answers_come_in_order(one, arm):
    """A slow request first: the fast ones behind it are answered after it, by whichever backend."""
    other = {"cpp": "py", "py": "cpp"}[arm]
    targets = [("/delay/300", arm), ("/plaintext", "cpp"), ("/json", other), ("/delay/1", other), ("/plaintext", arm)]
    with one.connect() as connection:
        connection.send(b"".join(request_bytes("GET", target, {"Tandem-Arm": name}) for target, name in targets))
        bodies = [connection.read().text for _ in targets]
    assert bodies == ['{"delay_ms":300}', "Hello, World!", '{"message":"Hello, World!"}', '{"delay_ms":1}', "Hello, World!"]


def test_a_long_pipeline(one):
    with one.connect() as connection:
        connection.send(request_bytes("GET", "/plaintext") * 500)
        for _ in range(500):
            assert connection.read().text == "Hello, World!"


def test_bodies_within_a_pipeline(one):
    bodies = [bytes([65 + i]) * (i * 700) for i in range(20)]
    with one.connect() as connection:
        for i, body in enumerate(bodies):
            connection.send(request_bytes("POST", "/echo", {"Tandem-Arm": ("cpp", "py")[i % 2]}, body))
        assert [connection.read("POST").body for _ in bodies] == bodies


def test_http_1_0_closes_unless_asked(one):
    with one.connect() as connection:
        answer = connection.get("/plaintext", version="HTTP/1.0", host=None)
        assert (answer.status, answer.text) == (200, "Hello, World!")
        connection.expect_end()
    with one.connect() as connection:
        answer = connection.get("/plaintext", {"Connection": "keep-alive"}, version="HTTP/1.0")
        assert answer.get("connection").lower() == "keep-alive"
        assert connection.get("/plaintext").text == "Hello, World!"


def test_http_1_0_gets_no_chunks(server):
    one = server(
        [{"path": "/parts", "python": "parts:handle"}],
        {"parts": "def handle():\n    yield b'one '\n    yield b'two'\n"},
    )
    with one.connect() as connection:
        answer = connection.get("/parts", {"Connection": "keep-alive"}, version="HTTP/1.0")
        assert answer.get("transfer-encoding") is None
        assert answer.body == b"one two"
        connection.expect_end()
    answer = one.get("/parts")
    assert (answer.get("transfer-encoding"), answer.body) == ("chunked", b"one two")


@pytest.mark.parametrize("arm", ["cpp", "py"])
@pytest.mark.parametrize("target", ["/delay/200", "/bytes/3000000", "/plaintext"])
def test_half_closed_clients_get_their_answer(one, arm, target):
    with one.connect() as connection:
        connection.send(request_bytes("GET", target, {"Tandem-Arm": arm}))
        connection.finish_sending()
        answer = connection.read()
        assert (answer.status, answer.complete) == (200, True)
        connection.expect_end()


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    b"hello there\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET\r\n\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
    b"GET /plaintext HTTP/1.1\nHost: x\n\n",
    b"GET /plaintext HTTP/1.1\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_and_the_server_lives(one, garbage):
    with one.connect() as connection:
        connection.send(garbage)
        answer = connection.read()
        assert answer.status in (400, 505)
        assert answer.type == "application/problem+json"
        assert answer.get("connection") == "close"
        connection.read_to_end()
    assert one.get("/plaintext").status == 200


def test_random_bytes_end_no_server(one):
    chance = random.Random(9)
    for _ in range(100):
        with one.connect() as connection:
            connection.send(chance.randbytes(chance.randrange(1, 400)) + b"\r\n\r\n")
            connection.finish_sending()
            reply = connection.read_to_end()
            assert reply == b"" or reply.startswith(b"HTTP/1.1 4"), reply
    assert one.get("/plaintext").status == 200


def test_unix_socket(server, tmp_path):
    path = str(tmp_path / "t.sock")
    one = server(ROUTES, listen=[f"unix:{path}", "127.0.0.1:0"], pin="open")
    assert path in one.addresses
    assert fetch(path, "GET", "/plaintext").text == "Hello, World!"
    assert fetch(path, "GET", "/json", {"Tandem-Arm": "py"}).get("Tandem-Arm") == "py"
    one.stop()
    assert not os.path.exists(path)


def test_a_stale_unix_socket_is_replaced(server, tmp_path):
    path = str(tmp_path / "t.sock")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    one = server(ROUTES, listen=[f"unix:{path}"])
    assert fetch(path, "GET", "/plaintext").text == "Hello, World!"
    assert path in one.addresses


def test_ipv6(server):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    one = server(ROUTES, listen=["[::1]:0", "127.0.0.1:0"])
    hosts = {address[0] for address in one.addresses}
    assert hosts == {"::1", "127.0.0.1"}
    for address in one.addresses:
        with Connection(address) as connection:
            assert connection.get("/plaintext").text == "Hello, World!"
