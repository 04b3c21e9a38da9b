"""Expect: 100-continue is answered before the body is read, and only if it will be."""

import pytest

from support.client import request_bytes
from support.demo import demo_routes

ROUTES = [route for route in demo_routes() if route["path"] in ("/echo", "/upload", "/plaintext")]


@pytest.mark.parametrize("arm", ["cpp", "py"])
@pytest.mark.parametrize(("path", "body"), [("/echo", b"x" * 1000), ("/upload", b"x" * 100_000)])
def test_continue_comes_before_the_body_is_sent(server, arm, path, body):
    one = server(ROUTES, pin="open")
    with one.connect() as connection:
        fields = {"Expect": "100-continue", "Content-Length": str(len(body)), "Tandem-Arm": arm}
        connection.send(request_bytes("POST", path, fields))
        assert connection.read_head().status == 100
        connection.send(body)
        answer = connection.read("POST")
        assert (answer.status, answer.interim) == (200, [])
        assert answer.body == body or answer.json() == {"bytes": len(body)}
        assert connection.get("/plaintext").status == 200


def test_a_body_too_long_is_refused_instead(server):
    one = server(ROUTES, limits={"body_bytes": "1KiB"})
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo", {"Expect": "100-continue", "Content-Length": "2000"}))
        answer = connection.read("POST")
        answer.problem(413, "http.body_too_large")
        assert answer.interim == []


def test_an_unknown_route_is_refused_instead(server):
    one = server(ROUTES)
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/nowhere", {"Expect": "100-continue", "Content-Length": "5"}))
        answer = connection.read("POST")
        assert (answer.status, answer.interim) == (404, [])


def test_other_expectations_fail(server):
    one = server(ROUTES)
    one.post("/echo", b"x", {"Expect": "a-miracle"}).problem(417, "http.expectation_failed")
