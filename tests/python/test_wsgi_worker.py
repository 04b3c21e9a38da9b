"""WSGI applications (PEP 3333) in a worker, with the test as its front."""

import struct

import pytest
from worker_front import (
    CANCEL, CREDIT, DRAIN, END, ERROR, INITIAL_CREDIT, REQUEST_BODY, REQUEST_CREDIT, RESPONSE_BODY, RESPONSE_END, RESPONSE_HEAD,
    STREAMED, UNKNOWN, error_of, frame, request_head,
)  # fmt: skip

TEXT = [("Content-Type", "text/plain")]


@pytest.fixture
def wsgi(worker):
    """wsgi(source, "app", …): a worker with those applications of the source."""

    def start(source, *names, **options):
        endpoints = [{"target": f"app:{name}", "kind": "wsgi"} for name in names or ["app"]]
        return worker("import json, os, sys\n" + "TEXT = [('Content-Type', 'text/plain')]\n" + source, endpoints, **options)

    return start


def app(body):
    """An application with these lines in it."""
    lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    return "def app(environ, start_response):\n" + lines + "\n"


# --- environ ---------------------------------------------------------------------------------------------------------

SHOW = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    shown = {name: value if isinstance(value, (str, bool, tuple)) else type(value).__name__ for name, value in environ.items()}
    return [json.dumps(shown).encode()]
