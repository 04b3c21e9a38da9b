from __future__ import annotations

from tandem import Request


def handle(request: Request) -> dict[str, int]:
    """Holds one piece of the body at a time, however long the body is."""
    return {"bytes": sum(len(piece) for piece in request.stream())}
