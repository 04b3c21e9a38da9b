"""WSGI applications over the real server: process and thread mode, one thread and several."""

import concurrent.futures
import hashlib
import json
import os

import pytest

from support.client import ConnectionEnded, request_bytes
from support.server import wait_until

APP = r'''
    import hashlib, json, os, sys, threading, time
    from wsgiref.validate import validator

    TEXT = [("Content-Type", "text/plain")]
    meeting = threading.Barrier(4)

    def app(environ, start_response):
        return globals()[environ["PATH_INFO"].strip("/").split("/")[0] or "home"](environ, start_response)

    def home(environ, start_response):
        start_response("200 OK", TEXT)
        return [b"home"]

    def show(environ, start_response):
        shown = {name: value for name, value in environ.items() if isinstance(value, (str, bool))}
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(shown).encode()]

    def digest(environ, start_response):
        sum, count = hashlib.sha256(), 0
        while piece := environ["wsgi.input"].read(10_000):
            sum.update(piece)
            count += len(piece)
        start_response("200 OK", TEXT)
        return [f"{count} {sum.hexdigest()}".encode()]

    def echo_lines(environ, start_response):
        start_response("200 OK", TEXT)
        for line in environ["wsgi.input"]:
            yield line.upper()

    def meet(environ, start_response):
        meeting.wait(30)
        start_response("200 OK", TEXT)
        return [threading.current_thread().name.encode()]

    def large(environ, start_response):
        start_response("200 OK", TEXT)
        return (b"%09d\n" % number * 1000 for number in range(2000))

    def page(environ, start_response):
        start_response("200 OK", TEXT)
        return environ["wsgi.file_wrapper"](open(environ["QUERY_STRING"], "rb"))

    class Endless:
        def __init__(self, note): self.note = note
        def __iter__(self): return self
        def __next__(self): return b"x" * 65536
        def close(self):
            with open(self.note, "w") as note: note.write("closed")

    def endless(environ, start_response):
        start_response("200 OK", TEXT)
        return Endless(environ["QUERY_STRING"])

    def told(environ, start_response):
        status, _, body = environ["QUERY_STRING"].partition("&")
        start_response(f"{status} My Words", [("X-Told", "yes")])
        return [body.encode()]

    def hops(environ, start_response):
        hops = [("Connection", "keep-alive"), ("Keep-Alive", "timeout=5"), ("Upgrade", "h2c"), ("transfer-encoding", "chunked")]
        start_response("200 OK", TEXT + hops + [("X-Told", "yes")])
        return [b"home"]

    def broken(environ, start_response):
        raise ValueError("a secret detail")

    def breaks_off(environ, start_response):
        start_response("200 OK", TEXT)
        yield b"begun"
        environ["wsgi.input"].read(1)
        raise ValueError("half-way")

    def stuck(environ, start_response):
        try:
            while True: time.sleep(0)
        finally:
            print("let go")

    def says(environ, start_response):
        environ["wsgi.errors"].write("words for the log\n")
        print("printed words")
        start_response("204 No Content", [])
        return []

    validated = validator(home)
'''

ROUTES = [
    {"path": "/shop/*", "wsgi": "application:app"},
    {"path": "/*", "wsgi": "application:app"},
    {"path": "/validated", "wsgi": "application:validated"},
]


@pytest.fixture(params=[("process", 1), ("process", 4), ("thread", 4)], ids=["process-1", "process-4", "thread-4"])
def one(server, request):
    mode, threads = request.param
    return server(ROUTES, {"application": APP}, python={"mode": mode, "threads": threads}, limits={"body_bytes": "64MiB"})


def test_an_application_answers(one):
    answer = one.get("/")
    assert (answer.status, answer.type, answer.body, answer.get("Content-Length")) == (200, "text/plain", b"home", "4")


def test_what_an_application_sees(one):
    environ = one.post("/shop/show/%C3%A9?q=1", b"body", {"X-A": "1", "x-a": "2", "X_A": "3", "Cookie": "a=b"}).json()
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/shop", "/show/\xc3\xa9")
    assert (environ["QUERY_STRING"], environ["REQUEST_URI"]) == ("q=1", "/shop/show/%C3%A9?q=1")
    assert (environ["REQUEST_METHOD"], environ["CONTENT_LENGTH"], environ["HTTP_X_A"]) == ("POST", "4", "1,2")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (one.address[0], str(one.address[1]))
    assert environ["REMOTE_ADDR"] == "127.0.0.1" and environ["REMOTE_PORT"].isdigit()
    environ = one.get("/show").json()
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/show")


def test_every_method_reaches_it(one):
    for method in ("DELETE", "OPTIONS", "PATCH", "PUT", "REPORT"):
        assert one.request(method, "/show").json()["REQUEST_METHOD"] == method


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_upload_arrives_as_it_was_sent(one, size, chunked):
    body = os.urandom(size)
    pieces = {"chunks": [body[i : i + 30_000] for i in range(0, size, 30_000)]} if chunked else {"body": body}
    assert one.request("POST", "/digest", **pieces).text == f"{size} {hashlib.sha256(body).hexdigest()}"


