"""The comparison itself: it finds what differs, and every difference that is accepted is explained."""

from __future__ import annotations

import re

from accepted import names, unexplained
from support.client import Answer
from support.server import SOURCE
from support.sessions import Player, Step, differences


def test_each_accepted_difference_has_its_paragraph() -> None:
    headings = re.findall(r"^### (.+)$", (SOURCE / "docs" / "compatibility.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(names())


def found(**changes: object) -> list[str]:
    before: dict[str, object] = {"label": "GET /", "status": 200, "reason": "OK", "fields": [("x-a", "1"), ("x-a", "2")], "body": b"one"}
    return [one.what for one in unexplained(differences([Step(**before)], [Step(**before | changes)]))]  # type: ignore[arg-type]


def test_everything_is_compared() -> None:
    assert found() == []
    assert found(status=201) == ["status"]
    assert found(body=b"two") == ["body"]
    assert found(body=b"one ") == ["body"]
    assert found(complete=False) == ["complete"]
    assert found(interim=[103]) == ["interim"]
    assert found(fields=[("x-a", "1")]) == ["x-a"]
    assert found(fields=[("x-a", "2"), ("x-a", "1")]) == ["x-a"]
    assert found(fields=[("x-a", "1"), ("x-a", "2"), ("x-b", "")]) == ["x-b"]
    assert found(label="GET /other") == ["label"]


def test_accepted_differences_stay_within_their_bounds() -> None:
    length = [("content-length", "3")]
    assert found(reason="Fine", fields=[("x-a", "1"), ("x-a", "2"), ("server", "tandem"), ("transfer-encoding", "chunked")]) == []
    one, other = Step("GET /", 200, fields=length), Step("GET /", 200, fields=[("content-length", "4")])
    assert [difference.what for difference in unexplained(differences([one], [other]))] == ["content-length"]
    refused = Step("GET /a", 400, fields=[("content-type", "application/problem+json")], body=b'{"code":"http.bad_target"}')
    assert unexplained(differences([Step("GET /a", 200)], [refused]))


def test_what_changes_at_every_run_is_replaced() -> None:
    player = Player(None)
    fields = [
        ("Set-Cookie", "session=eyJhIjogMX0=.YyZz.sig; path=/; Max-Age=9"),
        ("Set-Cookie", "csrftoken=abc; expires=Mon, 23 Nov 2026 05:00:00 GMT; Path=/"),
        ("Allow", "POST, GET"),
        ("ETag", '"now"'),
    ]
    player.record("step", Answer(200, "OK", "HTTP/1.1", fields, b"body"), mask=["etag"])
    assert player.steps[0].fields == [
        ("set-cookie", 'session=<signed {"a": 1}>; path=/; Max-Age=9'),
        ("set-cookie", "csrftoken=<token>; expires=<time>; Path=/"),
        ("allow", "GET, POST"),
        ("etag", "<masked>"),
    ]
    assert player.jar == {"session": "eyJhIjogMX0=.YyZz.sig", "csrftoken": "abc"}
