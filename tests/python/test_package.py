"""The `tandem` package outside the server: endpoints can be unit-tested with it."""

import ast
import asyncio
import pathlib

import pytest
import tandem
from tandem import Headers, HTTPError, QueryParams, Request, Response

FOLDER = pathlib.Path(tandem.__file__).parent


def test_an_endpoint_is_called_with_a_stand_in():
    def hello(request: Request):
        return {"message": f"Hello, {request.path_params['name']}!"}

    assert hello(Request(path_params={"name": "Ada"})) == {"message": "Hello, Ada!"}


def test_a_request_made_of_everything():
    request = Request(
        "POST", "/x", query="a=1&a=2&b=%C3%A9+x&c", headers={"Cookie": "k=v; l=w", "X-One": "1"}, body='{"n": 1}', arm="py", shadow=True
    )
    assert (request.method, request.path, request.arm, request.shadow) == ("POST", "/x", "py", True)
    assert dict(request.query_params) == {"a": "1", "b": "é x", "c": ""}
    assert request.query_params.getall("a") == ["1", "2"]
    assert request.cookies == {"k": "v", "l": "w"}
    assert (request.body, request.text, request.json()) == (b'{"n": 1}', '{"n": 1}', {"n": 1})
    assert list(request.stream()) == [b'{"n": 1}']


def test_streams_both_ways():
    async def gather(request):
        return [piece async for piece in request.stream()]

    assert list(Request(body=[b"a", b"b"]).stream()) == [b"a", b"b"]
    assert asyncio.run(gather(Request(body=[b"a", b"b"]))) == [b"a", b"b"]
    assert list(Request().stream()) == []
    with pytest.raises(RuntimeError):
        _ = Request(body=[b"a"]).body


def test_headers_are_case_blind_and_keep_what_was_received():
    headers = Headers([("X-One", "1"), ("x-ONE", "2"), ("Empty", "")])
    assert headers["x-one"] == "1" and headers.get("X-ONE") == "1" and "EMPTY" in headers
    assert headers.getall("x-one") == ["1", "2"]
    assert headers.items() == [("X-One", "1"), ("x-ONE", "2"), ("Empty", "")] and len(headers) == 3
    assert headers.get("none") is None and headers.get("none", "x") == "x"
    assert headers == Headers({"empty": "", "x-one": "2"} and [("x-one", "2"), ("X-One", "1"), ("empty", "")])
    with pytest.raises(KeyError, match="None-Such"):
        headers["None-Such"]


def test_query_params_have_the_first_value():
    query = QueryParams([("a", "1"), ("a", "2")])
    assert query["a"] == "1" and list(query) == ["a"] and query.multi_items() == [("a", "1"), ("a", "2")]
    assert query.getall("b") == [] and "b" not in query


@pytest.mark.parametrize("body", ["{", b"\xff", "[" * 100_000])
def test_bad_json_is_a_value_error_and_a_400(body):
    with pytest.raises(HTTPError) as caught:
        Request(body=body).json()
    assert caught.value.status == 400 and isinstance(caught.value, ValueError)


def test_errors_and_responses_keep_what_they_are_given():
    error = HTTPError(404, "no such item")
    assert (error.status, error.detail, error.code, str(error)) == (404, "no such item", "python.http_error", "404: no such item")
    response = Response("x", 201, {"A": "b"}, "t/x")
    assert (response.body, response.status, response.headers, response.content_type) == ("x", 201, {"A": "b"}, "t/x")


def names_of(path):
    """Public classes and their public members; a method's instance attributes count as members."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        members = set()
        for part in ast.walk(node):
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                members.add(part.name)
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                members.add(part.target.id)
            elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                members.add(part.attr)
        found[node.name] = {name for name in members if not name.startswith("_")}
    return found


def test_the_stub_types_what_there_is():
    source, stub = names_of(FOLDER / "__init__.py"), names_of(FOLDER / "__init__.pyi")
    assert set(source) == set(stub) == set(tandem.__all__)
    for name in stub:
        inherited = set(dir(getattr(tandem, name)))
        assert stub[name] - inherited <= source[name], name
        assert source[name] - stub[name] <= {"get"}, name


def test_the_servers_own_request_has_the_same_attributes():
    source = (FOLDER.parents[1] / "src" / "python" / "request_type.cpp").read_text()
    tables = source[source.index("PyGetSetDef request_attributes[]") : source.index("PyMethodDef body_methods[]")]
    import re

    assert set(re.findall(r'\{"(\w+)"', tables)) == names_of(FOLDER / "__init__.pyi")["Request"]
