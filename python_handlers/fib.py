from __future__ import annotations

from arguments import whole_number
from tandem import Request


def handle(request: Request) -> dict[str, int]:
    n = whole_number(request.path_params["n"], "n", 0, 90)
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return {"n": n, "fib": current}
