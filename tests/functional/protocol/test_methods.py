"""What a route does with methods and unknown paths."""

import pytest

ROUTES = [
    {"path": "/plain", "native": "plaintext"},
    {"path": "/py", "python": "plaintext:handle"},
    {"path": "/post", "methods": ["POST"], "native": "echo"},
    {"path": "/hello/{name}", "native": "hello"},
    {"path": "/hello/literal", "native": "plaintext"},
    {"path": "/rest/*", "native": "plaintext"},
]


@pytest.fixture
def one(server):
    return server(ROUTES)


def methods(answer):
    return {method.strip() for method in (answer.get("Allow") or "").split(",")}


def test_unknown_paths_are_404(one):
    problem = one.get("/nowhere?secret=1").problem(404, "route.not_found")
    assert problem["request_id"]


@pytest.mark.parametrize("path", ["/plain", "/py"])
def test_wrong_methods_are_405_with_allow(one, path):
    answer = one.post(path, b"x")
    answer.problem(405, "method.not_allowed")
    assert methods(answer) == {"GET", "HEAD", "OPTIONS"}
    assert methods(one.get("/post")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize("method", ["BREW", "get", "GETX"])
def test_unknown_methods_are_501(one, method):
    one.request(method, "/plain").problem(501, "method.not_implemented")


def test_options_lists_what_is_allowed(one):
    answer = one.request("OPTIONS", "/plain")
    assert (answer.status, answer.body) == (204, b"")
    assert methods(answer) == {"GET", "HEAD", "OPTIONS"}


def test_options_of_the_server(one):
    assert one.request("OPTIONS", "*").status in (200, 204)


@pytest.mark.parametrize("path", ["/plain", "/py", "/hello/Ada"])
def test_head_is_get_without_the_body(one, path):
    with one.connect() as connection:
        full = connection.get(path)
        head = connection.request("HEAD", path)
        assert head.body == b""
        for name in ("content-type", "content-length"):
            assert head.get(name) == full.get(name)
        assert connection.get(path).body == full.body  # nothing of a body was left on the connection


def test_head_of_an_error_has_no_body(one):
    with one.connect() as connection:
        assert connection.request("HEAD", "/nowhere").status == 404
        assert connection.get("/plain").text == "Hello, World!"


def test_literal_beats_name_and_slashes_are_kept_apart(one):
    assert one.get("/hello/literal").text == "Hello, World!"
    assert one.get("/hello/%6Citeral").text == "Hello, World!"
    assert one.get("/hello/a%2Fb").json() == {"message": "Hello, a/b!"}
    assert one.get("/hello/a/b").status == 404
    assert one.get("/rest/a/b/c").text == "Hello, World!"


def test_answers_have_a_date(one):
    assert one.get("/plain").get("date").endswith(" GMT")
