"""What several endpoints check in what they are given, and their common answer when it is not right."""

from __future__ import annotations

from tandem import HTTPError


def bad_argument(detail: str) -> HTTPError:
    return HTTPError(400, detail, code="endpoint.bad_argument")


def whole_number(text: str, name: str, low: int, high: int) -> int:
    """One to eighteen decimal digits and nothing else; int() alone would also take " 1_0 " and digits of other scripts."""
    if text.isascii() and text.isdigit() and len(text) <= 18 and low <= int(text) <= high:
        return int(text)
    raise bad_argument(f"{name} must be a whole number from {low} to {high}")
