"""What `stats` was before its port to C++: it rounds. config/experiments.json finds that out."""

from __future__ import annotations

import stats
from tandem import Request


def handle(request: Request) -> dict[str, float]:
    answer = stats.handle(request)
    return answer | {"mean": round(answer["mean"], 3), "stddev": round(answer["stddev"], 3)}
