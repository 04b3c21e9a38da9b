"""Every limit of the config's "limits" answers with its own status."""

import pytest

from support.client import ConnectionEnded, request_bytes
from support.demo import demo_routes
from support.server import wait_until

ROUTES = [route for route in demo_routes() if route["path"] in ("/plaintext", "/echo", "/upload", "/delay/{ms}")]


def test_a_slow_head_is_408(server):
    one = server(ROUTES, limits={"header_timeout": "200ms"})
    with one.connect() as connection:
        connection.send(b"GET /plaintext HTTP/1.1\r\nHost:")
        answer = connection.read()
        answer.problem(408, "http.header_timeout")
        assert answer.get("connection") == "close"
        connection.expect_end()


@pytest.mark.parametrize("arm", ["cpp", "py"])
@pytest.mark.parametrize("path", ["/echo", "/upload"])
@pytest.mark.parametrize("framing", [{"Content-Length": "10"}, {"Transfer-Encoding": "chunked"}])
def test_a_slow_body_is_408(server, arm, path, framing):
    one = server(ROUTES, limits={"body_timeout": "200ms"}, pin="open")
    with one.connect() as connection:
        connection.send(request_bytes("POST", path, {"Tandem-Arm": arm, **framing}) + b"5\r\nab")
        connection.read("POST").problem(408, "http.body_timeout")
        connection.expect_end()


def test_an_idle_connection_is_closed_without_a_word(server):
    one = server(ROUTES, limits={"idle_timeout": "200ms"})
    with one.connect() as connection:
        assert connection.get("/plaintext").status == 200
        connection.expect_end()


def test_a_declared_body_too_long_is_413_at_once(server):
    one = server(ROUTES, limits={"body_bytes": "1KiB"})
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {"Content-Length": "1025"}))
        connection.read("POST").problem(413, "http.body_too_large")
    assert one.post("/echo", b"x" * 1024).status == 200


@pytest.mark.parametrize("arm", ["cpp", "py"])
def test_a_chunked_body_is_413_as_its_bytes_arrive(server, arm):
    """The last chunk is never sent: the answer comes as soon as the limit is passed."""
    one = server(ROUTES, limits={"body_bytes": "1KiB"}, pin="open")
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {"Tandem-Arm": arm, "Transfer-Encoding": "chunked"}))
        connection.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        connection.send(b"1\r\n")
        connection.send(b"x")
        connection.read("POST").problem(413, "http.body_too_large")


def test_the_sender_of_a_body_too_long_sees_the_answer_and_no_reset(server):
    one = server(ROUTES, limits={"body_bytes": "1KiB"})
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {}, b"x" * 500_000))
        connection.read("POST").problem(413, "http.body_too_large")


def test_a_head_too_large_is_431(server):
    one = server(ROUTES, limits={"header_bytes": "2KiB"})
    one.get("/plaintext", {"X-Big": "x" * 3000}).problem(431, "http.headers_too_large")
    assert one.get("/plaintext", {"X-Big": "x" * 1500}).status == 200


def test_too_many_fields_are_431(server):
    one = server(ROUTES, limits={"header_count": 10})
    one.get("/plaintext", [(f"X-{i}", "1") for i in range(10)]).problem(431, "http.headers_too_large")
    assert one.get("/plaintext", [(f"X-{i}", "1") for i in range(9)]).status == 200


def test_a_target_too_long_is_414(server):
    one = server(ROUTES, limits={"uri_bytes": "1KiB"})
    one.get("/plaintext?" + "x" * 1024).problem(414, "http.uri_too_long")
    assert one.get("/plaintext?" + "x" * 1000).status == 200


def test_one_connection_too_many_is_503(server):
    one = server(ROUTES, limits={"connections": 3}, threads=1)
    held = [one.connect() for _ in range(3)]
    for connection in held:
        assert connection.get("/plaintext").status == 200
    with one.connect() as refused:
        answer = refused.read()
        assert (answer.status, answer.type) == (503, "application/problem+json")
        assert answer.get("retry-after")
        refused.expect_end()
    for connection in held:
        assert connection.get("/plaintext").status == 200
        connection.close()

    def served_again():
        with one.connect() as connection:
            try:
                return connection.get("/plaintext").status == 200
            except (ConnectionEnded, OSError):
                return False

    wait_until(served_again, "a place for a further connection")


def test_a_client_that_does_not_read_is_cut_off(server):
    """It takes nothing of a long answer: the server gives up after write_timeout and others are not harmed."""
    routes = [{"path": "/bytes/{n}", "native": "bytes"}, {"path": "/plaintext", "native": "plaintext"}]
    one = server(routes, limits={"write_timeout": "300ms"})
    with one.connect() as connection:
        connection.send(request_bytes("GET", "/bytes/104857600"))
        assert connection.read_head().status == 200
        wait_until(lambda: one.metric("tandem_connections") == 0, "the stalled connection to be dropped")
    assert one.get("/plaintext").status == 200
