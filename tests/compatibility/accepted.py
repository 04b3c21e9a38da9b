"""The differences between Tandem and the reference servers that are right or acceptable. Each has a paragraph in
docs/compatibility.md under its name, which says why; a test compares the two lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from support.sessions import Difference


@dataclass
class Accepted:
    name: str
    covers: Callable[[Difference], bool]


def _own_fields(difference: Difference) -> bool:
    return difference.what in ("date", "server", "x-request-id")


def _framing(difference: Difference) -> bool:
    """How the body's end is told, as long as neither contradicts the body itself."""
    if difference.what in ("connection", "keep-alive", "transfer-encoding"):
        return True
    return difference.what == "content-length" and not (difference.reference and difference.tandem)


def _reason(difference: Difference) -> bool:
    return difference.what == "reason"


ACCEPTED = [
    Accepted("fields-of-the-server", _own_fields),
    Accepted("reason-phrases", _reason),
    Accepted("framing", _framing),
]


def unexplained(found: list[Difference]) -> list[Difference]:
    return [one for one in found if not any(accepted.covers(one) for accepted in ACCEPTED)]
