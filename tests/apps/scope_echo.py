"""Tells the ASGI scope it is given, for every connection, and what the lifespan's was."""

from __future__ import annotations

import json
from typing import Any, Dict

LIFESPAN: Dict[str, Any] = {}


def told(value: Any) -> Any:
    if isinstance(value, bytes):
        return ["bytes", value.decode("latin-1")]
    if isinstance(value, dict):
        return {key: told(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(told, value)]
    if value is None or isinstance(value, (str, int)):
        return value
    return repr(type(value))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        LIFESPAN.update(told(scope))
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    document = {"scope": told(scope), "lifespan": LIFESPAN}
    if scope["type"] == "websocket":
        document["first"] = told(await receive())
        await send({"type": "websocket.accept", "headers": [(b"x-from", b"the application")]})
        await send({"type": "websocket.send", "text": json.dumps(document)})
        document = {"next": told(await receive())}
        if document["next"]["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": json.dumps(document)})
        return
    messages = []
    while True:
        message = await receive()
        messages.append([sorted(message), message["type"]])
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    document["last"] = messages[-1]
    body = json.dumps(document).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})
