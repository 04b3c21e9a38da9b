"""The recorded runs of `tandem compare --suite` that docs/compare.md shows: they do not contradict each other, and the table is theirs."""

from __future__ import annotations

import json
from typing import Any

from support.server import SOURCE

SUITES = sorted((SOURCE / "bench" / "results").glob("suite-*.json"))


def verdicts() -> dict[tuple[str, str], list[str | None]]:
    """By route and metric, one of each run; None: no verdict."""
    found: dict[tuple[str, str], list[str | None]] = {}
    for file in SUITES:
        for run in json.loads(file.read_text())["runs"]:
            for effect in run["effects"]:
                found.setdefault((run["title"], effect["metric"]), []).append(effect["verdict"])
    return found


def direction(verdict: str | None) -> str | None:
    return next((word for word in ("better", "worse") if verdict and verdict.startswith(word)), None)


def test_two_runs_do_not_contradict_each_other() -> None:
    assert len(SUITES) >= 2
    recorded = verdicts()
    assert len({route for route, _ in recorded}) >= 15
    for key, given in recorded.items():
        directions = {direction(verdict) for verdict in given} - {None}
        assert len(directions) <= 1, (key, given)
        # What one run finds plainly better, the other does not find equivalent.
        assert not ("equivalent" in given and directions), (key, given)


def cell(run: dict[str, Any], metric: str) -> str:
    effect = next((each for each in run["effects"] if each["metric"] == metric), None)
    if effect is None or effect["ratio"] is None:
        return "invalid" if not run["valid"] else "–"
    return f"{effect['ratio']:.2f} {effect['verdict'] or 'not judged'}"


def table() -> str:
    suites = [json.loads(file.read_text()) for file in SUITES]
    head = ["route"] + [f"{name}, run {number + 1}" for name in ("mean", "p99", "CPU") for number in range(len(suites))]
    rows = [head, ["---"] * len(head)]
    for runs in zip(*(suite["runs"] for suite in suites), strict=True):
        assert len({run["title"] for run in runs}) == 1
        rows.append([f"`{runs[0]['title']}`"] + [cell(run, metric) for metric in ("mean", "p99", "cpu") for run in runs])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def test_the_documented_table_is_theirs() -> None:
    assert table() in (SOURCE / "docs" / "compare.md").read_text()
