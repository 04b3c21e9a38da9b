"""Requests of very different length: /sleep/MS holds its worker for that many milliseconds, in three ways to write the same.

time.sleep stands for what blocks: a database driver, a request to another service, a file. In the coroutine it is the mistake
that people make, and what any long computation does there.
"""

import time

BODY = b"slept"


def _sleep(path):
    time.sleep(int(path.rpartition("/")[2]) / 1000)


async def asgi(scope, receive, send):
    _sleep(scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": BODY})


def wsgi(environ, start_response):
    _sleep(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", "5")])
    return [BODY]


def function(request):
    _sleep(request.path)
    return BODY
