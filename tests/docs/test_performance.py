"""The page of figures is what the newest measurement and its notes give, and no hand has changed it since."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_figures_is_rendered_from_the_newest_measurement():
    check = subprocess.run(["/usr/bin/python3", ROOT / "bench" / "report.py", "--check"], capture_output=True, text=True, timeout=60)
    assert check.returncode == 0, check.stderr
