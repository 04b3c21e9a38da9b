"""An HTTP server that answers at once but does nothing for FREEZE of every PERIOD seconds (experiments.md §7.12):
`freezing_server.py FREEZE PERIOD`. Prints its port, then a line for each request it has answered as long as somebody reads."""

from __future__ import annotations

import asyncio
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"


async def serve(freeze: float, period: float) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    begin = time.monotonic()
    while True:
        time.sleep(max(0.0, begin + freeze - time.monotonic()))  # nobody else runs meanwhile
        begin += period
        await asyncio.sleep(max(0.0, begin - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2])))
