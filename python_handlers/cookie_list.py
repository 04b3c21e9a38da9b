from __future__ import annotations

from tandem import Request, Response


def handle(request: Request) -> Response:
    lines = "".join(f"{name}={value}\n" for name, value in request.cookies.items())
    return Response(lines.encode("latin-1"), content_type="text/plain; charset=utf-8")
