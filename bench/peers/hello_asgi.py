"""The hello applications on bare ASGI, without a framework: what Tandem and uvicorn serve in the comparison."""

import asyncio
import json

PLAIN_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]
LARGE = b"0123456789abcdef" * 640  # 10 KiB
LARGE_HEADERS = [(b"content-type", b"application/octet-stream"), (b"content-length", b"10240")]


async def app(scope, receive, send):
    if scope["path"] == "/json":
        body = json.dumps({"message": "Hello, World!"}, separators=(",", ":")).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    else:
        body, headers = b"Hello, World!", PLAIN_HEADERS
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def large(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": LARGE_HEADERS})
    await send({"type": "http.response.body", "body": LARGE})


async def suspended(scope, receive, send):
    """A real suspension: a future that the event loop completes in its next turn, as a database driver's would be."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future
    await send({"type": "http.response.start", "status": 200, "headers": PLAIN_HEADERS})
    await send({"type": "http.response.body", "body": b"Hello, World!"})
