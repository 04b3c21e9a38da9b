"""Who the client is behind a proxy that is trusted, and behind one that is not."""

import json

import pytest

from support.websocket import WebSocket

SEES = '''
    import json

    def function(request):
        return {"client": request.client}

    async def asgi(scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": json.dumps([scope["scheme"], scope["client"]])})
            return
        host = dict(scope["headers"])[b"host"].decode()
        body = json.dumps([scope["scheme"], scope["client"], host]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    def wsgi(environ, start_response):
        start_response("200 OK", [])
        names = ("wsgi.url_scheme", "REMOTE_ADDR", "SERVER_NAME")
        return [json.dumps([environ[name] for name in names]).encode()]
'''
ROUTES = [
    {"path": "/function", "python": "sees:function"},
    {"path": "/asgi", "asgi": "sees:asgi"},
    {"path": "/wsgi", "wsgi": "sees:wsgi"},
]
FIELDS = {"X-Forwarded-For": "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}
RFC_7239 = {"Forwarded": 'for="[2001:db8::9]:4711";proto=https;host=shop.example'}


@pytest.fixture
def trusting(server):
    return server(ROUTES, {"sees": SEES}, trusted_proxies=["127.0.0.0/8"])


def test_a_trusted_proxy_is_believed(trusting):
    assert trusting.get("/function", FIELDS).json()["client"][0] == "203.0.113.9"
    assert trusting.get("/asgi", FIELDS).json()[:2] == ["https", ["203.0.113.9", 0]]
    assert trusting.get("/wsgi", FIELDS).json()[:2] == ["https", "203.0.113.9"]
    trusting.log.wait_for(r'203\.0\.113\.9 "GET /function ')


def test_forwarded_of_the_rfc(trusting):
    assert trusting.get("/function", RFC_7239).json()["client"][0] == "2001:db8::9"
    assert trusting.get("/asgi", RFC_7239).json()[:2] == ["https", ["2001:db8::9", 4711]]


def test_a_websocket_too(trusting):
    with WebSocket(trusting.address, "/asgi", FIELDS) as socket:
        assert json.loads(socket.read()) == ["wss", ["203.0.113.9", 0]]


def test_the_next_request_of_the_connection_is_its_own(trusting):
    with trusting.connect() as connection:
        assert connection.get("/function", FIELDS).json()["client"][0] == "203.0.113.9"
        assert connection.get("/function").json()["client"][0] == "127.0.0.1"


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"], ["unix"], ["::1"]])
def test_nobody_else_is(server, trusted):
    one = server(ROUTES[:2], {"sees": SEES}, trusted_proxies=trusted)
    for fields in (FIELDS, RFC_7239):
        assert one.get("/function", fields).json()["client"][0] == "127.0.0.1"
        assert one.get("/asgi", fields).json()[0] == "http"


def test_a_unix_socket_is_trusted_by_name(server, tmp_path):
    one = server(ROUTES[:1], {"sees": SEES}, listen=[f"unix:{tmp_path}/front.sock"], trusted_proxies=["unix"])
    assert one.get("/function", FIELDS).json()["client"][0] == "203.0.113.9"
    assert one.get("/function").json()["client"] is None


def test_a_reload_changes_who_is_trusted(server):
    one = server(ROUTES[:1], {"sees": SEES})
    for trusted, client in ((["127.0.0.1"], "203.0.113.9"), (["10.0.0.1"], "127.0.0.1"), ([], "127.0.0.1")):
        one.change_config(trusted_proxies=trusted)
        assert one.reload().status == 200
        assert one.get("/function", FIELDS).json()["client"][0] == client
