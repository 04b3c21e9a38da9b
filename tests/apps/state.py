"""Where an application keeps its files."""

from __future__ import annotations

import os
import pathlib


def folder(name: str) -> pathlib.Path:
    """The application's own folder, made when it is not there."""
    path = pathlib.Path(os.environ.get("APPS_STATE", ".")).resolve() / name
    path.mkdir(parents=True, exist_ok=True)
    return path
