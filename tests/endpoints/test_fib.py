import pytest


@pytest.mark.parametrize(("n", "value"), [(0, 0), (1, 1), (2, 1), (10, 55), (90, 2880067194370816120), ("007", 13)])
def test_counts_as_fibonacci_did(arm, n, value):
    answer = arm.get(f"/fib/{n}")
    assert (answer.status, answer.type) == (200, "application/json")
    assert answer.text == f'{{"n":{int(n)},"fib":{value}}}'


@pytest.mark.parametrize("n", ["91", "-1", "x", "1_0", "1.0", "%20", "+1", "99999999999999999999999", "%D9%A3", "0x1"])
def test_other_arguments_are_refused(arm, n):
    problem = arm.get(f"/fib/{n}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "n must be a whole number from 0 to 90"
    assert problem["title"] == "Bad Request"
    assert problem["request_id"]
