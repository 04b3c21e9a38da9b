"""deploy/grafana/tandem.json: every query in it is asked of a real Prometheus that scrapes a real server."""

import json
import pathlib
import re
import shutil

import pytest

from support.server import wait_until

DEPLOY = pathlib.Path(__file__).parents[3] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "tandem.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
QUERIES += [(annotation["name"], annotation["expr"]) for annotation in DASHBOARD["annotations"]["list"]]
# What a minute of a healthy server has no series of: they are asked all the same, and must parse.
EMPTY = {"Effect", "Reloads", "Guardrails", "Replaced workers", "CPU of handlers"}

SLOW = """
    def handle():
        return {}
"""
TWIN = {"path": "/work", "arms": {"cpp": {"native": "plaintext"}, "py": {"python": "slow:handle"}}}
EXPERIMENT = TWIN | {"path": "/experiment", "experiment": {"id": "slow", "control": "py", "shadow": {"candidate": "cpp"}}}


def filled_in(query):
    for variable in re.findall(r"\$(\w+)", query):
        assert variable in {"route", "arm", "experiment", "__rate_interval", "__interval"}, query
    return query.replace("$__rate_interval", "5s").replace("$__interval", "5s").replace("$route", ".*").replace("$arm", ".*").replace("$experiment", ".*")


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus is installed")
def test_every_query_is_answered_by_a_real_prometheus(server, prometheus):
    one = server([TWIN, EXPERIMENT], {"slow": SLOW}, pin="open")
    ask = prometheus(one.admin_address)

    def load():
        for path in ("/work", "/experiment"):
            for arm in ("cpp", "py", None):
                one.get(path, {"Tandem-Arm": arm} if arm else ())

    for title, query in QUERIES:
        if title not in EMPTY:
            wait_until(lambda: load() or ask(filled_in(query)), f"an answer to {title}: {query}", 60)
    for title, query in QUERIES:  # those that may be empty parse
        if title in EMPTY:
            ask(filled_in(query))
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
            assert any(label in labels for labels, _ in ask(metric)), variable["query"]


def test_panels_are_complete():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in PANELS:
        assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]


def test_every_metric_is_one_of_ours():
    names = re.findall(r"`(tandem_\w+)`", (DEPLOY.parent / "docs" / "metrics.md").read_text())
    for _, query in QUERIES:
        for metric in re.findall(r"tandem_\w+", query):
            assert re.sub(r"_(bucket|sum|count)$", "", metric) in names or metric in names, metric
