import pytest

from support.client import request_bytes


def tick(number, count):
    return f'event: tick\nid: {number}\ndata: {{"n":{number},"of":{count}}}\n\n'.encode()


@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_gives_that_many_events(arm, count):
    answer = arm.get(f"/events/{count}?interval=0")
    assert (answer.status, answer.type) == (200, "text/event-stream")
    assert (answer.get("Cache-Control"), answer.get("X-Accel-Buffering")) == ("no-store", "no")
    assert answer.body == b"".join(tick(number, count) for number in range(1, count + 1))


def test_both_arms_send_the_same_head(both):
    heads = [
        [field for field in one.get("/events/2?interval=1").fields if field[0] not in ("Date", "X-Request-Id", "Tandem-Arm")] for one in both
    ]
    assert heads[0] == heads[1]


def test_each_event_comes_by_itself(arm, demo):
    with demo.connect() as connection:
        connection.send(request_bytes("GET", "/events/2?interval=60000", {"Tandem-Arm": arm.name}))
        assert connection.read_head().status == 200
        assert next(connection.read_chunks()) == tick(1, 2)
        connection.abort()
    assert arm.get("/events/1").body == tick(1, 1)


@pytest.mark.parametrize("count", ["10001", "-1", "many"])
def test_other_counts_are_refused(arm, count):
    problem = arm.get(f"/events/{count}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "n must be a whole number from 0 to 10000"


@pytest.mark.parametrize("interval", ["60001", "-1", "", "1.5"])
def test_other_intervals_are_refused(arm, interval):
    problem = arm.get(f"/events/1?interval={interval}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "interval must be a whole number from 0 to 60000"
