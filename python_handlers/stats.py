from __future__ import annotations

import json
import math

from arguments import bad_argument
from tandem import Request


def numbers_of(body: bytes) -> list[float]:
    try:
        document = json.loads(body.decode("utf-8"))
        if isinstance(document, list) and document and all(type(element) in (int, float) for element in document):
            numbers = [float(element) for element in document]
            if all(map(math.isfinite, numbers)):
                return numbers
    except (ValueError, OverflowError, RecursionError):
        pass
    raise bad_argument("the body must be a JSON array of one or more finite numbers")


def percentile(ordered: list[float], percent: int) -> float:
    """Nearest rank: the smallest number with at least `percent` of all at or below it."""
    return ordered[(percent * len(ordered) + 99) // 100 - 1]


def handle(request: Request) -> dict[str, float]:
    numbers = numbers_of(request.body)
    # Plain sums from left to right: sum() rounds otherwise since Python 3.12, and the C++ endpoint gives the same digits.
    total = 0.0
    for number in numbers:
        total += number
    mean = total / len(numbers)
    squares = 0.0
    for number in numbers:
        squares += (number - mean) * (number - mean)
    deviation = math.sqrt(squares / len(numbers))
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        raise bad_argument("the numbers are too large to add up")
    ordered = sorted(numbers)
    return {
        "count": len(numbers),
        "mean": mean,
        "min": ordered[0],
        "max": ordered[-1],
        "stddev": deviation,
        "p50": percentile(ordered, 50),
        "p95": percentile(ordered, 95),
    }
