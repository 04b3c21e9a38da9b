import pytest


@pytest.mark.parametrize(
    ("target", "body", "total"),
    [
        ("/baseline?a=13&b=42", None, "55"),
        ("/baseline?a=13&b=42", b"20", "75"),
        ("/baseline?b=-50", b" -7\r\n", "-57"),
        ("/baseline", None, "0"),
        ("/baseline?a=1&a=100", None, "1"),
        ("/baseline?%61=%31%32", None, "12"),
        ("/baseline?a=999999999999999&b=999999999999999", b"999999999999999", "2999999999999997"),
        ("/baseline?a=-0", None, "0"),
    ],
)
def test_adds_up(arm, target, body, total):
    answer = arm.request("POST" if body else "GET", target, {}, body)
    assert (answer.status, answer.type, answer.text) == (200, "text/plain; charset=utf-8", total)


def test_a_chunked_body_counts(arm):
    assert arm.post("/baseline?a=1&b=2", None, chunks=[b"2", b"0"]).text == "23"


@pytest.mark.parametrize(
    ("target", "body", "name"),
    [
        ("/baseline?a=x", None, "a"),
        ("/baseline?a=", None, "a"),
        ("/baseline?b=1.5", None, "b"),
        ("/baseline?b=%FF", None, "b"),
        ("/baseline?a=+1", None, "a"),
        ("/baseline?a=1000000000000000", None, "a"),
        ("/baseline?a=1", b"one", "the body"),
        ("/baseline?a=1", b"- 1", "the body"),
    ],
)
def test_other_terms_are_refused(arm, target, body, name):
    problem = arm.request("POST" if body else "GET", target, {}, body).problem(400, "endpoint.bad_argument")
    assert problem["detail"] == f"{name} must be a whole number of at most 15 digits"
