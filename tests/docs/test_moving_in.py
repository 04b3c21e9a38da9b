"""The documents for people who come from another server do what they say: every file, command and configuration in them is run."""

from __future__ import annotations

import os
import pathlib
import warnings

import pytest

from support.document import Walk, blocks_of
from support.server import SOURCE, binary

DOCUMENTS = ["from-uvicorn.md", "from-gunicorn.md", "from-uwsgi.md", "from-nginx-unit.md", "to-cpp.md", "frameworks.md"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_the_document_shows_works(name: str, tmp_path: pathlib.Path) -> None:
    if not os.path.exists(binary()):
        pytest.fail(f"{binary()} is not built", pytrace=False)
    walk = Walk(tmp_path)
    walk.walk(blocks_of(SOURCE / "docs" / name))
    for left_out in walk.left_out:
        warnings.warn(left_out)
