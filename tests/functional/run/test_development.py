"""`tandem run --reload`: the code that was saved last is what answers, or what is wrong with it."""

import os
import pty
import re
import signal
import subprocess
import threading

import pytest

from support.server import EVENT_DEADLINE, Run, binary, clean_environment, wait_until

HTML = (("Accept", "text/html,application/xhtml+xml"),)

ASGI = """
{before}
async def app(scope, receive, send):
    {first}
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": {text}.encode()}})
"""
WSGI = """
def app(environ, start_response):
    start_response("200 OK", [])
    return [{text}.encode()]
"""


def source(text, *, before="", first="pass"):
    """An application that answers with `text`, an expression."""
    return ASGI.format(text=text, before=before, first=first)


@pytest.fixture
def project(tmp_path):
    """project.write(name, text), project.run(arguments…)"""

    class Project:
        folder = tmp_path

        def __init__(self):
            self.started = []

        def write(self, name, text):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

        def save(self, server, name, text):
            """Writes it and waits until it was seen: from then on requests wait for the new code."""
            mark = server.log.mark()
            self.write(name, text)
            server.log.wait_for("changed: loading shop:app again", since=mark)

        def run(self, *arguments):
            self.started.append(Run(tmp_path, "shop:app", "--reload", *arguments))
            return self.started[-1]

    project = Project()
    yield project
    for one in project.started:
        one.stop()


