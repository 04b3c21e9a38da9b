"""The shop's application: routers, middleware, error handlers, start and stop."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import Any, Dict

from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from tests.apps.fastapi_shop import database, files, items
from tests.apps.fastapi_shop.errors import OutOfStock

app = FastAPI(title="Shop", version="1.2.3", description="A shop that sells very little.")
app.add_middleware(
    CORSMiddleware, allow_origins=["https://shop.example"], allow_methods=["GET", "POST", "PUT"], allow_headers=["X-Cart"]
)
app.include_router(items.router)
app.include_router(files.router)
basic = HTTPBasic(realm="shop")


@app.on_event("startup")
async def open_shop() -> None:
    database.create()
    app.state.open = True


@app.on_event("shutdown")
async def close_shop() -> None:
    app.state.open = False


@app.middleware("http")
async def add_version(request: Request, call_next: Any) -> Response:
    response = await call_next(request)
    response.headers["X-Shop-Version"] = app.version
    return response


@app.exception_handler(OutOfStock)
async def out_of_stock(request: Request, error: OutOfStock) -> JSONResponse:
    return JSONResponse(
        {"error": "out of stock", "item": error.item, "left": error.left, "path": request.url.path}, 409, {"Retry-After": "3600"}
    )


@app.get("/", include_in_schema=False)
async def front_page() -> RedirectResponse:
    return RedirectResponse("/docs")


@app.get("/open")
async def is_open(request: Request) -> Dict[str, Any]:
    """Whether the start-up handler has run in this very worker."""
    return {"open": request.app.state.open}


# --- who asks --------------------------------------------------------------------------------------------------------


def administrator(credentials: HTTPBasicCredentials = Depends(basic)) -> str:
    known = secrets.compare_digest(credentials.username.encode(), b"admin")
    if not (secrets.compare_digest(credentials.password.encode(), "pässword".encode()) and known):
        raise HTTPException(401, "wrong name or password", {"WWW-Authenticate": 'Basic realm="shop"'})
    return credentials.username


@app.get("/admin/stats")
def stats(who: str = Depends(administrator), db: Any = Depends(database.session)) -> Dict[str, Any]:
    count, value = db.execute("SELECT count(*), coalesce(sum(price * stock), 0) FROM items").fetchone()
    return {"who": who, "items": count, "value": value}


@app.get("/cart")
async def cart(request: Request) -> Dict[str, Any]:
    return {"cookies": request.cookies, "header": request.headers.getlist("cookie")}


@app.post("/cart/{item}", status_code=204, response_class=Response)
async def add_to_cart(item: str, request: Request) -> Response:
    response = Response(status_code=204)
    held = [one for one in request.cookies.get("cart", "").split("|") if one]
    response.set_cookie("cart", "|".join([*held, item]), max_age=3600, httponly=True, samesite="strict")
    response.set_cookie("last", item, path="/cart")
    return response


@app.delete("/cart")
async def empty_cart() -> Response:
    response = JSONResponse({"emptied": True})
    response.delete_cookie("cart")
    response.delete_cookie("last", path="/cart")
    return response


# --- what was asked ---------------------------------------------------------------------------------------------------


@app.api_route("/echo/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"], include_in_schema=False)
async def echo(rest: str, request: Request) -> Dict[str, Any]:
    """The request as the application sees it, its body streamed through a digest."""
    digest = hashlib.sha256()
    length = 0
    async for chunk in request.stream():
        digest.update(chunk)
        length += len(chunk)
    return {
        "method": request.method,
        "rest": rest,
        "path": request.scope["path"],
        "raw_path": request.scope["raw_path"].decode("latin-1"),
        "query_string": request.scope["query_string"].decode("latin-1"),
        "query": request.query_params.multi_items(),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.scope["headers"]],
        "length": length,
        "sha256": digest.hexdigest(),
    }


@app.post("/early")
async def early() -> PlainTextResponse:
    """Answers without having read what is sent."""
    return PlainTextResponse("I do not care", 403)


@app.get("/status/{code}")
async def status(code: int) -> Response:
    return Response(status_code=code)


@app.get("/threads/{count}")
def in_a_thread(count: int) -> Dict[str, Any]:
    return {"sum": sum(range(count))}


@app.get("/tasks/{count}")
async def in_tasks(count: int) -> Dict[str, Any]:
    """Many tasks that really suspend."""

    async def one(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    return {"sum": sum(await asyncio.gather(*(one(number) for number in range(count))))}


# --- what goes wrong --------------------------------------------------------------------------------------------------


@app.get("/broken")
async def broken() -> None:
    raise RuntimeError("this endpoint is broken")


@app.get("/broken/thread")
def broken_in_a_thread() -> None:
    raise RuntimeError("this endpoint is broken, too")


# --- WebSocket --------------------------------------------------------------------------------------------------------


@app.websocket("/ws/prices")
async def prices(socket: WebSocket, currency: str = "EUR") -> None:
    """Answers the name of an item with its price; "bye" ends it, bytes come back reversed."""
    if currency not in ("EUR", "USD"):
        await socket.close(4001)
        return
    await socket.accept("prices.v1" if "prices.v1" in socket.scope["subprotocols"] else None)
    await socket.send_json({"currency": currency})
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("bytes") is not None:
                await socket.send_bytes(message["bytes"][::-1])
            elif message["text"] == "bye":
                await socket.close(4000)
                return
            elif message["text"] == "boom":
                raise RuntimeError("the socket is broken")
            else:
                await socket.send_json(prices_of(message["text"]))
    except WebSocketDisconnect:
        pass


def prices_of(name: str) -> Dict[str, Any]:
    db = database.connect()
    row = db.execute("SELECT name, price FROM items WHERE name = ?", (name,)).fetchone()
    db.close()
    return {"name": name, "price": row["price"] if row else None}
