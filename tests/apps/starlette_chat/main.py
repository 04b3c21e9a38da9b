"""The chat's application: pages, routes, middleware, lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from typing import Any, AsyncIterator, Dict

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from tests.apps.starlette_chat.rooms import Rooms
from tests.apps.starlette_chat.sockets import Echo, chat

HERE = pathlib.Path(__file__).parent
templates = Jinja2Templates(directory=str(HERE / "templates"))


# --- pages ------------------------------------------------------------------------------------------------------------


async def home(request: Request) -> Response:
    page = {"request": request, "name": request.session.get("name"), "visits": request.session.get("visits", 0) + 1}
    request.session["visits"] = page["visits"]
    return templates.TemplateResponse("home.html", page)


class Login(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return templates.TemplateResponse("login.html", {"request": request, "error": None})

    async def post(self, request: Request) -> Response:
        form = await request.form()
        name = str(form.get("name", "")).strip()
        if not name:
            page = {"request": request, "error": "A name, please."}
            return templates.TemplateResponse("login.html", page, status_code=400)
        request.session["name"] = name
        return RedirectResponse(str(form.get("next") or request.url_for("home")), 303)


async def logout(request: Request) -> Response:
    request.session.clear()
    return RedirectResponse(request.url_for("home"), 303)


async def room_page(request: Request) -> Response:
    if "name" not in request.session:
        return RedirectResponse(f"/login?next={request.url.path}", 303)
    room = request.state.rooms.room(request.path_params["room"])
    if request.method == "POST":
        form = await request.form()
        await room.say(f"{request.session['name']}: {form['line']}")
        return RedirectResponse(request.url, 303)
    return templates.TemplateResponse("room.html", {"request": request, "room": room, "name": request.session["name"]})


async def preferences(request: Request) -> Response:
    """A form with several values of one name and a file, told back."""
    form = await request.form()
    told = []
    for key, value in form.multi_items():
        told.append([key, value if isinstance(value, str) else [value.filename, value.content_type, len(await value.read())]])
    await form.close()
    response = JSONResponse(told)
    response.set_cookie("theme", "dark", max_age=60)
    response.set_cookie("quoted", 'a "b"; c, d', samesite="none", secure=True)
    return response


async def events(request: Request) -> Response:
    """Server-sent events: what is said in the room; "until" lines end it."""
    room = request.state.rooms.room(request.path_params["room"])
    until = int(request.query_params.get("until", "0"))

    async def stream() -> AsyncIterator[str]:
        queue: "asyncio.Queue[str]" = asyncio.Queue()
        room.listeners.add(queue)
        try:
            yield ": welcome\n\n"
            said = 0
            while not until or said < until:
                said += 1
                yield f"id: {said}\nevent: line\ndata: {await queue.get()}\n\n"
        finally:
            room.listeners.discard(queue)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "Connection": "keep-alive"})


async def listeners(request: Request) -> Response:
    """How many hear the room's events, and how many its socket."""
    room = request.state.rooms.room(request.path_params["room"])
    return JSONResponse({"listeners": len(room.listeners), "members": len(room.members)})


async def state(request: Request) -> Response:
    """What the lifespan gave to every request."""
    return JSONResponse({"motto": request.state.motto, "rooms": type(request.state.rooms).__name__})


async def text(request: Request) -> Response:
    """Long enough to be compressed."""
    return PlainTextResponse("It was a dark and stormy night. " * int(request.query_params.get("times", "100")))


async def disconnected(request: Request) -> Response:
    """Reads until the client is gone."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    request.app.state.gone += 1
    return PlainTextResponse("nobody hears this")


async def gone(request: Request) -> Response:
    return JSONResponse({"gone": request.app.state.gone})


async def teapot(request: Request) -> Response:
    raise HTTPException(418, "short and stout")


async def fails(request: Request) -> Response:
    raise ValueError("something is wrong here")


# --- a mounted application ------------------------------------------------------------------------------------------------


async def hello(request: Request) -> Response:
    return JSONResponse({"root_path": request.scope["root_path"], "url": str(request.url), "who": request.path_params["who"]})


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """An application without a framework."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"x-bare", b"1")]})
    await send({"type": "http.response.body", "body": b"bare ", "more_body": True})
    await send({"type": "http.response.body", "body": b"bones"})


inner = Starlette(routes=[Route("/hello/{who}", hello), Mount("/bare", bare)])


# --- the whole ----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[Dict[str, Any]]:
    app.state.gone = 0
    yield {"rooms": Rooms(), "motto": "talk is cheap"}


async def not_found(request: Request, error: Exception) -> Response:
    return HTMLResponse(templates.get_template("not_found.html").render(path=request.url.path), 404)


chat_app = Starlette(
    routes=[
        Route("/", home, name="home"),
        Route("/login", Login),
        Route("/logout", logout, methods=["POST"]),
        Route("/rooms/{room}", room_page, methods=["GET", "POST"]),
        Route("/rooms/{room}/events", events),
        Route("/rooms/{room}/listeners", listeners),
        Route("/preferences", preferences, methods=["POST"]),
        Route("/state", state),
        Route("/text", text),
        Route("/disconnected", disconnected),
        Route("/gone", gone),
        Route("/teapot", teapot),
        Route("/fails", fails),
        WebSocketRoute("/ws/echo", Echo),
        WebSocketRoute("/ws/{room}", chat),
        Mount("/static", StaticFiles(directory=str(HERE / "static"), html=True), name="static"),
        Mount("/inner", inner),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key="not secret at all", max_age=3600), Middleware(GZipMiddleware)],
    exception_handlers={404: not_found},
    lifespan=lifespan,
)


class StateForOlderServers:
    """Servers before ASGI 2.4's text have no lifespan state (uvicorn has it since 0.22): this gives it to them."""

    def __init__(self, app: Any):
        self.app = app
        self.state: Dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope.setdefault("state", self.state)
        else:
            scope.setdefault("state", dict(self.state))
        await self.app(scope, receive, send)


app = StateForOlderServers(chat_app)
