import time

import pytest

from support.client import request_bytes


def test_waits_at_least_that_long(arm):
    before = time.monotonic()
    answer = arm.get("/delay/150")
    assert time.monotonic() - before >= 0.149
    assert (answer.status, answer.type, answer.body) == (200, "application/json", b'{"delay_ms":150}')


def test_no_delay_at_all(arm):
    assert arm.get("/delay/0").body == b'{"delay_ms":0}'


@pytest.mark.parametrize("ms", ["60001", "-1", "1.5", "soon"])
def test_other_delays_are_refused(arm, ms):
    problem = arm.get(f"/delay/{ms}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "ms must be a whole number from 0 to 60000"


def test_many_wait_at_once(arm, demo):
    """Sixty waits on sixty connections take one wait's time and not sixty: none holds a thread."""
    connections = [demo.connect() for _ in range(60)]
    before = time.monotonic()
    for connection in connections:
        connection.send(request_bytes("GET", "/delay/1000", {"Tandem-Arm": arm.name}))
    answers = [connection.read() for connection in connections]
    elapsed = time.monotonic() - before
    for connection in connections:
        connection.close()
    assert {answer.status for answer in answers} == {200}
    assert elapsed < 60  # one after the other would be sixty seconds
