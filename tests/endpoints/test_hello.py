import pytest


def test_greets_by_name(arm):
    answer = arm.get("/hello/Ada")
    assert (answer.status, answer.type, answer.body) == (200, "application/json", b'{"message":"Hello, Ada!"}')


@pytest.mark.parametrize(
    ("encoded", "json_text"),
    [
        ("Z%C3%BCrich", '"Hello, Zürich!"'),
        ("a%2Fb", '"Hello, a/b!"'),
        ("%22%5C", '"Hello, \\"\\\\!"'),
        ("%09%0A%1F%7F", '"Hello, \\t\\n\\u001f\x7f!"'),
        ("%F0%9F%98%80", '"Hello, \U0001f600!"'),
        ("a+b", '"Hello, a+b!"'),
    ],
)
def test_names_are_percent_decoded(arm, encoded, json_text):
    answer = arm.get(f"/hello/{encoded}")
    assert answer.text == f'{{"message":{json_text}}}'


@pytest.mark.parametrize("encoded", ["%FF", "%C3", "a%E2%82b", "%ED%A0%80", "%F0%9F%98", "%C0%AF"])
def test_what_is_not_utf8_becomes_the_replacement_character(both, encoded):
    cpp, py = (arm.get(f"/hello/{encoded}") for arm in both)
    assert "\ufffd" in cpp.text
    assert (cpp.status, cpp.type, cpp.body) == (py.status, py.type, py.body)
