from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from arguments import whole_number
from tandem import Event, EventStream, Request

MAX_EVENTS = 10_000
MAX_INTERVAL = 60_000


async def ticks(count: int, interval: int) -> AsyncIterator[Event]:
    for number in range(1, count + 1):
        if number > 1:
            await asyncio.sleep(interval / 1000)
        yield Event({"n": number, "of": count}, event="tick", id=number)


async def handle(request: Request) -> EventStream:
    count = whole_number(request.path_params["n"], "n", 0, MAX_EVENTS)
    interval = whole_number(request.query_params.get("interval", "100"), "interval", 0, MAX_INTERVAL)
    return EventStream(ticks(count, interval))
