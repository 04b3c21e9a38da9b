"""A browser for the tests: Debian's chromium, headless, driven by its chromedriver."""

from __future__ import annotations

import pathlib
import shutil
from typing import Any, Callable, Iterator

import pytest

from support.server import binary

webdriver = pytest.importorskip("selenium.webdriver", reason="python3-selenium is not installed")
from selenium.webdriver.chrome.service import Service  # noqa: E402

SHOTS = pathlib.Path(binary()).parents[1] / "pictures" / "dashboard"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = pathlib.Path(__file__).parent
    cache = pathlib.Path(binary()).parent / "CMakeCache.txt"
    missing = ""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        missing = "chromium and chromium-driver are not installed"
    elif cache.exists() and "TANDEM_DASHBOARD:STRING=OFF" in cache.read_text():
        missing = "built with TANDEM_DASHBOARD=OFF"
    for item in items:
        if missing and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=missing))


class Browser:
    """One tab. `scheme`: light or dark, as the system says that its user likes it."""

    def __init__(self, profile: pathlib.Path, width: int, height: int, scheme: str):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        # No sandbox: tests run as root in containers. No /dev/shm: it is small there.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        """The text of the first such element, as it is now; empty without one."""
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def shoot(self, name: str) -> None:
        """A picture for a person to look at."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(SHOTS / f"{name}.png"))

    def complaints(self) -> list[str]:
        """What the page wrote to the console: errors of its scripts, refused loads, breaches of its policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def browser(tmp_path: pathlib.Path) -> Iterator[Callable[..., Browser]]:
    """browser(width=…, height=…, scheme="dark") opens one, and closes it at the end."""
    opened: list[Browser] = []

    def start(width: int = 1440, height: int = 1000, scheme: str = "light") -> Browser:
        opened.append(Browser(tmp_path / f"profile{len(opened)}", width, height, scheme))
        return opened[-1]

    yield start
    for one in opened:
        one.driver.quit()
