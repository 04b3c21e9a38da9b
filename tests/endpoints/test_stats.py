import json
import random
import struct

import pytest


def test_describes_the_numbers(arm):
    answer = arm.post("/stats", b"[4, 1, 3, 2, 5]", {"Content-Type": "application/json"})
    assert (answer.status, answer.type) == (200, "application/json")
    assert answer.text == '{"count":5,"mean":3.0,"min":1.0,"max":5.0,"stddev":1.4142135623730951,"p50":3.0,"p95":5.0}'


def test_one_number(arm):
    answer = arm.post("/stats", b" [ -0.5 ] ")
    assert answer.text == '{"count":1,"mean":-0.5,"min":-0.5,"max":-0.5,"stddev":0.0,"p50":-0.5,"p95":-0.5}'


def random_bodies():
    chance = random.Random(20)
    yield json.dumps([chance.uniform(-1e3, 1e3) for _ in range(1000)])
    yield json.dumps([chance.randrange(-(10**30), 10**30) for _ in range(50)])
    yield json.dumps([10.0**exponent for exponent in range(-30, 30)])
    yield "[1e16, 1e15, 123456789012345680, 9999999999999998, 1e22, 1e23]"
    yield "[0.0001, 0.00001, 1e-5, 9.999e-5]"
    yield "[5e-324, 2.2250738585072014e-308]"
    yield "[-0, -0.0, 0, 0.0]"
    yield "[18446744073709551615, 18446744073709551616, -9223372036854775809]"
    yield "[9007199254740993, 9007199254740992.5]"


@pytest.mark.parametrize("body", random_bodies())
def test_both_languages_agree_to_the_last_digit(both, body):
    cpp, py = (arm.post("/stats", body.encode()) for arm in both)
    assert cpp.status == 200
    assert (cpp.status, cpp.type, cpp.body) == (py.status, py.type, py.body)


def test_numbers_are_written_as_python_writes_them(both):
    chance = random.Random(21)
    numbers = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(150)]
    for number in numbers:
        if number != number or abs(number) > 1e150:
            continue
        cpp, py = (arm.post("/stats", f"[{number!r}]".encode()) for arm in both)
        assert cpp.body == py.body
        assert f'"min":{number!r},' in cpp.text


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"3", b"[1,]", b"[1", b'["1"]', b"[true]", b"[null]", b"[[1]]", b"[NaN]", b"[Infinity]", b"[1e400]",
        b"[1] x", b"\xef\xbb\xbf[1]", b"[01]", b"[.5]", b"[1.]", b"[" * 100_000, b"[" + b"9" * 400 + b"]", b"\xff", b"[1]\x00",
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_other_bodies_are_refused(arm, body):
    problem = arm.post("/stats", body).problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "the body must be a JSON array of one or more finite numbers"


def test_sums_beyond_a_double_are_refused(arm):
    problem = arm.post("/stats", b"[1.7e308, 1.7e308]").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "the numbers are too large to add up"
