"""Access log lines, JSON logs, request ids, Server-Timing."""

import json
import re

import pytest

from support.demo import twin

ROUTES = [twin("/json", "json", "json_hello"), {"path": "/plaintext", "native": "plaintext"}, twin("/delay/{ms}", "delay", "delay")]


def test_one_line_a_request(server):
    one = server(ROUTES)
    one.get("/plaintext?q=1", {"X-Request-Id": "line-1"})
    line = one.log.wait_for(r".*/plaintext\?q=1.*")[0]
    assert "GET" in line and "200" in line and "127.0.0.1" in line


def test_the_access_log_can_be_off(server):
    one = server(ROUTES, log={"access": False})
    one.get("/plaintext?quiet")
    one.stop()
    assert "/plaintext?quiet" not in one.log.text()


def test_clients_can_not_forge_lines(server):
    one = server(ROUTES)
    one.get("/plaintext?\xff", {"User-Agent": "agent"})  # refused, and the log must not carry the byte
    one.get("/plaintext?%1b%0a", {"User-Agent": 'x" 200 \t \xff\x9b31m'})
    one.log.wait_for("/plaintext")
    one.stop()
    assert one.log.count(r"%1b%0a") == 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c == "\ufffd" for line in one.log.all() for c in line)


def test_json_logs_are_one_object_a_line(server):
    one = server(ROUTES, log={"format": "json"}, pin="open")
    one.get("/json", {"Tandem-Arm": "py", "X-Request-Id": "json-1", "User-Agent": 'quote " and \\ and \xe9'})
    line = one.log.wait_for(r".*json-1.*")[0]
    one.stop()
    lines = [json.loads(text) for text in one.log.all() if text]
    assert all(isinstance(document, dict) for document in lines)
    record = json.loads(line)
    assert record["status"] == 200
    assert record["arm"] == "py"
    assert record["method"] == "GET"


def test_a_log_file(server, tmp_path):
    file = tmp_path / "tandem.log"
    one = server(ROUTES, log={"file": str(file)})
    one.get("/plaintext?in-file")
    one.stop()
    assert "/plaintext?in-file" in file.read_text()


@pytest.mark.parametrize("given", ["abc-123", "A.b_C:9", "x" * 64])
def test_a_sane_request_id_is_taken(server, given):
    one = server(ROUTES)
    assert one.get("/nowhere", {"X-Request-Id": given}).json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "with space", "x" * 65, 'quo"te', "sl\\ash", "n\xe9"])
def test_any_other_is_replaced(server, given):
    one = server(ROUTES)
    made = [one.get("/nowhere", {"X-Request-Id": given}).json()["request_id"] for _ in range(2)]
    assert made[0] and made[0] != given
    assert made[0] != made[1]


@pytest.mark.parametrize("arm", ["cpp", "py"])
def test_server_timing_when_asked_for(server, arm):
    one = server(ROUTES, server_timing=True, pin="open")
    timing = one.get("/delay/50", {"Tandem-Arm": arm}).get("server-timing")
    durations = {name: float(value) for name, value in re.findall(r"(\w+);dur=([0-9.]+)", timing)}
    assert set(durations) == {"queue", "handler", "total"} | ({"gil"} if arm == "py" else set())
    assert durations["total"] >= 49


def test_no_server_timing_unless_asked_for(server):
    assert server(ROUTES).get("/json").get("server-timing") is None


def test_the_banner_tells_where_and_what_to_try(server):
    one = server(ROUTES)
    text = one.out.text() + one.log.text()
    assert "http://%s:%d" % one.address in text
    assert "http://%s:%d" % one.admin_address in text
    assert "curl" in text
