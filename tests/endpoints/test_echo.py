import pytest


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_gives_the_body_back(arm, method):
    answer = arm.request(method, "/echo", {"Content-Type": "text/x-poem"}, b"roses\x00\xff\r\n")
    assert (answer.status, answer.type, answer.body) == (200, "text/x-poem", b"roses\x00\xff\r\n")


def test_without_a_type_the_body_is_bytes(arm):
    answer = arm.post("/echo", b"abc")
    assert (answer.type, answer.body) == ("application/octet-stream", b"abc")


@pytest.mark.parametrize("body", [None, b""])
def test_nothing_comes_back_as_nothing(arm, body):
    answer = arm.request("POST", "/echo", {}, body)
    assert (answer.status, answer.type, answer.get("content-length"), answer.body) == (200, "application/octet-stream", "0", b"")


def test_a_chunked_body_is_joined(arm):
    answer = arm.post("/echo", None, {"Content-Type": "text/plain"}, chunks=[b"one ", b"two ", b"three"])
    assert (answer.type, answer.body) == ("text/plain", b"one two three")


@pytest.mark.parametrize("size", [65535, 65536, 65537, 300_000, 1024 * 1024])
def test_bodies_of_many_pieces(arm, size):
    body = bytes(i * 7 % 251 for i in range(size))
    answer = arm.post("/echo", body)
    assert answer.body == body


def test_a_type_of_odd_bytes_is_kept(both):
    cpp, py = (arm.post("/echo", b"x", {"Content-Type": "text/plain; t=\xe9"}) for arm in both)
    assert cpp.type == py.type == "text/plain; t=\xe9"


def test_head_has_no_body(arm):
    answer = arm.head("/echo")
    assert (answer.status, answer.body) == (200, b"")