@pytest.mark.parametrize("template", [ASGI, WSGI], ids=["asgi", "wsgi"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_new_code_answers_after_it_was_saved(project, template, workers):
    project.write("shop.py", template.format(text="'one'", before="", first="pass"))
    server = project.run("--workers", workers)
    assert server.get("/").text == "one"
    for text in ("two", "three"):
        project.save(server, "shop.py", template.format(text=repr(text), before="", first="pass"))
        assert [server.get("/").text for _ in range(4)] == [text] * 4


def test_broken_code_is_shown_until_it_is_mended(project):
    project.write("shop.py", source("'one'"))
    server = project.run()
    mark = server.log.mark()
    project.save(server, "shop.py", "price = 1 / 0\n" + source("'two'"))
    document = server.get("/").problem(500, "python.load_failed")
    assert document["detail"] == "ZeroDivisionError: division by zero"
    assert "shop.py" in document["traceback"]

    page = server.get("/some/page", HTML)
    assert page.status == 500
    assert page.type == "text/html; charset=utf-8"
    assert page.get("Cache-Control") == "no-store"
    assert "ZeroDivisionError: division by zero</h1>" in page.text
    assert "<b><i>1</i> price = 1 / 0</b>" in page.text
    server.log.wait_for("error shop:app can't be loaded: ZeroDivisionError", since=mark)
    server.log.wait_for(r"shop\.py:1$", since=mark)
    assert "\x1b" not in server.log.text()

    project.save(server, "shop.py", source("'three'"))
    assert server.get("/").text == "three"


def test_a_page_hears_when_there_is_something_else_to_see(project):
    project.write("shop.py", "import nothing_like_that\n")
    server = project.run()
    number = re.search(r'const number = "(\d+)"', server.get("/", HTML).text)[1]
    answers = []
    asking = threading.Thread(target=lambda: answers.append(server.get("/", (("Tandem-Page", number),))))
    asking.start()
    project.write("shop.py", source("'mended'"))
    asking.join(EVENT_DEADLINE)
    assert answers[0].status == 204
    assert answers[0].get("Tandem-Page") != number
    assert server.get("/", HTML).text == "mended"


def test_broken_code_at_the_start_is_shown_too(project):
    project.write("shop.py", "def app(:\n")
    server = project.run()
    assert "runs shop:app, 1 worker" in server.out.text()
    page = server.get("/", HTML).text
    assert "<h1>SyntaxError" in page
    assert "<b><i>1</i> def app(:</b>" in page
    project.save(server, "shop.py", source("'right'"))
    assert server.get("/").text == "right"


def test_another_error_replaces_the_first(project):
    project.write("shop.py", "raise KeyError('first')\n")
    server = project.run()
    assert "first" in server.get("/").problem(500, "python.load_failed")["detail"]
    project.save(server, "shop.py", "raise KeyError('second')\n")
    assert "second" in server.get("/").problem(500, "python.load_failed")["detail"]


def test_modules_in_directories_that_appear_count(project):
    guarded = "try:\n    from prices.table import NAME\nexcept ImportError:\n    NAME = 'none'\n"
    project.write("shop.py", source("NAME", before=guarded))
    server = project.run()
    assert server.get("/").text == "none"
    project.save(server, "prices/table.py", "NAME = 'table'\n")
    assert server.get("/").text == "table"


def test_an_editor_may_write_by_renaming(project):
    project.write("shop.py", source("'one'"))
    server = project.run()
    project.write("shop.py.new~", source("'two'"))
    mark = server.log.mark()
    os.rename(project.folder / "shop.py.new~", project.folder / "shop.py")
    server.log.wait_for("shop.py changed: loading", since=mark)
    assert server.get("/").text == "two"


def test_other_files_count_when_they_are_included(project):
    project.write("src/shop.py", source("TEXT", before="TEXT = open('page.html').read()"))
    project.write("page.html", "one")
    server = project.run("--app-dir", "src", "--reload-dir", ".", "--reload-include", "*.html", "--reload-exclude", "skip")
    assert server.get("/").text == "one"
    project.write("notes.txt", "x")
    project.write("skip/x.py", "x")
    project.save(server, "page.html", "two")
    assert server.get("/").text == "two"
    assert [line.split(" info ")[1] for line in server.log.all() if " changed: " in line] == [
        "page.html changed: loading shop:app again"
    ]


def test_a_request_that_runs_ends_in_the_old_code(project):
    gate = project.folder / "gate"
    wait = f"while scope.get('path') == '/wait' and not os.path.exists({str(gate)!r}): await asyncio.sleep(0.005)"
    project.write("shop.py", source("'one'", before="import asyncio, os", first=wait))
    server = project.run("--admin", "127.0.0.1:0")
    answers = []
    running = threading.Thread(target=lambda: answers.append(server.get("/wait").text))
    running.start()
    wait_until(lambda: sum(worker["in_flight"] for worker in server.workers()), "the request to run")
    project.save(server, "shop.py", source("'two'"))
    assert server.get("/").text == "two"
    gate.touch()
    running.join(EVENT_DEADLINE)
    assert answers == ["one"]


def test_stops_at_once_while_a_page_waits(project):
    project.write("shop.py", "1/0\n")
    server = Run(project.folder, "shop:app", "--reload")
    number = re.search(r'const number = "(\d+)"', server.get("/", HTML).text)[1]
    with server.connect() as connection:
        connection.send(f"GET / HTTP/1.1\r\nHost: x\r\nTandem-Page: {number}\r\n\r\n".encode())
        server.signal(signal.SIGINT)
        assert connection.read().status == 204
    assert server.wait() == 0
    assert "still busy" not in server.log.text()


def test_the_terminal_gets_colours(project):
    project.write("shop.py", "1/0\n")
    try:
        terminal, its_end = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal is to be had: {error}")
    process = subprocess.Popen(
        [binary(), "run", "shop:app", "--reload", "--port", "0"],
        cwd=project.folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=its_end,
        text=True,
    )
    os.close(its_end)
    try:
        assert process.stdout is not None
        assert "ready\n" in iter(process.stdout.readline, "")
        seen = b""
        while b"division by zero\x1b[0m" not in seen:
            seen += os.read(terminal, 4096)
        assert b"\x1b[1;31mZeroDivisionError: division by zero\x1b[0m" in seen
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
        os.close(terminal)
