"""Says back what it hears: the ASGI twin of handlers/websocket_echo.cpp."""

SPOKEN = ("echo", "tandem.echo")  # best first


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 426, "headers": [(b"upgrade", b"websocket")]})
        await send({"type": "http.response.body"})
        return
    await receive()  # websocket.connect
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": next((name for name in SPOKEN if name in offered), None)})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
