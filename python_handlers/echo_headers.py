from __future__ import annotations

from tandem import Request, Response


def handle(request: Request) -> Response:
    lines = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
    # Field values are Latin-1 text, one character a byte received: so they leave as they came.
    return Response(lines.encode("latin-1"), content_type="text/plain; charset=utf-8")
