from __future__ import annotations

from tandem import Request


def handle(request: Request) -> dict[str, str]:
    return {"message": f"Hello, {request.path_params['name']}!"}
