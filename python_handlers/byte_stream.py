from __future__ import annotations

import random
from collections.abc import Iterator

from arguments import whole_number
from tandem import Request, Response

MAX_BYTES = 100 * 1024 * 1024
PIECE_BYTES = 64 * 1024  # whole 32-bit words, so that the pieces join to what one call would give


def pieces(size: int, seed: int) -> Iterator[bytes]:
    source = random.Random(seed)
    for start in range(0, size, PIECE_BYTES):
        yield source.randbytes(min(PIECE_BYTES, size - start))


def handle(request: Request) -> Response:
    size = whole_number(request.path_params["n"], "n", 0, MAX_BYTES)
    seed = whole_number(request.query_params.get("seed", "1"), "seed", 0, 2**32 - 1)
    return Response(
        pieces(size, seed), headers={"Content-Length": str(size)}, content_type="application/octet-stream"
    )
