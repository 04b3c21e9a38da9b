import pytest

from support.client import request_bytes

MIB = 1024 * 1024


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000, 5 * MIB, 20 * MIB])
def test_counts_what_it_reads(arm, size):
    answer = arm.post("/upload", bytes(size))
    assert (answer.status, answer.type, answer.text) == (200, "application/json", f'{{"bytes":{size}}}')


def test_counts_chunks(arm):
    answer = arm.post("/upload", None, chunks=[b"x" * size for size in (1, 100, 70_000, 65_536, 3)])
    assert answer.text == '{"bytes":135640}'


def test_without_a_body_there_is_nothing_to_count(arm):
    assert arm.request("POST", "/upload").text == '{"bytes":0}'


def test_more_than_the_route_allows_is_refused_unread(arm, demo):
    with demo.connect() as connection:
        connection.send(request_bytes("POST", "/upload", {"Tandem-Arm": arm.name, "Content-Length": str(20 * MIB + 1)}))
        connection.read("POST").problem(413, "http.body_too_large")


def test_a_chunked_body_is_refused_once_it_is_too_long(arm, demo):
    with demo.connect() as connection:
        connection.send(request_bytes("POST", "/upload", {"Tandem-Arm": arm.name, "Transfer-Encoding": "chunked"}))
        chunk = b"100000\r\n" + bytes(MIB) + b"\r\n"
        for _ in range(20):
            connection.send(chunk)
        connection.send(b"1\r\n!\r\n")
        connection.read("POST").problem(413, "http.body_too_large")


def test_a_broken_chunk_is_a_bad_request(arm, demo):
    with demo.connect() as connection:
        connection.send(request_bytes("POST", "/upload", {"Tandem-Arm": arm.name, "Transfer-Encoding": "chunked"}))
        connection.send(b"4\r\nabcd\r\nnonsense\r\n")
        assert connection.read("POST").status == 400
        connection.expect_end()
