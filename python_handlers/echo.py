from __future__ import annotations

from tandem import Request, Response


def handle(request: Request) -> Response:
    return Response(request.body, content_type=request.headers.get("content-type") or "application/octet-stream")
