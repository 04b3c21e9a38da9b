"""Large bodies: GET /download streams 100 MB in pieces of 64 KiB, POST /upload counts what comes, in three ways to write it."""

PIECE = b"0123456789abcdef" * 4096
PIECES = 1526  # 100 MB
SIZE = PIECES * len(PIECE)


async def asgi(scope, receive, send):
    if scope["path"] == "/download":
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", str(SIZE).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(PIECES):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    count, more = 0, True
    while more:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(count).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/download":
        start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(SIZE))])
        return (PIECE for _ in range(PIECES))
    count = 0
    while piece := environ["wsgi.input"].read(65536):
        count += len(piece)
    body = str(count).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def download():
    for _ in range(PIECES):
        yield PIECE


async def upload(request):
    count = 0
    async for piece in request.stream():
        count += len(piece)
    return str(count)
