"""The blog's tables, and a connection for each request."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import g

from tests.apps import state

SCHEMA = """
CREATE TABLE IF NOT EXISTS posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, author TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, picture TEXT);
CREATE TABLE IF NOT EXISTS closed (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL);
"""


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(state.folder("blog") / "blog.db", timeout=30)
    connection.row_factory = sqlite3.Row
    return connection


def create() -> None:
    """Several workers may do this at once."""
    with connect() as connection:
        connection.executescript(SCHEMA)
    connection.close()


def db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = connect()
    return g.db


def close(error: Any = None) -> None:
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()
