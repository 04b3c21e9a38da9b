"""Interim responses: 103 Early Hints of an ASGI application."""

HINTS = '''
    async def app(scope, receive, send):
        assert "http.response.early_hint" in scope["extensions"]
        for name in (b"</a.css>; rel=preload", b"</b.js>; rel=preload"):
            await send({"type": "http.response.early_hint", "links": [name]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"the answer"})
'''


def test_early_hints_come_before_the_answer(server):
    one = server([{"path": "/", "asgi": "hints:app"}], {"hints": HINTS})
    with one.connect() as connection:
        for _ in range(2):
            connection.send(b"GET / HTTP/1.1\r\nHost: tandem.test\r\n\r\n")
            hints = [connection.read_head() for _ in range(2)]
            assert [(hint.status, hint.reason, hint.fields) for hint in hints] == [
                (103, "Early Hints", [("Link", "</a.css>; rel=preload")]),
                (103, "Early Hints", [("Link", "</b.js>; rel=preload")]),
            ]
            answer = connection.read()
            assert (answer.status, answer.text) == (200, "the answer")


def test_http_1_0_gets_the_answer_alone(server):
    one = server([{"path": "/", "asgi": "hints:app"}], {"hints": HINTS})
    answer = one.get("/", version="HTTP/1.0", host=None)
    assert (answer.status, answer.interim, answer.text) == (200, [], "the answer")
