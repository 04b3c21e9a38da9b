"""The dashboard's files and events, over real sockets. tests/browser looks at the page itself."""

import gzip
import json
import os
import pathlib
import re
import subprocess

import pytest

from support.client import fetch
from support.demo import base_config, twin
from support.events import Viewer
from support.server import SOURCE, Server, binary, wait_until

ROUTES = [twin("/json", "json", "json_hello"), {"path": "/plaintext", "native": "plaintext"}]
EXPERIMENT = {"id": "port", "control": "py", "key": ["random"]}
VIEWERS = 32


def was_built() -> bool:
    """Does this build make the dashboard? (The sanitizers' builds do not.)"""
    cache = pathlib.Path(binary()).parent / "CMakeCache.txt"
    return not cache.exists() or "TANDEM_DASHBOARD:STRING=OFF" not in cache.read_text()


needs_dashboard = pytest.mark.skipif("not was_built()", reason="built with TANDEM_DASHBOARD=OFF")


@pytest.fixture
def one(server):
    return server(ROUTES, pin="open")


def page_and_assets(one):
    page = one.admin("/")
    paths = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
    return page, {path: one.admin(path) for path in paths}


# --- files


@needs_dashboard
def test_the_page_brings_everything_it_needs(one):
    page, assets = page_and_assets(one)
    assert (page.status, page.type) == (200, "text/html; charset=utf-8")
    assert {asset.type.split(";")[0] for asset in assets.values()} == {"text/javascript", "text/css"}
    for path, asset in assets.items():
        assert asset.status == 200
        assert re.fullmatch(r"/assets/[\w-]+-[\w-]{8}\.(js|css)", path), "a hash of its content is in its name"
        assert asset.get("cache-control") == "private, max-age=31536000, immutable"
    assert page.get("cache-control") == "no-cache"


