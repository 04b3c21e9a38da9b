from __future__ import annotations

import re

from arguments import bad_argument
from tandem import Request

TERM = re.compile(rb"-?[0-9]{1,15}")


def term(text: bytes, name: str) -> int:
    if TERM.fullmatch(text) is None:
        raise bad_argument(f"{name} must be a whole number of at most 15 digits")
    return int(text)


def handle(request: Request) -> str:
    total = 0
    for name in ("a", "b"):
        text = request.query_params.get(name)
        if text is not None:
            total += term(text.encode("utf-8", "replace"), name)
    body = request.body.strip(b" \t\r\n")
    if body:
        total += term(body, "the body")
    return str(total)