def test_an_upload_is_read_and_answered_line_by_line(one):
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/echo_lines", {"Transfer-Encoding": "chunked"}))
        connection.send(b"8\r\none\ntwo\n\r\n")
        answer = connection.read_head()
        assert answer.status == 200
        chunks = connection.read_chunks()
        seen = b""
        while len(seen) < 8:
            seen += next(chunks)
        assert seen == b"ONE\nTWO\n"
        connection.send(b"5\r\nthree\r\n0\r\n\r\n")
        assert b"".join(chunks) == b"THREE"


def test_a_stream_is_complete(one):
    answer = one.get("/large")
    assert answer.complete and answer.chunks is not None
    assert answer.body == b"".join(b"%09d\n" % number * 1000 for number in range(2000))


def test_http_1_0_gets_it_too(one):
    answer = one.request("GET", "/large", version="HTTP/1.0")
    assert len(answer.body) == 20_000_000 and answer.get("Connection") == "close"


def test_a_file(one, tmp_path):
    content = os.urandom(3_000_000)
    (tmp_path / "page").write_bytes(content)
    answer = one.get(f"/page?{tmp_path / 'page'}")
    assert (answer.get("Content-Length"), answer.body == content) == ("3000000", True)


def test_head_and_answers_without_a_body(one, tmp_path):
    (tmp_path / "page").write_bytes(b"0123456789")
    with one.connect() as connection:
        for target, length in (("/", "4"), (f"/page?{tmp_path / 'page'}", "10"), ("/large", None)):
            answer = connection.request("HEAD", target)
            assert (answer.status, answer.get("Content-Length"), answer.body) == (200, length, b"")
        for status in (204, 304, 204):
            answer = connection.get(f"/told?{status}&dropped")
            assert (answer.status, answer.get("Content-Length"), answer.get("X-Told")) == (status, None, "yes")
        assert connection.get("/told?418&tea").body == b"tea"


def test_the_answer_is_closed_when_the_client_has_gone(one, tmp_path):
    connection = one.connect()
    connection.send(request_bytes("GET", f"/endless?{tmp_path / 'note'}"))
    connection.read_head()
    connection.read_exactly(500_000)
    connection.abort()
    one.log.wait_for("/endless")
    wait_until(lambda: (tmp_path / "note").exists() and (tmp_path / "note").read_text() == "closed", "close()")
    assert one.get("/").body == b"home"


def test_errors(one):
    document = one.get("/broken").problem(500, "python.exception")
    assert "secret" not in json.dumps(document)
    one.log.wait_for("ValueError: a secret detail")
    with one.connect() as connection:
        connection.send(request_bytes("POST", "/breaks_off", {"Transfer-Encoding": "chunked"}))
        assert connection.read_head().status == 200
        chunks = connection.read_chunks()
        assert next(chunks) == b"begun"
        connection.send(b"1\r\nx\r\n")
        with pytest.raises(ConnectionEnded):
            next(chunks)
    one.log.wait_for("ValueError: half-way")
    assert one.get("/").body == b"home"


def test_hop_by_hop_fields_are_the_servers(one):
    with one.connect() as connection:
        for _ in range(3):
            answer = connection.get("/hops")
            assert (answer.body, answer.get("content-length"), answer.get("x-told")) == (b"home", "4", "yes")
            assert not {name.lower() for name, _ in answer.fields} & {"connection", "keep-alive", "upgrade", "transfer-encoding"}
    one.log.wait_for("sends the hop-by-hop field")
    assert one.log.count("hop-by-hop") == 1


def test_words_for_the_log_name_the_request(one):
    answer = one.get("/says", {"X-Request-Id": "req-of-mine"})
    assert (answer.status, answer.get("Content-Length")) == (204, None)
    one.log.wait_for(r"warn .*\[req-of-mine\] wsgi\.errors: words for the log")
    one.log.wait_for(r"info .*\[req-of-mine\] print: printed words")


def test_wsgiref_validates_the_server(one):
    with one.connect() as connection:
        for method in ("GET", "HEAD", "POST"):
            assert connection.request(method, "/validated", body=b"x" if method == "POST" else None).status == 200
    assert one.log.count("AssertionError|WSGIWarning") == 0


def test_a_worker_runs_four_requests_at_once(server):
    one = server(ROUTES, {"application": APP})
    with concurrent.futures.ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: one.get("/meet"), range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert len(one.worker_pids()) == 1


def test_time_out(server):
    one = server([{"path": "/*", "wsgi": "application:app", "timeout": "1s"}], {"application": APP}, python={"threads": 1})
    one.get("/stuck").problem(504, "python.timeout")
    one.log.wait_for("let go")
    assert one.get("/").body == b"home"


def test_twins_of_three_kinds(server):
    application = '''
        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Hello, World!"]
        def function(): return "Hello, World!"
    '''
    arms = {
        "cpp": {"native": "plaintext", "weight": 1},
        "py": {"python": "kinds:function", "weight": 1},
        "wsgi": {"wsgi": "kinds:application", "weight": 1},
    }
    one = server([{"path": "/", "arms": arms}], {"kinds": application}, pin="open")
    answers = [one.get("/", {"Tandem-Arm": arm}) for arm in arms]
    assert [answer.get("Tandem-Arm") for answer in answers] == list(arms)
    assert {(answer.status, answer.type, answer.body) for answer in answers} == {
        (200, "text/plain; charset=utf-8", b"Hello, World!")
    }
    assert one.metric("tandem_requests_total", backend="wsgi", code="2xx") == 1