@needs_dashboard
def test_nothing_foreign_and_nothing_inline(one):
    page, assets = page_and_assets(one)
    for answer in (page, *assets.values()):
        policy = dict(part.split(" ", 1) for part in answer.get("content-security-policy").split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert {policy["script-src"], policy["style-src"], policy["connect-src"]} == {"'self'"}
        assert answer.get("x-content-type-options") == "nosniff"
    assert not re.search(r"<style|\sstyle=|\son\w+=", page.text)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == [""]
    for text in (page.text, *(asset.text for asset in assets.values())):
        assert set(re.findall(r"https?://[\w.-]+", text)) <= {"http://www.w3.org"}, "names of XML, nothing to ask"


@needs_dashboard
def test_what_a_browser_has_is_not_sent_again(one):
    page, assets = page_and_assets(one)
    for path in ("/", *assets):
        plain, packed = one.admin(path), one.admin(path, headers={"Accept-Encoding": "gzip"})
        assert packed.get("content-encoding") == "gzip" and gzip.decompress(packed.body) == plain.body
        assert "accept-encoding" in plain.get("vary").lower()
        tags = [answer.get("etag") for answer in (plain, packed)]
        assert tags[0] != tags[1] and all(re.fullmatch(r'"[\w-]+"', tag) for tag in tags)
        again = one.admin(path, headers={"Accept-Encoding": "gzip", "If-None-Match": tags[1]})
        assert (again.status, again.body, again.get("etag")) == (304, b"", tags[1])
        other = one.admin(path, headers={"Accept-Encoding": "gzip", "If-None-Match": tags[0]})
        assert (other.status, other.body) == (200, packed.body)


@needs_dashboard
def test_it_is_small(one):
    page, assets = page_and_assets(one)
    sizes = {path: len(one.admin(path, headers={"Accept-Encoding": "gzip"}).body) for path in ("/", *assets)}
    assert sum(sizes.values()) < 100_000, sizes


def test_a_build_without_it_says_so(one):
    if was_built():
        pytest.skip("this build has it; tests/unit/admin reads that page too")
    page = one.admin("/")
    assert (page.status, page.type) == (200, "text/html; charset=utf-8")
    assert "no dashboard" in page.text and "./tandem-dev install dashboard" in page.text
    for path in re.findall(r'href="(/[^"]*)"', page.text):
        if path != "/api/v1/events":
            assert one.admin(path).status == 200, path


def make(tmp_path, npm: str, *otherwise: str) -> subprocess.CompletedProcess:
    """web/make.sh with another npm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{npm}\n")
    (folder / "npm").chmod(0o755)
    return subprocess.run(
        ["bash", SOURCE / "web" / "make.sh", tmp_path / "out" / "files.cpp", *otherwise],
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


def test_a_build_without_network_goes_on_without_it(tmp_path):
    none = SOURCE / "web" / "none.cpp"
    result = make(tmp_path, "echo no route to host >&2; exit 1", str(none))
    assert result.returncode == 0
    assert "WITHOUT DASHBOARD" in result.stderr and "no route to host" in result.stderr
    assert (tmp_path / "out" / "files.cpp").read_text() == none.read_text()


def test_a_build_that_wants_it_fails_without_it(tmp_path):
    result = make(tmp_path, "echo no route to host >&2; exit 1")
    assert result.returncode == 1
    assert "could not be made" in result.stderr
    assert not (tmp_path / "out" / "files.cpp").exists()


def test_what_npm_installs_is_locked_and_names_no_registry():
    text = (SOURCE / "web" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    del packages[""]
    assert len(packages) > 10
    assert all(package["integrity"].startswith("sha512-") and "resolved" not in package for package in packages.values())


# --- events


def test_the_events_tell_what_the_api_tells(server):
    one = server([ROUTES[0] | {"experiment": EXPERIMENT}, ROUTES[1]], pin="open")
    for arm, count in (("cpp", 3), ("py", 2)):
        for _ in range(count):
            one.get("/json", {"Tandem-Arm": arm})
    with Viewer(one) as viewer:
        assert viewer.answer.getheader("Content-Type") == "text/event-stream"
        assert viewer.answer.getheader("Cache-Control") == "no-store"
        seen = {}
        while {"status", "workers", "routes", "experiments", "report"} - seen.keys():
            name, document = viewer.next()
            seen[name] = document
        assert seen["routes"] == one.admin("/api/v1/routes").json()
        assert seen["experiments"] == one.admin("/api/v1/experiments").json()
        assert seen["report"] == one.admin("/api/v1/experiments/port/report").json()
        assert seen["workers"]["pools"] == one.admin("/api/v1/workers").json()["pools"]
        told, asked = seen["status"], one.admin("/api/v1/status").json()
        assert [(arm["route"], arm["arm"], arm["requests"]["total"]) for arm in told["arms"]] == [
            ("/json", "cpp", 3),
            ("/json", "py", 2),
            ("/plaintext", "", 0),
            ("", "", 0),  # what fits no route
        ]
        for arm in told["arms"]:
            del arm["recent"]
        for document in (told, asked):
            document.pop("recent_seconds", None)
            for moving in ("uptime_seconds", "connections", "cpu_seconds", "rss_bytes"):
                document.pop(moving)
        assert told == asked


def test_what_happens_is_told_within_a_second_or_two(one):
    with Viewer(one) as viewer:
        viewer.wait_for("status", lambda status: status["recent_seconds"] > 0)
        for _ in range(20):
            one.get("/json", {"Tandem-Arm": "cpp"})
        status = viewer.wait_for("status", lambda status: status["arms"][0]["requests"]["total"] == 20)
        recent = status["arms"][0]["recent"]
        assert recent["per_second"] == pytest.approx(20 / status["recent_seconds"], rel=0.01)
        assert 0 < recent["p50_ms"] <= recent["p99_ms"]
        assert status["arms"][1]["recent"] == {"per_second": 0.0, "error_share": 0.0, "p50_ms": None, "p99_ms": None}


def test_a_change_and_a_reload_are_told(server):
    one = server([ROUTES[0] | {"experiment": EXPERIMENT}])
    with Viewer(one) as viewer:
        assert viewer.wait_for("experiments")["experiments"][0]["revision"] == 1
        body = json.dumps({"weights_bp": {"cpp": 9000}, "reason": "test"}).encode()
        answer = one.admin("/api/v1/experiments/port", "PUT", {"If-Match": '"1"'}, body)
        assert answer.status == 200
        changed = viewer.wait_for("experiments", lambda document: document["experiments"][0]["revision"] == 2)
        assert [arm["traffic_bp"] for arm in changed["experiments"][0]["arms"]] == [9000, 1000]
        one.change_config(routes=ROUTES)
        assert one.reload().status == 200
        viewer.wait_for("routes", lambda document: len(document["routes"]) == 2)
        viewer.wait_for("experiments", lambda document: document["experiments"] == [])


def test_so_many_viewers_and_no_more(one):
    viewers = [Viewer(one) for _ in range(VIEWERS)]
    assert {viewer.answer.status for viewer in viewers} == {200}
    one.admin("/api/v1/events").problem(503, "admin.too_many_viewers")
    assert all(viewer.next()[0] == "status" for viewer in viewers)
    viewers.pop().close()

    def fits():
        with Viewer(one) as viewer:
            return viewer.answer.status == 200

    wait_until(fits, "room for one more")
    for viewer in viewers:
        viewer.close()


def test_a_viewer_that_reads_nothing_holds_nobody_up(server):
    """The others go on, and the server ends as it should with both of them there."""
    one = server([twin(f"/json{i}", "json", "json_hello") for i in range(60)])
    with Viewer(one), Viewer(one) as viewer:
        for _ in range(3):
            viewer.wait_for("status")
        assert one.admin("/healthz").status == 200
        one.stop()


def test_events_want_the_token_that_may_read(server, tmp_path):
    for name in ("admin", "reader"):
        (tmp_path / name).write_text(f"{name}-token-{'x' * 20}\n")
        (tmp_path / name).chmod(0o600)
    admin = {"listen": "127.0.0.1:0", "token_file": str(tmp_path / "admin"), "read_token_file": str(tmp_path / "reader")}
    one = server(ROUTES, admin=admin)
    assert one.admin("/").status == 200, "the page asks for the token"
    one.admin("/api/v1/events").problem(401, "admin.unauthorized")
    for name in ("admin", "reader"):
        with Viewer(one, {"Authorization": f"Bearer {name}-token-{'x' * 20}"}) as viewer:
            assert viewer.next()[0] == "status"
    host = "%s:%d" % one.admin_address
    foreign = fetch(one.admin_address, "GET", "/api/v1/events", {"Host": host, "Origin": "http://evil.example"})
    assert foreign.status == 403


# --- the demo


def test_the_demos_fib_can_be_dragged_to_cpp(tmp_path):
    """What the dashboard's slider sends, to the server of ./tandem-dev run."""
    text = re.sub(r"//(?!localhost)[^\n]*", "", (SOURCE / "config" / "tandem.json").read_text())
    demo = json.loads(text)
    changes = base_config(tmp_path)
    demo |= {"listen": changes["listen"], "admin": changes["admin"], "state_dir": str(tmp_path / "state")}
    demo["python"] = changes["python"]
    one = Server(tmp_path, demo)
    try:
        body = json.dumps({"weights_bp": {"cpp": 10000}, "reason": "drag"}).encode()
        assert one.admin("/api/v1/experiments/fib", "PUT", {"If-Match": '"1"'}, body).status == 200
        assert {one.get("/fib/10").get("tandem-arm") for _ in range(20)} == {"cpp"}
    finally:
        one.stop()