"""


def test_the_environ(wsgi):
    one = wsgi(SHOW)
    fields = [(b"Host", b"tandem.test"), (b"Content-Type", b"text/x"), (b"Content-Length", b"3"), (b"X-Thing", b"a"), (b"x-thing", b"b"),
              (b"Cookie", b"a=1"), (b"cookie", b"b=2"), (b"X_Thing", b"smuggled"), (b"X-Latin", b"\xe9")]  # fmt: skip
    target = b"/caf%C3%A9/x?q=1&r"
    environ = one.call(method="POST", path=b"/caf\xc3\xa9/x", target=target, query=b"q=1&r", fields=fields, body=b"abc").json()
    assert environ == {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": "/caf\xc3\xa9/x", "QUERY_STRING": "q=1&r", "CONTENT_TYPE": "text/x",
        "CONTENT_LENGTH": "3", "SERVER_NAME": "198.51.100.1", "SERVER_PORT": "8080", "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": environ["SERVER_SOFTWARE"], "REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "40000",
        "RAW_URI": "/caf%C3%A9/x?q=1&r", "REQUEST_URI": "/caf%C3%A9/x?q=1&r", "HTTP_HOST": "tandem.test", "HTTP_X_THING": "a,b",
        "HTTP_COOKIE": "a=1; b=2", "HTTP_X_LATIN": "\xe9", "wsgi.version": [1, 0], "wsgi.url_scheme": "http", "wsgi.input": "Input",
        "wsgi.errors": "_Output", "wsgi.multithread": False, "wsgi.multiprocess": True, "wsgi.run_once": False,
        "wsgi.input_terminated": True, "wsgi.file_wrapper": "type",
    }  # fmt: skip
    assert environ["SERVER_SOFTWARE"].startswith("tandem/")


def test_the_environ_of_a_bare_request(wsgi):
    environ = wsgi(SHOW, threads=2).call(version=10, scheme=b"https").json()
    assert (environ["SERVER_PROTOCOL"], environ["wsgi.url_scheme"]) == ("HTTP/1.0", "https")
    assert (environ["QUERY_STRING"], environ["PATH_INFO"]) == ("", "/")
    assert environ["wsgi.multithread"] is True
    assert not {"CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"} & set(environ)
    assert not [name for name in environ if name.startswith("HTTP_")]


def test_one_request_leaves_nothing_for_the_next(wsgi):
    one = wsgi(SHOW)
    first = one.call(method="PUT", query=b"a", fields=[(b"X-A", b"1"), (b"Content-Type", b"x")], version=10, scheme=b"https").json()
    second = one.call().json()
    assert first["HTTP_X_A"] == "1"
    assert not {"HTTP_X_A", "CONTENT_TYPE"} & set(second)
    assert (second["QUERY_STRING"], second["SERVER_PROTOCOL"], second["wsgi.url_scheme"]) == ("", "HTTP/1.1", "http")


def test_more_names_than_are_remembered(wsgi):
    one = wsgi(SHOW)
    for start in range(0, 2000, 50):
        fields = [(f"X-N{i}".encode(), str(i).encode()) for i in range(start, start + 50)]
        environ = one.call(fields=fields).json()
        assert {name: value for name, value in environ.items() if name.startswith("HTTP_")} == {
            f"HTTP_X_N{i}": str(i) for i in range(start, start + 50)
        }


@pytest.mark.parametrize(
    ("root_path", "mounted", "path", "expected"),
    [
        ("", b"", b"/a", ("", "/a")),
        ("", b"/shop", b"/shop/a/", ("/shop", "/a/")),
        ("", b"/shop", b"/shop", ("/shop", "")),
        ("/proxy", b"", b"/a", ("/proxy", "/a")),
        ("/proxy/", b"/shop", b"/shop/a", ("/proxy/shop", "/a")),
        ("/é", b"/\xc3\xbc", b"/\xc3\xbc/x", ("/\xc3\xa9/\xc3\xbc", "/x")),
    ],
)
def test_what_an_application_is_mounted_under(worker, root_path, mounted, path, expected):
    if root_path.endswith("/"):
        root_path = root_path[:-1]
    one = worker("import json\n" + SHOW, [{"target": "app:app", "kind": "wsgi", "root_path": root_path}])
    environ = one.call(path=path, root_path=mounted).json()
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == expected


@pytest.mark.parametrize(
    ("authority", "scheme", "expected"),
    [
        (b"shop.test", b"http", ("shop.test", "80")),
        (b"shop.test", b"https", ("shop.test", "443")),
        (b"shop.test:81", b"http", ("shop.test", "81")),
        (b"[::1]", b"http", ("[::1]", "80")),
        (b"[::1]:82", b"http", ("[::1]", "82")),
        (b"", b"http", ("localhost", "80")),
    ],
)
def test_the_server_of_a_unix_socket(wsgi, authority, scheme, expected):
    environ = wsgi(SHOW).call(client=b"unix", server=b"", server_port=0, authority=authority, scheme=scheme).json()
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == expected
    assert environ["REMOTE_ADDR"] == "" and "REMOTE_PORT" not in environ


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("return [b'hello']", b"hello"),
        ("return (b'hello',)", b"hello"),
        ("return [b'he', b'', b'llo']", b"hello"),
        ("return []", b""),
        ("return [b'']", b""),
        ("return iter([])", b""),
        ("return (piece for piece in [b'', b''])", b""),
    ],
)
def test_a_known_body_gets_a_content_length(wsgi, source, body):
    answer = wsgi(app("start_response('200 OK', TEXT)\n" + source)).call()
    assert (answer.status, answer.body, answer.content_length, answer.streamed) == (200, body, len(body), False)
    assert answer.headers == TEXT


def test_a_known_body_of_many_frames(wsgi):
    answer = wsgi(app("start_response('200 OK', TEXT)\nreturn [b'x' * 300000]")).call()
    assert (answer.content_length, answer.streamed, answer.body == b"x" * 300000) == (300000, False, True)


@pytest.mark.parametrize("source", ["yield b'he'\nyield b''\nyield b'llo'", "yield b'hello'"])
def test_a_generator_is_streamed(wsgi, source):
    answer = wsgi(app("start_response('200 OK', TEXT)\n" + source)).call()
    assert (answer.status, answer.body, answer.content_length, answer.streamed) == (200, b"hello", UNKNOWN, True)


def test_each_piece_is_sent_before_the_next_is_asked_for(wsgi):
    one = wsgi(app("start_response('200 OK', TEXT)\nyield b'one'\nyield environ['wsgi.input'].read(3)"))
    number = one.start(end=False, content_length=UNKNOWN)
    lane = one.lane_of(0)
    assert [lane.read().type, lane.read().payload] == [RESPONSE_HEAD, b"one"]
    assert lane.is_silent()
    lane.send(frame(REQUEST_BODY, number, b"two", END))
    assert [lane.read().payload, lane.read().type] == [b"two", RESPONSE_END]


def test_a_length_that_is_said_is_kept(wsgi):
    one = wsgi(
        """
