"""The differences between Tandem and the reference servers that are right or acceptable. Each has a paragraph in
docs/compatibility.md under its name, which says why; a test compares the two lists."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Callable

from support.sessions import Difference


@dataclass
class Accepted:
    name: str
    covers: Callable[[Difference], bool]


def problem(difference: Difference) -> bytes:
    """Tandem's own answer, where it did not ask the application; empty where it did."""
    step = difference.sides[1]
    return step.body if ("content-type", "application/problem+json") in step.fields else b""


def own_fields(difference: Difference) -> bool:
    return difference.what in ("date", "server", "x-request-id")


def framing(difference: Difference) -> bool:
    """How the body's end is told; where both have a length it is the same."""
    if difference.what in ("connection", "keep-alive", "transfer-encoding"):
        return True
    return difference.what == "content-length" and not (difference.reference and difference.tandem)


def reason(difference: Difference) -> bool:
    return difference.what == "reason"


def already_there(difference: Difference) -> bool:
    """No 100 (Continue) for a body that came with the head."""
    return difference.what == "interim" and difference.reference == [100] and difference.tandem == []


def malformed_target(difference: Difference) -> bool:
    path = difference.step.partition(" ")[2].partition("?")[0]
    return ("%00" in path or "%zz" in path) and difference.sides[1].status == 400 and b'"http.bad_target"' in problem(difference)


def server_options(difference: Difference) -> bool:
    return difference.step.startswith("OPTIONS * ") and difference.sides[1].status == 204


def failure_before_it_left(difference: Difference) -> bool:
    """The reference's answer is cut off; Tandem's had not left yet and says that it failed."""
    return difference.sides[0].complete is False and difference.sides[1].status == 500 and bool(problem(difference))


def error_page(difference: Difference) -> bool:
    """Both say 500 by themselves, each in its own words."""
    mine, yours = difference.sides
    by_the_reference = mine.status == 500 and b"<h1><p>Internal Server Error</p></h1>" in mine.body
    return by_the_reference and yours.status == 500 and b'"python.exception"' in problem(difference)


def told_value(difference: Difference, names: tuple[str, ...]) -> bool:
    """The body tells the request's fields, and the difference lies in one of these; or it is the length of such a body."""
    if difference.what == "content-length":
        return any(name in difference.sides[0].body for name in map(str.encode, names))
    return difference.what == "body" and any(name.encode() in difference.reference for name in names)


def trailing_tab(difference: Difference) -> bool:
    return told_value(difference, ('spaces \\t"', "spaces \\\\t"))


def underscore(difference: Difference) -> bool:
    return difference.step == "GET /told/x" and told_value(difference, ('["X-Under","1,2"]',))


def several_cookies(difference: Difference) -> bool:
    return difference.step in ("GET /cookies", "GET /cookies/") and told_value(difference, ('"1,b=2"',))


def chunked_httpbin(difference: Difference) -> bool:
    return b"Chunked requests are not supported for server tandem" in difference.sides[1].body


def websocket_refusal(difference: Difference) -> bool:
    """The empty 403 has no type."""
    refused = difference.sides[0].status == difference.sides[1].status == 403 and not difference.sides[0].body
    return refused and difference.what == "content-type" and difference.tandem == []


def close_echo(difference: Difference) -> bool:
    """The answer to a client's close has its code, or 1000 when it had none, and no reason."""
    if not difference.step.startswith("echo of "):
        return False
    mine, yours = (ast.literal_eval(str(side.status))[1] for side in difference.sides)
    return yours == (mine[:2] or b"\x03\xe8")


def websocket_failure(difference: Difference) -> bool:
    """Tandem says that the application failed, with 1011; uvicorn lets the connection drop."""
    mine, yours = (side.status for side in difference.sides)
    return mine == repr("connection ended") and yours == repr((8, b"\x03\xf3"))


def deflate_parameters(difference: Difference) -> bool:
    offers = [difference.reference, difference.tandem]
    return difference.what == "sec-websocket-extensions" and all(offer[0].startswith("permessage-deflate") for offer in offers)


ACCEPTED = [
    Accepted("fields-of-the-server", own_fields),
    Accepted("framing", framing),
    Accepted("reason-phrases", reason),
    Accepted("no-needless-100", already_there),
    Accepted("malformed-targets", malformed_target),
    Accepted("options-of-the-server", server_options),
    Accepted("failure-before-the-answer-left", failure_before_it_left),
    Accepted("error-page", error_page),
    Accepted("trailing-white-space", trailing_tab),
    Accepted("names-with-underscores", underscore),
    Accepted("several-cookie-fields", several_cookies),
    Accepted("chunked-httpbin", chunked_httpbin),
    Accepted("websocket-refusals", websocket_refusal),
    Accepted("websocket-close-echoes", close_echo),
    Accepted("websocket-failures", websocket_failure),
    Accepted("websocket-compression", deflate_parameters),
]

# Keys of the scope that an ASGI application sees, and of the environ that a WSGI application sees; a key stands for all below it.
SCOPE = {
    "scope.asgi": "asgi-versions",
    "lifespan.asgi": "asgi-versions",
    "scope.extensions": "asgi-extensions",
    "scope.state": "lifespan-state",
    "lifespan.state": "lifespan-state",
}
WEBSOCKET_SCOPE = {**SCOPE, "scope.raw_path": "websocket-raw-path"}
ENVIRON = {
    "SERVER_SOFTWARE": "environ-of-the-server",
    "RAW_URI": "environ-of-the-server",
    "REQUEST_URI": "environ-of-the-server",
    "gunicorn.socket": "environ-of-the-server",
    "wsgi.input_terminated": "input-terminated",
    "wsgi.multiprocess": "environ-of-the-server",
}
FORWARDED_ENVIRON = {**ENVIRON, "REMOTE_ADDR": "forwarded-clients", "REMOTE_PORT": "forwarded-clients"}


def names() -> set[str]:
    return {accepted.name for accepted in ACCEPTED} | set(WEBSOCKET_SCOPE.values()) | set(FORWARDED_ENVIRON.values())


def unexplained(found: list[Difference]) -> list[Difference]:
    return [one for one in found if not any(accepted.covers(one) for accepted in ACCEPTED)]
