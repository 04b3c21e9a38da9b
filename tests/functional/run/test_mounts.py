"""Applications under a prefix, beside C++ routes and Python functions in one table."""

import pathlib

import pytest

SHOP = pathlib.Path(__file__).with_name("applications.py").read_text()
FUNCTIONS = "def hello(request):\n    return request.path_params['name']\n"


@pytest.fixture(params=["process", "thread"])
def table(server, request):
    return server(
        [
            {"path": "/asgi/*", "asgi": "shop:asgi"},
            {"path": "/wsgi/{rest*}", "wsgi": "shop:wsgi"},
            {"path": "/tenants/{name}/*", "asgi": "shop:asgi"},
            {"path": "/caf%C3%A9/*", "asgi": "shop:asgi"},
            {"path": "/asgi/health", "native": "plaintext"},
            {"path": "/asgi/hello/{name}", "python": "functions:hello"},
            {"path": "/functions/*", "native": "plaintext"},
            {"path": "/whole", "wsgi": "shop:wsgi"},
        ],
        {"shop": SHOP, "functions": FUNCTIONS},
        python={"mode": request.param},
    )


def place(server, target):
    seen = server.get(target).json()
    return seen["root_path"], seen["path"]


def test_an_asgi_application_hears_its_prefix(table):
    # The whole path, or what follows the root path: which of them depends on the version of Starlette.
    for target in ("/asgi/items/7", "/asgi/", "/asgi"):
        root_path, path = place(table, target)
        assert root_path == "/asgi"
        assert root_path + path.removeprefix(root_path) == target


def test_a_wsgi_application_hears_its_prefix(table):
    assert place(table, "/wsgi/items/7") == ("/wsgi", "/items/7")
    assert place(table, "/wsgi/") == ("/wsgi", "/")
    assert place(table, "/wsgi") == ("/wsgi", "")


def test_a_parameter_may_be_part_of_the_prefix(table):
    assert place(table, "/tenants/acme/x")[0] == "/tenants/acme"
    assert place(table, "/tenants/a%20b/x")[0] == "/tenants/a b"
    assert table.get("/tenants").status == 404


def test_the_prefix_is_decoded(table):
    assert place(table, "/caf%C3%A9/a%2Fb")[0] == "/café"
    assert place(table, "/%61sgi/x")[0] == "/asgi"


def test_other_routes_go_first(table):
    assert table.get("/asgi/health").text == "Hello, World!"
    assert table.get("/asgi/hello/Ada").text == "Ada"
    assert place(table, "/asgi/hello/Ada/more")[0] == "/asgi"
    assert table.post("/asgi/health").json()["interface"] == "asgi"  # the C++ route answers GET


def test_a_path_without_a_rest_mounts_nothing(table):
    assert place(table, "/whole") == ("", "/whole")
    assert table.get("/whole/").status == 404


def test_a_function_does_not_answer_its_bare_prefix(table):
    assert table.get("/functions").status == 404
    assert table.get("/functions/").status == 200


def test_a_root_path_stands_before_the_prefix(server):
    one = server(
        [
            {"path": "/asgi/*", "asgi": {"endpoint": "shop:asgi", "root_path": "/api"}},
            {"path": "/wsgi/*", "wsgi": {"endpoint": "shop:wsgi", "root_path": "/api"}},
        ],
        {"shop": SHOP},
    )
    assert place(one, "/asgi/x")[0] == "/api/asgi"
    assert place(one, "/wsgi/x") == ("/api/wsgi", "/x")


def test_pools_of_their_own(server, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "shop.py").write_text(SHOP.replace('interface="asgi"', 'interface="another shop"'))
    one = server(
        [
            {"path": "/a/*", "asgi": "shop:asgi"},
            {"path": "/b/*", "asgi": "shop:asgi", "pool": "other"},
        ],
        {"shop": SHOP},
        pools={"other": {"path": [str(tmp_path / "other")], "workers": 1, "environment": {"SHOP_COLOUR": "red"}}},
    )
    a, b = one.get("/a/").json(), one.get("/b/").json()
    assert (a["interface"], b["interface"]) == ("asgi", "another shop")
    assert a["pid"] != b["pid"]
    assert (a["environment"], b["environment"]) == ({}, {"SHOP_COLOUR": "red"})
