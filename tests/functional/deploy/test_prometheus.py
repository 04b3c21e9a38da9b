"""What deploy/ offers to Prometheus, with the real one: its rules, and its own view of a server's metrics."""

import pathlib
import shutil
import subprocess

import pytest

from support.server import wait_until

DEPLOY = pathlib.Path(__file__).parents[3] / "deploy"
RULES = DEPLOY / "prometheus"

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="no Prometheus is installed")

SLOW = """
    import time

    def handle():
        time.sleep(0.02)
        return {}
"""
TWIN = {"path": "/work", "arms": {"cpp": {"native": "plaintext"}, "py": {"python": "slow:handle"}}}
EXPERIMENT = TWIN | {"path": "/experiment", "experiment": {"id": "slow", "control": "py", "shadow": {"candidate": "cpp"}}}


def promtool(*arguments, **options):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=RULES, timeout=60, **options)
    return done.returncode, done.stdout + done.stderr


def test_rules_are_right():
    assert promtool("check", "rules", "tandem.rules.yml", "tandem.alerts.yml")[0] == 0
    code, said = promtool("test", "rules", "tandem_test.yml")
    assert code == 0, said
    assert promtool("check", "config", "prometheus.yml")[0] == 0


def test_metrics_pass_promtool(server):
    one = server([TWIN, EXPERIMENT], {"slow": SLOW}, pin="open")
    for arm in ("cpp", "py"):
        one.get("/work", {"Tandem-Arm": arm})
        one.get("/experiment", {"Tandem-Arm": arm})
    while one.get("/experiment").get("Tandem-Arm") != "py":
        pass
    wait_until(lambda: "\ntandem_compare_upper_bound{" in one.admin("/metrics").text, "a comparison")
    code, said = promtool("check", "metrics", input=one.admin("/metrics").text)
    assert (code, said) == (0, "")


def test_a_real_prometheus_orders_the_arms_as_they_are(server, prometheus):
    one = server([TWIN], {"slow": SLOW}, pin="open")
    for arm in ("cpp", "py"):
        for _ in range(20):
            assert one.get("/work", {"Tandem-Arm": arm}).status == 200
    ask = prometheus(one.admin_address)
    counted = 'sum by (arm) (tandem_requests_total{route="/work"})'
    wait_until(lambda: len(ask(counted)) == 2, "a scrape", 60)
    assert {labels["arm"]: value for labels, value in ask(counted)} == {"cpp": 20, "py": 20}
    query = 'histogram_quantile(0.9, sum by (arm, le) (tandem_request_seconds_bucket{route="/work"}))'
    seconds = {labels["arm"]: value for labels, value in ask(query)}
    assert seconds["cpp"] < 0.02 <= seconds["py"] * 1.125
    wait_until(lambda: ask('pool:tandem_python_workers_ready:sum{pool="python"}'), "a recorded rule", 60)
