"""The report as a page: from a running server, from the command line and from a saved state, and what a browser makes of it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
from typing import Any, Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from support.demo import base_config, twin
from support.server import Server, run, wait_until

PAGE = "/api/v1/experiments/port/report?format=html"
USERS = [f"user-{number}" for number in range(40)]
PHONE, A4, DESK = 390, 718, 1280


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose experiment has something to show, and is left alone then."""
    keys = {"id": "port", "control": "py", "key": ["header:X-User"], "metrics": {"window": "1s", "min_windows": 2, "min_time": "0s"}}
    keys |= {"shadow": {"candidate": "cpp", "cpu_budget": 16}}
    folder = tmp_path_factory.mktemp("report")
    one = Server(folder, base_config(folder, routes=[twin("/fib/{n}", "fib", "fib", {"name": "fib", "experiment": keys})]))
    with one.connect() as connection:

        def ask() -> bool:
            for user in USERS:
                assert connection.get("/fib/15", {"X-User": user}).status == 200
            return windows(one) >= 4

        wait_until(ask, "windows with both arms")
    yield one
    one.stop()


def report(one: Server) -> dict[str, Any]:
    (candidate,) = one.admin("/api/v1/experiments/port/report").json()["candidates"]
    return candidate


def windows(one: Server) -> int:
    return report(one)["health"]["windows"]


def saved_state(one: Server, tmp_path: pathlib.Path) -> pathlib.Path:
    """Once nothing is counted any more."""
    texts = [""]

    def is_still() -> bool:
        texts.append(one.admin("/api/v1/experiments/port/state").text)
        return texts[-1] == texts[-2]

    wait_until(is_still, "the last of what was counted")
    file = tmp_path / "state.json"
    file.write_text(texts[-1])
    return file


# --- from everywhere the same ----------------------------------------------------------------------------------------------


def test_server_command_and_saved_state_make_the_same_page(one, tmp_path):
    state = saved_state(one, tmp_path)
    answer = one.admin(PAGE)
    assert (answer.status, answer.type) == (200, "text/html; charset=utf-8")
    assert run("report", "fib", "--html", "--admin", one.admin_url).stdout == answer.text
    assert run("report", "--state", str(state), "--html").stdout == answer.text
    to_file = run("report", "--state", str(state), "--html", "-o", str(tmp_path / "report.html"))
    assert (to_file.returncode, to_file.stdout) == (0, "")
    assert (tmp_path / "report.html").read_text() == answer.text
    document = json.loads(run("report", "--state", str(state), "--json").stdout)
    assert document["candidates"][0]["heat_map"]["control"] and document["candidates"][0]["progress"]


def test_page_has_a_policy_of_its_own(one):
    page = one.admin(PAGE)
    assert page.getall("content-security-policy") == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
    ]
    other = one.admin("/api/v1/experiments/port/report")
    assert other.getall("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]


def test_page_tells_of_the_experiment(one):
    parts = re.findall(r'<h2 id="(\w+)">', one.admin(PAGE).text)
    assert parts == "verdict health effects forest shift heat stages progress differences audit method".split()
    wait_until(lambda: (report(one)["answers"] or {}).get("compared"), "comparisons")
    page = one.admin(PAGE).text
    for wanted in ("candidate <strong>cpp</strong> (C++", "control <strong>py</strong> (Python)", "Answers: no difference found",
                   "errors beyond 1.50 (rollback)", "first seen in the config", "guardrail 1.25×"):  # fmt: skip
        assert wanted in page, wanted


def test_what_does_not_fit_is_said(one, tmp_path):
    for arguments in (("--html", "--md"), ("--html", "--json"), ("--md", "--json")):
        done = run("report", "fib", *arguments, "--admin", one.admin_url)
        assert (done.returncode, done.stdout) == (2, "")
        assert "exclude each other" in done.stderr
    done = run("report", "fib", "--html", "-o", str(tmp_path), "--admin", one.admin_url)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"can't write {tmp_path}" in done.stderr
    one.admin(PAGE.replace("html", "pdf")).problem(400, "experiment.bad_body")


# --- in a browser ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def browser(width: int, scheme: str) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    try:
        screen = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width == PHONE}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        yield driver
    finally:
        driver.quit()


def fetched(driver: Any) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def brightness(driver: Any, what: str, element: str) -> float:
    """Of a colour, from 0 (black) to 1."""
    colour = driver.execute_script(f"return getComputedStyle(document.querySelector('{element}')).{what}")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 765


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_readable(one, width, scheme):
    url = one.admin_url + PAGE
    with browser(width, scheme) as driver:
        driver.get(url)
        assert driver.execute_script("return document.querySelectorAll('h2').length") == 11
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
        sizes = driver.execute_script(
            "return [...document.querySelectorAll('svg text')].map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
        )
        assert len(sizes) > 50 and min(sizes) >= 11, "text in the pictures is too small"
        outside = driver.execute_script(
            "return [...document.querySelectorAll('svg text')].filter(t => { const a = t.getBBox(), b = t.ownerSVGElement.viewBox.baseVal;"
            " return a.x < -1 || a.y < -1 || a.x + a.width > b.width + 1 || a.y + a.height > b.height + 1; }).map(t => t.textContent)"
        )
        assert outside == [], "text is cut off"
        page, ink = brightness(driver, "backgroundColor", "body"), brightness(driver, "color", "body")
        picture = brightness(driver, "fill", "svg text")
        assert abs(page - ink) > 0.6 and abs(page - picture) > 0.5
        assert (page > 0.5) == (scheme == "light")
        assert driver.get_log("browser") == [], "nothing was refused"
        assert [address for address in fetched(driver) if not address.startswith("data:")] == [url]


def test_paper_is_white_and_holds_all(one):
    with browser(A4, "dark") as driver:
        driver.get(one.admin_url + PAGE)
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        )
        assert brightness(driver, "backgroundColor", "body") > 0.9
        assert brightness(driver, "color", "body") < 0.3
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "the margin cuts it off"
