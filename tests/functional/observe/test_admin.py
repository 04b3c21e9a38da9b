"""The admin side: health, metrics, the JSON interface, and whom it refuses."""

import json
import pathlib
import re

import pytest

from support.client import fetch
from support.demo import base_config, twin
from support.server import SOURCE, run, wait_until

ROUTES = [twin("/json", "json", "json_hello"), {"path": "/plaintext", "native": "plaintext"}]
NAMES = pathlib.Path(__file__).parents[1] / "metrics_names.txt"


@pytest.fixture
def one(server):
    return server(ROUTES, pin="open")


def test_health_and_readiness(one):
    assert one.admin("/healthz").status == 200
    assert one.admin("/readyz").status == 200


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/routes", "/api/v1/workers"])
def test_json_interface(one, path):
    answer = one.admin(path)
    assert (answer.status, answer.type) == (200, "application/json")
    assert answer.json()


def test_unknown_paths_and_methods_are_problems(one):
    assert one.admin("/api/v1/nowhere").status == 404
    assert one.admin("/api/v1/nowhere").type == "application/problem+json"
    assert one.admin("/healthz", method="POST", body=b"").status == 405


@pytest.mark.parametrize("fields", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_foreign_hosts_and_origins_are_refused(one, fields):
    host = "%s:%d" % one.admin_address
    answer = fetch(one.admin_address, "GET", "/api/v1/status", {"Host": host, **fields})
    assert answer.status in (403, 421)
    assert answer.type == "application/problem+json"


def test_metric_names_are_the_promised_ones(one):
    for name in ("cpp", "py"):
        one.get("/json", {"Tandem-Arm": name})
    one.get("/nowhere")
    answer = one.admin("/metrics")
    assert answer.type.startswith("text/plain")
    families = set(re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE))
    promised = {line.split()[0] for line in NAMES.read_text().splitlines() if line.strip() and not line.startswith("#")}
    assert families == promised


def test_what_experiments_add_is_documented(server):
    route = twin("/json", "json", "json_hello")
    one = server([route | {"experiment": {"id": "json", "control": "py", "shadow": {"candidate": "cpp"}}}])
    while one.get("/json").get("Tandem-Arm") != "py":
        pass
    wait_until(lambda: "# TYPE tandem_compare_upper_bound" in one.admin("/metrics").text, "a comparison")
    families = set(re.findall(r"^# TYPE (\S+) ", one.admin("/metrics").text, re.MULTILINE))
    documented = set(re.findall(r"^\| `(tandem_\w+)` \|", (SOURCE / "docs" / "metrics.md").read_text(), re.MULTILINE))
    assert len(families) > 20 and families <= documented


def test_requests_are_counted_by_arm_and_class(one):
    for _ in range(3):
        one.get("/json", {"Tandem-Arm": "cpp"})
    for _ in range(2):
        one.get("/json", {"Tandem-Arm": "py"})
    answered = {"route": "/json", "code": "2xx"}
    assert one.metric("tandem_requests_total", arm="cpp", backend="native", **answered) == 3
    assert one.metric("tandem_requests_total", arm="py", backend="python", **answered) == 2
    assert one.metric("tandem_request_seconds_count", route="/json", arm="py") == 2


def test_labels_never_come_from_clients(one):
    one.get("/made-up-path-from-a-client")
    one.request("MADEUP", "/plaintext")
    text = one.admin("/metrics").text
    assert "made-up" not in text and "MADEUP" not in text


def test_a_remote_admin_side_needs_a_token(tmp_path):
    file = tmp_path / "tandem.json"
    file.write_text(json.dumps(base_config(tmp_path, routes=ROUTES, admin={"listen": "0.0.0.0:0"})))
    result = run("check", str(file))
    assert result.returncode == 2
    assert "token" in result.stderr


def test_no_admin_side_at_all(server):
    one = server(ROUTES, admin=None)
    assert one.admin_address is None
    assert one.get("/plaintext").status == 200
