"""The chat over WebSockets."""

from __future__ import annotations

from starlette.endpoints import WebSocketEndpoint
from starlette.websockets import WebSocket, WebSocketDisconnect


async def chat(socket: WebSocket) -> None:
    """Everybody in the room hears what one says. "/who" asks who is there, "/leave" leaves."""
    room = socket.state.rooms.room(socket.path_params["room"])
    name = socket.query_params.get("name") or socket.session.get("name")
    if not name:
        await socket.close(4003)
        return
    await socket.accept()
    room.members[socket] = name
    await room.say(f"{name} came")
    try:
        async for text in socket.iter_text():
            if text == "/who":
                await socket.send_json({"members": sorted(room.members.values())})
            elif text == "/leave":
                await socket.close(1000)
                break
            else:
                await room.say(f"{name}: {text}")
    except WebSocketDisconnect:
        pass
    finally:
        del room.members[socket]
        await room.say(f"{name} went")


class Echo(WebSocketEndpoint):
    """Bytes come back as they are."""

    encoding = "bytes"

    async def on_receive(self, websocket: WebSocket, data: bytes) -> None:
        await websocket.send_bytes(data)
