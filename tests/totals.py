#!/usr/bin/python3
"""totals.py FOLDER: sums what the steps of `./tandem-dev test` left in FOLDER and prints one line of totals.

A step's folder holds any of ctest.xml, gtest/*.xml, pytest.xml (all JUnit) and `status`, its exit status. A C++ test program
counts with its own cases, which GoogleTest wrote to gtest/; where it wrote none (it crashed, or is no GoogleTest) it counts
as the one test that CTest saw. Exit 1 when anything failed, or when nothing ran at all.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass
class Totals:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_cases(root):
    totals = Totals()
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            totals.failed += 1
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled") or case.get("result") == "suppressed":
            totals.skipped += 1
        else:
            totals.passed += 1
    return totals


def read_xml(path):
    """None for a file that is missing or was cut off when its program died."""
    try:
        return ElementTree.parse(path).getroot()
    except (FileNotFoundError, ElementTree.ParseError):
        return None


def read_ctest(folder):
    totals = Totals()
    root = read_xml(folder / "ctest.xml")
    for case in [] if root is None else root.iter("testcase"):
        room = case.get("name", "").removeprefix("unit.")
        own = read_xml(folder / "gtest" / f"tandem_{room}_test.xml")
        alone = read_cases_of(case)
        if own is None:
            totals += alone
            continue
        inside = read_cases(own)
        if alone.failed and not inside.failed:  # every case passed, then a sanitizer or the exit did not
            inside.failed += 1
        totals += inside
    return totals


def read_cases_of(case):
    holder = ElementTree.Element("testsuite")
    holder.append(case)
    return read_cases(holder)


def read_step(folder):
    totals = read_ctest(folder)
    pytest = read_xml(folder / "pytest.xml")
    if pytest is not None:
        totals += read_cases(pytest)
    status = folder / "status"
    code = int(status.read_text() or 1) if status.exists() else 1
    if code != 0 and totals.failed == 0:  # it ended before it could say what failed
        totals.failed += 1
    return totals


def main(folder):
    totals = Totals()
    steps = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir())
    for step in steps:
        of_step = read_step(step)
        print(f"    {step.name}: {of_step}", file=sys.stderr)
        totals += of_step
    print(totals)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
