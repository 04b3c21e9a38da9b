"""The documents for people who come from another server do what they say: every file, command and configuration in them is run, and
every option and key in their tables is there."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import warnings
from typing import Any, Iterator

import pytest

from support.document import Walk, blocks_of
from support.server import SOURCE, binary, clean_environment, run

DOCUMENTS = ["from-uvicorn.md", "from-gunicorn.md", "from-uwsgi.md", "from-nginx-unit.md", "to-cpp.md", "frameworks.md",
             "tutorial-port-an-endpoint.md"]


@pytest.fixture(autouse=True)
def _needs_binary() -> None:
    if not os.path.exists(binary()):
        pytest.fail(f"{binary()} is not built", pytrace=False)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_document_shows_works(name: str, tmp_path: pathlib.Path) -> None:
    walk = Walk(tmp_path)
    walk.walk(blocks_of(SOURCE / "docs" / name))
    for left_out in walk.left_out:
        warnings.warn(left_out)


def rows(name: str, *head: str) -> Iterator[list[str]]:
    """The rows of the document's tables whose first columns are called so."""
    inside = False
    for line in (SOURCE / "docs" / name).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif inside and not set(line) <= set("|- "):
            yield cells
        elif tuple(cells[: len(head)]) == head:
            inside = True


def options(cell: str) -> list[str]:
    """Those that are written out: `--ssl-…` stands for several."""
    return [word for code in re.findall(r"`([^`]+)`", cell) for word in code.split() if re.fullmatch(r"--?[a-z-]+", word)]


def help_of(*command: str) -> str:
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, env=clean_environment(COLUMNS="200"))
    return done.stdout + done.stderr


def is_told(option: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){option}(?![\w-])", text) is not None


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_the_options_beside_each_other_are_there(name: str) -> None:
    ours = help_of(binary(), "run")
    table = list(rows(f"from-{name}.md", name, "Tandem"))
    assert len(table) > 10
    for _, right, *_ in table:
        for option in options(right):
            assert is_told(option, ours), f"tandem run has no {option}"


@pytest.mark.parametrize("name", ["uvicorn", "gunicorn"])
def test_options_that_are_refused_say_why(name: str, tmp_path: pathlib.Path) -> None:
    refused = [option for left, right, *_ in rows(f"from-{name}.md", name, "Tandem") if right == "refused" for option in options(left)]
    assert refused
    for option in refused:
        done = run("run", "shop:app", option, "value", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), option
        assert re.match(r"tandem: .*--\w", done.stderr) and "there is no option" not in done.stderr, done.stderr


def is_key(schema: dict[str, Any], path: list[str], at: dict[str, Any]) -> bool:
    """Does the schema have that key, behind whatever references and alternatives?"""
    if "$ref" in at:
        return is_key(schema, path, schema["definitions"][at["$ref"].rsplit("/", 1)[1]])
    if not path:
        return True
    if any(is_key(schema, path, other) for kind in ("anyOf", "oneOf", "allOf") for other in at.get(kind, [])):
        return True
    inner = at.get("properties", {}).get(path[0])
    return inner is not None and is_key(schema, path[1:], inner)


@pytest.mark.parametrize("name, head", [
    ("from-gunicorn.md", ("gunicorn.conf.py", "tandem.json")),
    ("from-uwsgi.md", ("uWSGI", "tandem.json")),
    ("from-nginx-unit.md", ("Unit", "Tandem")),
])
def test_the_keys_of_the_tables_are_there(name: str, head: tuple[str, str]) -> None:
    schema = json.loads((SOURCE / "config" / "tandem.schema.json").read_text())
    checked = 0
    for _, right, *_ in rows(name, *head):
        for key in re.findall(r"`((?:python|limits|log|admin|listen|trusted_proxies|pools)(?:\.[a-z_]+)*)`", right):
            assert is_key(schema, key.split("."), schema), f"{name}: there is no key {key}"
            checked += 1
    assert checked > 1