def said(environ, start_response):
    start_response("200 OK", [*TEXT, ("content-length", "5")])
    return [b"hello"]
def streamed(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", " 5 ")])
    yield b"he"
    yield b"llo"
""",
        "said",
        "streamed",
    )
    whole, streamed = one.call(0), one.call(1)
    assert (whole.content_length, whole.streamed, whole.headers) == (5, False, TEXT)
    assert (streamed.content_length, streamed.streamed, streamed.body, streamed.headers) == (5, True, b"hello", TEXT)


@pytest.mark.parametrize(
    "source", ["return [b'hello', b'more']", "return iter([b'he', b'llomore', b'x'])", "return iter([b'hello', b'more'])"]
)
def test_no_more_is_sent_than_the_length_says(wsgi, source):
    one = wsgi(app("start_response('200 OK', [('Content-Length', '5')])\n" + source))
    answer = one.call()
    assert (answer.status, answer.body, answer.code) == (200, b"hello", None)
    one.wait_for_log("longer than its Content-Length")


@pytest.mark.parametrize(
    ("source", "begun"), [("return [b'hell']", False), ("return iter([])", False), ("return iter([b'hell'])", True)]
)
def test_less_than_the_length_says_is_an_error(wsgi, source, begun):
    answer = wsgi(app("start_response('200 OK', [('Content-Length', '5')])\n" + source)).call()
    assert answer.code == "python.bad_response"
    assert "bytes, its Content-Length says 5" in answer.traceback
    assert (answer.status, answer.body) == ((200, b"hell") if begun else (500, b""))


def test_write(wsgi):
    one = wsgi(app("write = start_response('200 OK', TEXT)\nwrite(b'one ')\nwrite(b'')\nwrite(b'two ')\nreturn [b'three']"))
    answer = one.call()
    assert (answer.body, answer.streamed, answer.content_length) == (b"one two three", True, UNKNOWN)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("write = start_response('200 OK', TEXT)\nwrite('text')", "TypeError: write() takes bytes, not str"),
        ("start_response('200 OK', [('Content-Length', '1')])(b'ab')", "ValueError: more was written than the Content-Length says"),
        ("start_response('200 OK', TEXT)\nstart_response('200 OK', TEXT)", "AssertionError: start_response() was called again"),
        ("start_response('200 OK')", "TypeError: start_response() takes a status"),
        ("start_response('200 OK', TEXT, None, None)", "TypeError: start_response() takes a status"),
        ("start_response('200 OK', TEXT, other=None)", "TypeError: start_response() takes a status"),
        ("start_response(b'200 OK', TEXT)", "TypeError: the status is a str such as \"200 OK\", not bytes"),
        ("start_response('OK', TEXT)", 'ValueError: the status is a final one such as "200 OK", not \'OK\''),
        ("start_response('100 Continue', TEXT)", "ValueError: the status is a final one"),
        ("start_response('2000 OK', TEXT)", "ValueError: the status is a final one"),
        ("start_response('200 OK\\r\\nX: y', TEXT)", "ValueError: the status is a final one"),
        ("start_response('200 OK', None)", "TypeError: the response headers are a list of (name, value) pairs"),
        ("start_response('200 OK', [('A', 1)])", "TypeError: a response header is a pair of str of Latin-1 characters, not ('A', 1)"),
        ("start_response('200 OK', [(b'A', b'1')])", "TypeError: a response header is a pair of str"),
        ("start_response('200 OK', [('A', '\\u20ac')])", "TypeError: a response header is a pair of str of Latin-1"),
        ("start_response('200 OK', [('A', 'b', 'c')])", "TypeError: a response header is a pair"),
        ("start_response('200 OK', [1])", "TypeError: 'int' object is not iterable"),
        ("start_response('200 OK', [('A:', 'b')])", "ValueError: the response header ('A:', 'b') has a name or value"),
        ("start_response('200 OK', [('A', 'b\\r\\nC: d')])", "ValueError: the response header ('A', 'b\\r\\nC: d') has a name or value"),
        ("start_response('200 OK', [('Content-Length', '-1')])", "ValueError: the Content-Length is no number"),
        ("start_response('200 OK', [('Content-Length', '1'), ('Content-Length', '2')])", "ValueError: there are several Content-Length"),
        ("raise ValueError('broken')", "ValueError: broken"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)  # fmt: skip
def test_what_an_application_does_wrong_is_told_to_it(wsgi, source, error):
    one = wsgi(app(source + "\nreturn [b'']"))
    answer = one.call()
    assert (answer.status, answer.code) == (500, "python.exception")
    assert error in answer.traceback and 'app.py", line ' in answer.traceback
    assert one.call().code == "python.exception"  # it goes on


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("return 'text'", "the application returned a str, expected an iterable of bytes"),
        ("return b'bytes'", "the application returned a bytes, expected an iterable of bytes"),
        ("return None", "the application returned a NoneType, expected an iterable of bytes"),
        ("return ['text']", "the application's iterable gave a str, expected bytes"),
        ("return iter([1])", "the application's iterable gave a int, expected bytes"),
        ("return {'a': 1}", "the application's iterable gave a str, expected bytes"),
    ],
)
def test_what_is_no_answer(wsgi, source, reason):
    answer = wsgi(app("start_response('200 OK', TEXT)\n" + source)).call()
    assert (answer.status, answer.code, answer.detail) == (500, "python.bad_response", "the endpoint returned no valid answer")
    assert reason in answer.traceback


@pytest.mark.parametrize("source", ["return [b'x']", "return []", "return iter([b'x'])", "return iter([])"])
def test_start_response_must_be_called(wsgi, source):
    answer = wsgi(app(source)).call()
    assert (answer.status, answer.code) == (500, "python.bad_response")
    assert "the application did not call start_response()" in answer.traceback


def test_start_response_may_be_called_late(wsgi):
    one = wsgi("def app(environ, start_response):\n    yield b''\n    start_response('201 Created', TEXT)\n    yield b'late'\n")
    answer = one.call()
    assert (answer.status, answer.headers, answer.body) == (201, TEXT, b"late")


def test_an_error_replaces_the_head_that_has_not_been_sent(wsgi):
    source = """
def app(environ, start_response):
    start_response("200 OK", [("X-Old", "1"), ("Content-Length", "99")])
    try:
        1 / 0
    except ZeroDivisionError:
        start_response("500 Failed", TEXT, sys.exc_info())
    return [b"failed"]
"""
    answer = wsgi(source).call()
    assert (answer.status, answer.headers, answer.body, answer.code) == (500, TEXT, b"failed", None)


@pytest.mark.parametrize("argument", ["sys.exc_info()", "exc_info=sys.exc_info()"])
def test_an_error_after_the_head_is_raised_again(wsgi, argument):
    source = f"""
def app(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"begun"
    try:
        1 / 0
    except ZeroDivisionError:
        start_response("500 Failed", TEXT, {argument})
    yield b"never"
"""
    answer = wsgi(source).call()
    assert (answer.status, answer.body, answer.code) == (200, b"begun", "python.exception")
    assert "ZeroDivisionError" in answer.traceback and "1 / 0" in answer.traceback


def test_exc_info_that_is_none_is_no_error(wsgi):
    assert wsgi(app("start_response('200 OK', TEXT, None)\nreturn [b'x']")).call().body == b"x"


@pytest.mark.parametrize(("status", "expected"), [("404 Not Found", 404), ("299", 299), ("599 My own words", 599), ("200 ", 200)])
def test_the_status(wsgi, status, expected):
    assert wsgi(app(f"start_response({status!r}, TEXT)\nreturn [b'x']")).call().status == expected


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("source", ["return []", "return [b'dropped']", "return iter([b'dropped', b'x'])"])
def test_answers_without_a_body(wsgi, status, source):
    answer = wsgi(app(f"start_response({status!r}, [('Content-Length', '7')])\n" + source)).call()
    assert (answer.status, answer.body, answer.streamed, answer.code) == (int(status[:3]), b"", False, None)


@pytest.mark.parametrize(
    ("source", "length"),
    [
        ("start_response('200 OK', TEXT)\nreturn [b'hello']", 5),
        ("start_response('200 OK', [*TEXT, ('Content-Length', '5')])\nreturn [b'hello']", 5),
        ("start_response('200 OK', [*TEXT, ('Content-Length', '5')])\nreturn []", 5),
        ("start_response('200 OK', [*TEXT, ('Content-Length', '5')])\nreturn iter([b'he', b'llo'])", 5),
        ("start_response('200 OK', TEXT)\nreturn iter([b'he', b'llo'])", UNKNOWN),
        ("write = start_response('200 OK', TEXT)\nwrite(b'he')\nreturn [b'llo']", UNKNOWN),
        ("import itertools\nstart_response('200 OK', TEXT)\nreturn itertools.repeat(b'x')", UNKNOWN),
    ],
)
def test_head_has_the_head_of_get(wsgi, source, length):
    answer = wsgi(app(source)).call(method="HEAD")
    assert (answer.status, answer.content_length, answer.headers, answer.code) == (200, length, TEXT, None)
    assert not answer.streamed or answer.body == b""


CLOSING = """
class Answer:
    def __init__(self, pieces): self.pieces = iter(pieces)
    def __iter__(self): return self
    def __next__(self):
        piece = next(self.pieces)
        if isinstance(piece, Exception): raise piece
        return piece
    def close(self): print("closed")
def app(environ, start_response):
    start_response("200 OK", TEXT)
    return Answer({})
"""


@pytest.mark.parametrize("pieces", ["[b'a', b'b']", "[]", "[b'a', ValueError('x')]", "[ValueError('x')]", "[b'a', 1]", "['a']"])
def test_close_is_always_called(wsgi, pieces):
    one = wsgi(CLOSING.format(pieces))
    one.call()
    one.wait_for_log("closed")


def test_an_error_in_close_is_logged(wsgi):
    one = wsgi(CLOSING.replace('print("closed")', "1 / 0").format("[b'a']"))
    answer = one.call()
    assert (answer.status, answer.body, answer.code) == (200, b"a", None)
    level, logger, message, request = one.wait_for_log("close() of the application's answer failed")
    assert "ZeroDivisionError" in message and (level, request) == (4, "req-1")


def test_close_of_head_and_of_a_surplus(wsgi):
    one = wsgi(CLOSING.format("[b'a', b'b']").replace("TEXT)", "[*TEXT, ('Content-Length', '1')])"))
    assert one.call(method="HEAD").content_length == 1
    one.wait_for_log("closed")
    one.logs.clear()
    assert one.call().body == b"a"
    one.wait_for_log("closed")


def test_the_iterable_is_asked_for_its_iterator_once(wsgi):
    source = """
class Answer:
    def __iter__(self):
        print("iterated")
        yield b"a"
    def close(self): print("closed")
def app(environ, start_response):
    start_response("200 OK", TEXT)
    return Answer()
"""
    one = wsgi(source)
    assert one.call().body == b"a"
    one.wait_for_log("closed")
    assert [log[2] for log in one.logs] == ["iterated", "closed"]


def test_what_the_request_left_behind_can_do_nothing(wsgi):
    source = """
kept = []
def app(environ, start_response):
    if not kept:
        kept.extend([start_response("200 OK", TEXT), start_response, environ])
        return [b"first"]
    start_response("200 OK", TEXT)
    told = []
    for call in (lambda: kept[0](b"x"), lambda: kept[1]("200 OK", TEXT), lambda: kept[2]["wsgi.input"].read()):
        try: call()
        except Exception as error: told.append(f"{type(error).__name__}: {error}")
    return ["\\n".join(told).encode()]
"""
    one = wsgi(source)
    assert one.call(end=False, content_length=UNKNOWN).body == b"first"
    assert one.call().body.decode().split("\n") == [
        "RuntimeError: the request is over", "RuntimeError: the request is over",
        "ValueError: the request is over, its body can't be read any more",
    ]  # fmt: skip


def test_wsgi_errors_goes_to_the_log(wsgi):
    source = r"""
def app(environ, start_response):
    start_response("200 OK", TEXT)
    errors = environ["wsgi.errors"]
    errors.write("one\ntw")
    errors.writelines(["o\n"])
    errors.flush()
    return []
"""
    one = wsgi(source)
    one.call(request_id=b"req-9")
    assert one.wait_for_log("two") == (3, "wsgi.errors", "two", "req-9")
    assert (3, "wsgi.errors", "one", "req-9") in one.logs


# --- files -----------------------------------------------------------------------------------------------------------


FILE = """
import tempfile, io
def app(environ, start_response):
    start_response("200 OK", {headers})
    return environ["wsgi.file_wrapper"]({file})
"""


@pytest.mark.parametrize(
    ("file", "length", "body"),
    [
        ("open('page', 'rb')", 200000, None),
        ("open('page', 'rb', buffering=0), 4096", 200000, None),
        ("next(f for f in [open('page', 'rb')] if f.read(199995))", 5, b"56789"),
        ("io.BytesIO(b'memory')", UNKNOWN, b"memory"),
        ("__import__('gzip').open('page.gz')", UNKNOWN, b"packed"),
        ("open('/dev/null', 'rb')", UNKNOWN, b""),
    ],
)
def test_file_wrapper(worker, tmp_path, file, length, body):
    import gzip

    (tmp_path / "page").write_bytes(b"0123456789" * 20000)
    (tmp_path / "page.gz").write_bytes(gzip.compress(b"packed"))
    source = f"import os\nos.chdir({str(tmp_path)!r})\n" + FILE.format(headers="[]", file=file)
    answer = worker(source, [{"target": "app:app", "kind": "wsgi"}]).call()
    body = b"0123456789" * 20000 if body is None else body
    assert answer.status == 200 and answer.body == body
    assert answer.content_length == (length if body else 0)


def test_a_file_is_closed_and_its_length_kept(wsgi, tmp_path):
    (tmp_path / "page").write_bytes(b"0123456789")
    source = FILE.format(headers="[('Content-Length', '4')]", file=f"Noting({str(tmp_path / 'page')!r})") + """
class Noting(io.FileIO):
    def close(self):
        print("file closed")
        super().close()
"""
    one = wsgi(source)
    answer = one.call()
    assert (answer.body, answer.content_length) == (b"0123", 4)
    one.wait_for_log("file closed")


# --- the body --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("read()", ["one\ntwo\nthree"]),
        ("read(-1)", ["one\ntwo\nthree"]),
        ("read(None)", ["one\ntwo\nthree"]),
        ("read(5), b.read(0), b.read(100), b.read(1)", ["one\nt", "", "wo\nthree", ""]),
        ("readline(), b.readline(2), b.readline(), b.readline(-1), b.readline()", ["one\n", "tw", "o\n", "three", ""]),
        ("readline(4), b.readline(0)", ["one\n", ""]),
        ("readlines()", ["one\n", "two\n", "three"]),
        ("readlines(5)", ["one\n", "two\n"]),
        ("readlines(0)", ["one\n", "two\n", "three"]),
        ("__iter__()", ["one\n", "two\n", "three"]),
        ("read(1), *b", ["o", "ne\n", "two\n", "three"]),
    ],
)
@pytest.mark.parametrize("cut", ["whole", "in one frame", "byte by byte"])
def test_reading(wsgi, call, expected, cut):
    source = f"""
def app(environ, start_response):
    start_response("200 OK", TEXT)
    b = environ["wsgi.input"]
    got = b.{call}
    pieces = [got] if isinstance(got, bytes) else got
    return [json.dumps([piece.decode() for piece in pieces]).encode()]
"""
    one = wsgi(source)
    body = b"one\ntwo\nthree"
    if cut == "whole":
        answer = one.call(body=body)
    else:
        number = one.start(end=False, content_length=UNKNOWN)
        lane = one.lane_of(0)
        for piece in [body] if cut == "in one frame" else [body[i : i + 1] for i in range(len(body))]:
            lane.send(frame(REQUEST_BODY, number, piece))
        lane.send(frame(REQUEST_BODY, number, b"", END))
        answer = one.answer(lane, number)
    assert answer.json() == expected


@pytest.mark.parametrize(("call", "error"), [("read('x')", "TypeError"), ("read(1, 2)", "TypeError"), ("readline(1.5)", "TypeError")])
def test_reading_wrongly(wsgi, call, error):
    answer = wsgi(app(f"environ['wsgi.input'].{call}")).call()
    assert answer.code == "python.exception" and error in answer.traceback


def test_a_read_waits_for_what_it_asks_for_and_grants_credit(wsgi):
    source = """
def app(environ, start_response):
    start_response("200 OK", TEXT)
    body = environ["wsgi.input"]
    return [f"{len(body.read(300000))} {len(body.read())}".encode()]
"""
    one = wsgi(source)
    number = one.start(method="POST", end=False, content_length=UNKNOWN)
    lane = one.lane_of(0)
    sent = granted = 0
    while sent < 1_000_000:
        if sent - granted + 50_000 <= INITIAL_CREDIT:
            lane.send(frame(REQUEST_BODY, number, b"x" * 50_000))
            sent += 50_000
        else:
            grant = lane.read()
            assert grant.type == REQUEST_CREDIT
            granted += struct.unpack("<I", grant.payload)[0]
    lane.send(frame(REQUEST_BODY, number, b"", END))
    while (last := lane.read()).type == REQUEST_CREDIT:
        pass
    assert last.type == RESPONSE_HEAD and last.payload.endswith(b"300000 700000")


def test_other_lanes_go_on_while_a_body_is_awaited(wsgi):
    one = wsgi(app("start_response('200 OK', TEXT)\nreturn [environ['wsgi.input'].read()]"), threads=2)
    number = one.start(end=False, content_length=UNKNOWN)
    other = one.lane_of(0, executor=1)
    other.send(request_head(1000, body=b"other"))
    assert one.answer(other, 1000).body == b"other"
    one.lane_of(0).send(frame(REQUEST_BODY, number, b"first", END))
    assert one.answer(one.lane_of(0), number).body == b"first"


def test_a_body_that_is_not_read_is_no_matter(wsgi):
    one = wsgi(app("start_response('200 OK', TEXT)\nreturn [b'no thanks']"))
    number = one.start(end=False, content_length=10)
    assert one.answer(one.lane_of(0), number).body == b"no thanks"
    one.lane_of(0).send(frame(REQUEST_BODY, number, b"0123456789", END))
    assert one.call().body == b"no thanks"


# --- giving up -------------------------------------------------------------------------------------------------------


READS = """
def app(environ, start_response):
    try:
        environ["wsgi.input"].read(5)
        print("the rest")
        environ["wsgi.input"].read()
    except BaseException as error:
        print("read:", type(error).__name__, isinstance(error, OSError))
        raise
"""


@pytest.mark.parametrize(
    ("reason", "told", "code"),
    [(b"\1", "read: ConnectionResetError True", "python.exception"), (b"\0", "read: Cancelled False", "python.cancelled")],
    ids=["client gone", "out of time"],
)
def test_a_read_ends_when_the_request_is_given_up(wsgi, reason, told, code):
    one = wsgi(READS)
    number = one.start(end=False, content_length=10)
    one.lane_of(0).send(frame(REQUEST_BODY, number, b"01234"))
    one.wait_for_log("the rest")  # a request that has not begun would be given back instead
    one.control.send(frame(CANCEL, number, reason))
    assert error_of(one.lane_of(0).read()).code == code
    one.wait_for_log(told)


def test_an_answer_is_given_up_while_it_waits_for_credit(wsgi):
    source = """
def app(environ, start_response):
    start_response("200 OK", TEXT)
    try:
        while True: yield b"x" * 65536
    finally:
        print("generator closed")
"""
    one = wsgi(source)
    number = one.start()
    lane = one.lane_of(0)
    assert lane.read().type == RESPONSE_HEAD
    received = 0
    while received < INITIAL_CREDIT:
        received += len(lane.read().payload)
    one.control.send(frame(CANCEL, number))
    last = lane.read()
    assert (last.type, error_of(last).code) == (ERROR, "python.cancelled")
    one.wait_for_log("generator closed")


def test_a_computation_is_interrupted_and_closes(wsgi):
    source = """
class Answer:
    def __iter__(self): return self
    def __next__(self):
        print("counting")
        while True: pass
    def close(self):
        print("closing", sum(range(1000)))
def app(environ, start_response):
    start_response("200 OK", TEXT)
    if environ["PATH_INFO"] == "/quick": return [b"quick"]
    return Answer()
"""
    one = wsgi(source)
    number = one.start()
    one.wait_for_log("counting")
    one.control.send(frame(CANCEL, number))
    failure = error_of(one.lane_of(0).read())
    assert (failure.status, failure.code) == (503, "python.cancelled")
    one.wait_for_log("closing 499500")
    assert one.call(path=b"/quick").body == b"quick"


# --- the worker ------------------------------------------------------------------------------------------------------


def test_wsgiref_validates_it(worker):
    source = """
import wsgiref.validate
def hello(environ, start_response):
    read = environ["wsgi.input"]
    body = read.read(3) + read.readline() + b"".join(read.readlines()) + b"".join(read)
    environ["wsgi.errors"].write("checked\\n")
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", body]
def streaming(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"one"
    yield b"two"
def writing(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])(b"written")
    return []
hello, streaming, writing = map(wsgiref.validate.validator, (hello, streaming, writing))
"""
    one = worker(source, [{"target": f"app:{name}", "kind": "wsgi"} for name in ("hello", "streaming", "writing")])
    fields = [(b"Host", b"x"), (b"Content-Type", b"text/plain"), (b"Content-Length", b"12")]
    answer = one.call(0, method="POST", body=b"abc\ndef\nghi\n", fields=fields, root_path=b"/app", path=b"/app/x")
    assert answer.body == b"hello abc\ndef\nghi\n"
    assert one.call(1).body == b"onetwo"
    assert one.call(2).body == b"written"
    assert one.call(1, method="HEAD").status == 200
    one.wait_for_log("checked")
    assert not [log for log in one.logs if "Error" in log[2] or "Warning" in log[2]]


def test_functions_and_applications_share_a_worker(worker):
    source = """
def function(request): return {"path": request.path}
async def coroutine(request): return "later"
def app(environ, start_response):
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]
"""
    one = worker(source, ["app:function", "app:coroutine", {"target": "app:app", "kind": "wsgi"}])
    assert one.kinds == ["sync", "async", "sync"]
    assert [told["interface"] for told in one.told["endpoints"]] == ["function", "function", "wsgi"]
    assert [one.call(i, path=b"/p").body for i in range(3)] == [b'{"path":"/p"}', b"later", b"/p"]


def test_executors_that_nobody_needs_are_not_started(worker):
    one = worker("def f(): return '1'", ["app:f"], threads=3)
    two = worker("async def f(): return '1'", ["app:f"], threads=3)
    assert one.call().body == two.call().body == b"1"
    names = [thread_names(each.process.pid) for each in (one, two)]
    assert [each.count("py-sync") for each in names] == [3, 0]
    assert [each.count("py-async") for each in names] == [0, 1]
    assert one.drain() == two.drain() == 0


def thread_names(pid):
    import pathlib

    return [(one / "comm").read_text().strip() for one in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def test_drain_finishes_what_runs(wsgi):
    one = wsgi(app("start_response('200 OK', TEXT)\nyield b'begun'\nyield environ['wsgi.input'].read()"))
    number = one.start(end=False, content_length=UNKNOWN)
    lane = one.lane_of(0)
    assert [lane.read().type, lane.read().payload] == [RESPONSE_HEAD, b"begun"]
    one.control.send(frame(DRAIN))
    lane.send(frame(REQUEST_BODY, number, b"ended", END))
    assert [lane.read().payload, lane.read().type] == [b"ended", RESPONSE_END]
    assert one.wait() == 0


def test_nothing_is_kept_of_a_request(wsgi):
    source = """
import gc, weakref
class Piece:
    pass
seen = []
def app(environ, start_response):
    start_response("200 OK", TEXT)
    if environ["PATH_INFO"] == "/count":
        gc.collect()
        return [str(sum(one() is not None for one in seen)).encode()]
    environ["piece"] = piece = Piece()
    seen.append(weakref.ref(piece))
    return [b"x"] if environ["PATH_INFO"] == "/list" else iter([b"x"])
"""
    one = wsgi(source)
    for path in (b"/list", b"/iterator", b"/list"):
        assert one.call(path=path).body == b"x"
    assert one.call(path=b"/count").body == b"0"
