from __future__ import annotations

from arguments import whole_number
from tandem import Request, Response

NO_CONTENT = (204, 205, 304)  # RFC 9110 §15.3.5, §15.3.6, §15.4.5


def handle(request: Request) -> Response:
    code = whole_number(request.path_params["code"], "code", 200, 599)
    if code in NO_CONTENT:
        return Response(None, status=code)
    return Response(f"status {code}", status=code)
