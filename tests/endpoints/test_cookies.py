import pytest


@pytest.mark.parametrize(
    ("field", "lines"),
    [
        ("a=1", ["a=1"]),
        ("a=1; b=two; c=", ["a=1", "b=two", "c="]),
        (" a = 1 ;b=2;;", ["a=1", "b=2"]),
        ("a=1; b=2; a=3", ["a=3", "b=2"]),
        ("eq=a=b=c", ["eq=a=b=c"]),
        ("no-equals; a=1", ["a=1"]),
        ("=value; a=1", ["a=1"]),
        ("utf=\xc3\xa9", ["utf=\xc3\xa9"]),
    ],
)
def test_lists_names_and_values(arm, field, lines):
    answer = arm.get("/cookies", [("Cookie", field)])
    assert (answer.status, answer.type) == (200, "text/plain; charset=utf-8")
    assert answer.body.decode("latin-1").split("\n") == [*lines, ""]


def test_fields_are_joined(arm):
    answer = arm.get("/cookies", [("Cookie", "a=1"), ("Cookie", "b=2")])
    assert answer.text == "a=1\nb=2\n"


def test_without_cookies_the_answer_is_empty(arm):
    answer = arm.get("/cookies")
    assert (answer.status, answer.body, answer.get("content-length")) == (200, b"", "0")


@pytest.mark.parametrize("field", ['q="a b"', 'q="\\"x\\""', 'q="', 'q="a;b"'])
def test_quotes_are_treated_alike(both, field):
    cpp, py = (arm.get("/cookies", [("Cookie", field)]) for arm in both)
    assert cpp.body == py.body
