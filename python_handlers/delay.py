from __future__ import annotations

import asyncio

from arguments import whole_number
from tandem import Request


async def handle(request: Request) -> dict[str, int]:
    milliseconds = whole_number(request.path_params["ms"], "ms", 0, 60_000)
    await asyncio.sleep(milliseconds / 1000)
    return {"delay_ms": milliseconds}
