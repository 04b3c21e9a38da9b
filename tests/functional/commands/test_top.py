"""`tandem top`: on a terminal of the test's own, beside a real server."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable, Iterator

import pytest

from support.demo import twin
from support.server import Server, binary, run
from support.terminal import Terminal

BAD = {"bad": "def handle(request):\n    raise ValueError('broken on purpose')\n"}
ROUTES = [
    twin("/json", "json", "json_hello"),
    twin("/fib/{n}", "fib", "fib", {"name": "fib", "experiment": {"id": "fib-port", "control": "py"}}),
    {"path": "/bad", "python": "bad:handle"},
]


@pytest.fixture
def top() -> Iterator[Callable[..., Terminal]]:
    """top(server) runs `tandem top` there, and ends it with the test."""
    started: list[Terminal] = []

    def start(server: Server, *arguments: str, **options: Any) -> Terminal:
        command = [binary(), "top", "--admin", server.admin_url, *arguments]
        started.append(Terminal(command, **options))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def loaded(server: Any) -> Server:
    """A server that has answered a few requests."""
    one = server(ROUTES, BAD)
    for _ in range(20):
        assert one.get("/json").status == 200
        assert one.get("/fib/10").status == 200
    assert one.get("/bad").status == 500
    return one


def row(screen: str, *words: str) -> list[str]:
    """The cells of the first line that begins with those words; nothing: there is none."""
    for line in screen.splitlines():
        cells = line.split()
        if cells[: len(words)] == list(words):
            return cells
    return []


def totals(screen: str, route: str) -> int:
    """Requests of all arms of a route."""
    return sum(int(line.split()[-2]) for line in screen.splitlines() if line.startswith(route))


def test_routes_workers_and_experiments_are_shown(loaded: Server, top: Any) -> None:
    screen = top(loaded)
    shown = screen.wait_for(lambda text: totals(text, "/json") == 20 and totals(text, "fib") == 20)
    assert f"pid {loaded.pid}" in shown and "1 of 1 ready" in shown
    assert row(shown, "/json", "cpp")[2:5] == ["native", "50", "%"]
    # What was before somebody looked is not recent.
    screen.wait_for(lambda text: loaded.get("/bad").status == 500 and row(text, "/bad")[-4:-2] == ["100", "%"])
    screen.type("2")
    worker = row(screen.wait_for(lambda text: row(text, "python", "1")), "python", "1")
    assert worker[3] == "ready" and int(worker[2]) > 1
    screen.type("3")
    screen.wait_for(lambda text: row(text, "fib-port", "cpp") and row(text, "fib-port", "py", "50", "%", "running"))


def test_a_change_of_weights_is_seen_and_told_by_the_audit(loaded: Server, top: Any) -> None:
    screen = top(loaded)
    screen.wait_for(lambda text: row(text, "fib", "cpp", "native", "50", "%"))
    run("weights", "fib", "cpp=100%", "--reason", "all \x1b[31mof it", "--admin", loaded.admin_url)
    screen.wait_for(lambda text: row(text, "fib", "cpp", "native", "100", "%"))
    screen.type("7")
    shown = screen.wait_for("all ?[31mof it")  # what a terminal would obey is taken out
    assert shown.index("1 > 2") < shown.index("0 > 1"), "the newest comes first"


def test_requests_and_stacks_are_asked_for_when_looked_at(server: Any, top: Any, tmp_path: Any) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waiting = f"def handle(request):\n    open({str(gate)!r}).read()\n    return 'done'\n"
    one = server([{"path": "/wait", "python": "waiting:handle", "timeout": "60s"}], {"waiting": waiting})
    client = one.connect()
    client.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    screen = top(one)
    screen.wait_for("/wait")
    screen.type("5")
    screen.wait_for(lambda text: "running" in text and "waiting:handle" in text)
    screen.type("6")
    screen.wait_for("waiting.py")
    with open(gate, "w"):
        pass
    assert client.read().status == 200
    screen.type("5")
    screen.wait_for("no requests at the workers")


def test_differences_are_shown_with_both_answers(server: Any, top: Any) -> None:
    routes = [
        {
            "path": "/sum",
            "name": "sum",
            "arms": {"old": {"python": "sums:old", "weight": 100}, "new": {"python": "sums:new", "weight": 0}},
            "experiment": {"id": "sums", "control": "old", "shadow": {"candidate": "new", "sample": 1}},
        }
    ]
    modules = {"sums": "def old(request):\n    return {'sum': 3}\n\ndef new(request):\n    return {'sum': 4}\n"}
    one = server(routes, modules)
    screen = top(one)
    screen.type("4")
    screen.wait_for("no answers differ")
    assert one.get("/sum").status == 200
    found = row(screen.wait_for(lambda text: row(text, "sums", "new")), "sums", "new")
    assert found[3] == "$.sum" and found[-4:-2] == ["3", "4"]


def test_keys_sort_filter_scroll_and_help(loaded: Server, top: Any) -> None:
    screen = top(loaded, rows=8)
    screen.wait_for(lambda text: row(text, "/json", "cpp"))
    first = lambda text: text.splitlines()[4].split()[:2]  # noqa: E731
    assert first(screen.text()) == ["/json", "cpp"]
    assert "rows 1 to 3 of 5" in screen.text()
    screen.type("\x1b[4~")  # End of a Linux console
    screen.wait_for("rows 3 to 5 of 5")
    screen.type("k")
    screen.wait_for("rows 2 to 4 of 5")
    screen.type("\x1b[1~")
    screen.wait_for("rows 1 to 3 of 5")
    screen.type("s")
    screen.wait_for(lambda text: first(text)[0] == "/bad")
    screen.type("r")
    screen.wait_for(lambda text: first(text)[0] == "fib")
    screen.type("/JSO")
    screen.wait_for(lambda text: "filter: JSO" in text and not row(text, "fib"))
    screen.type("\x7fO\r")
    shown = screen.wait_for('only "JSO"')
    assert row(shown, "/json", "py") and not row(shown, "/bad")
    screen.type("\x1b")
    screen.wait_for(lambda text: first(text)[0] == "fib")
    screen.type("?")
    screen.wait_for("the other way round")
    screen.type(" ")
    screen.wait_for(lambda text: first(text)[0] == "fib")
    screen.type("\t")
    screen.wait_for("GIL WAIT")


def test_another_size_is_drawn_anew(loaded: Server, top: Any) -> None:
    screen = top(loaded)
    screen.wait_for(lambda text: row(text, "/bad"))
    screen.resize(7, 40)
    screen.wait_for("rows 1 to 2 of 5") 
    assert len(screen.lines()) == 7 and all(len(line) <= 40 for line in screen.lines())
    screen.resize(1, 1)
    screen.resize(40, 160)
    screen.wait_for(lambda text: row(text, "/bad") and "PATH" in text)


@pytest.mark.parametrize("leave", ["q", "\x03", "SIGTERM", "SIGHUP"])
def test_the_terminal_is_left_as_it_was(loaded: Server, top: Any, leave: str) -> None:
    screen = top(loaded)
    screen.wait_for("/json")
    assert not screen.is_as_before(), "no echo, no cursor while it runs"
    if leave.startswith("SIG"):
        screen.process.send_signal(getattr(signal, leave))
    else:
        screen.type(leave)
    assert screen.wait() == 0
    assert screen.is_as_before()
    assert screen.error() == ""


def test_a_server_that_goes_away_is_waited_for(server: Any, top: Any) -> None:
    first = server(ROUTES[:1], stop_check=False)
    screen = top(first)
    screen.wait_for("/json")
    first.process.send_signal(signal.SIGSTOP)
    screen.wait_for("no news for")
    first.process.send_signal(signal.SIGCONT)
    screen.wait_for(lambda text: "no news for" not in text)
    host, port = first.admin_address
    first.kill()
    screen.wait_for("trying again")
    second = server([{"path": "/other", "native": "plaintext"}], admin={"listen": f"{host}:{port}"})
    shown = screen.wait_for("/other")
    assert f"pid {second.pid}" in shown and "/json" not in shown


def test_without_a_terminal_it_prints_once(loaded: Server) -> None:
    result = run("top", "--admin", loaded.admin_url)
    assert (result.returncode, result.stderr) == (0, "")
    assert totals(result.stdout, "/json") == 20
    assert row(result.stdout, "python", "1")[3] == "ready"
    assert row(result.stdout, "fib-port", "py", "50", "%", "running")
    assert "\x1b" not in result.stdout


def test_once_prints_on_a_terminal_too(loaded: Server, top: Any) -> None:
    screen = top(loaded, "--once")
    assert screen.wait() == 0
    assert row(screen.text(), "fib-port", "py") and screen.is_as_before()


def test_the_token_is_sent_and_asked_for(server: Any, top: Any, tmp_path: Any) -> None:
    (tmp_path / "token").write_text("let-me-read-this-please")
    one = server(ROUTES[:1], admin={"read_token_file": str(tmp_path / "token")})
    refused = top(one)
    assert refused.wait() == 1 and refused.is_as_before()
    assert "401 Unauthorized" in refused.error()
    assert run("top", "--once", "--admin", one.admin_url).returncode == 1
    top(one, TANDEM_ADMIN_TOKEN="let-me-read-this-please").wait_for("/json")


def test_nobody_there_is_an_error_of_one_line() -> None:
    result = run("top", "--admin", "127.0.0.1:1")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("tandem: no server answers at http://127.0.0.1:1 (") and result.stderr.count("\n") == 1


def test_a_peer_that_is_no_admin_side_is_refused(loaded: Server) -> None:
    result = run("top", "--admin", "http://%s:%d" % loaded.address)
    assert result.returncode == 1
    assert "/api/v1/events was answered 404 Not Found" in result.stderr


def test_an_unknown_terminal_is_an_error(loaded: Server, top: Any) -> None:
    screen = top(loaded, TERM="no-such-terminal")
    assert screen.wait() == 1 and screen.is_as_before()
    assert "set TERM, or use --once" in screen.error()


def test_a_unix_socket_and_another_locale_will_do(server: Any, top: Any, tmp_path: Any) -> None:
    one = server([{"path": "/straße", "native": "plaintext"}], admin={"listen": f"unix:{tmp_path}/admin"})
    screen = Terminal([binary(), "top", "--admin", f"unix:{tmp_path}/admin"], LC_ALL="C")
    try:
        screen.wait_for("/straße")
    finally:
        screen.close()
