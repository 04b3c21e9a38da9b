"""Small applications that tell what they were given, for tests of how they are hosted."""

import json
import os
import sys


def facts(**more):
    return json.dumps(more | {"pid": os.getpid(), "argv": sys.argv, "cwd": os.getcwd(), "prefix": sys.prefix}).encode()


started = []  # lifespan events


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        started.append(await receive())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    if scope["type"] != "http":
        return
    environment = {name: value for name, value in os.environ.items() if name.startswith("SHOP_")}
    body = facts(
        interface="asgi",
        path=scope["path"],
        root_path=scope["root_path"],
        environment=environment,
        client=scope["client"],
        scheme=scope["scheme"],
        started=len(started),
    )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ, start_response):
    body = facts(
        interface="wsgi",
        path=environ["PATH_INFO"],
        root_path=environ["SCRIPT_NAME"],
        multithread=environ["wsgi.multithread"],
    )
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def make_wsgi():
    return wsgi


def make_asgi(name="asgi", *, loud=False):
    return {"asgi": asgi, "wsgi": wsgi}[name]


class Nested:
    application = staticmethod(wsgi)


app = asgi
