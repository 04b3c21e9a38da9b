"""Pictures of items, and lists to take away."""

import asyncio
import csv
import hashlib
import io
import json
from typing import Any, AsyncIterator, Dict, Iterator, List

from fastapi import APIRouter, Depends, File, Form, HTTPException, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from tests.apps import state
from tests.apps.fastapi_shop import database
from tests.apps.fastapi_shop.items import found

router = APIRouter(tags=["files"])


@router.post("/items/{item_id}/picture", status_code=201)
async def upload(
    item: Any = Depends(found), picture: UploadFile = File(...), caption: str = Form("none"), extra: List[UploadFile] = File([])
) -> Dict[str, Any]:
    data = await picture.read()
    (state.folder("shop") / f"{item['id']}.picture").write_bytes(data)
    return {
        "item": item["id"],
        "filename": picture.filename,
        "type": picture.content_type,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "caption": caption,
        "extra": [[one.filename, len(await one.read())] for one in extra],
    }


@router.get("/items/{item_id}/picture", response_class=FileResponse)
def download(item: Any = Depends(found)) -> FileResponse:
    path = state.folder("shop") / f"{item['id']}.picture"
    if not path.exists():
        raise HTTPException(404, "no picture")
    return FileResponse(path, media_type="image/png", filename=f"{item['name']}.png")


@router.get("/exports/items.csv")
def as_csv(db: Any = Depends(database.session)) -> StreamingResponse:
    """From a generator, which a thread steps."""
    rows = db.execute("SELECT id, name, price, stock FROM items ORDER BY id").fetchall()

    def lines() -> Iterator[str]:
        for row in [("id", "name", "price", "stock"), *map(tuple, rows)]:
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue()

    return StreamingResponse(lines(), media_type="text/csv", headers={"Content-Disposition": 'attachment; filename="items.csv"'})


@router.get("/exports/items.ndjson")
async def as_lines(count: int = 5) -> StreamingResponse:
    """From an asynchronous generator that suspends between its lines."""

    async def lines() -> AsyncIterator[bytes]:
        for number in range(count):
            yield json.dumps({"line": number}).encode() + b"\n"
            await asyncio.sleep(0.002)

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.get("/exports/broken")
async def broken() -> StreamingResponse:
    """Begins well, then raises."""

    async def lines() -> AsyncIterator[bytes]:
        yield b"the first line\n"
        await asyncio.sleep(0.05)
        raise RuntimeError("the export is broken")

    return StreamingResponse(lines(), media_type="text/plain")


@router.get("/exports/large")
async def large(mebibytes: int = 20) -> StreamingResponse:
    async def blocks() -> AsyncIterator[bytes]:
        block = bytes(range(256)) * 256
        for _ in range(mebibytes * 16):
            yield block

    return StreamingResponse(blocks(), media_type="application/octet-stream")


@router.get("/exports/endless")
async def endless() -> StreamingResponse:
    """Until the client goes away; the audit tells that it went."""

    async def ticks() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.005)
        finally:
            database.audit("endless ended")

    return StreamingResponse(ticks(), media_type="text/plain")
