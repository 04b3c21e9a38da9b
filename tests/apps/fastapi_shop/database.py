"""The shop's tables, and a connection for each request."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Dict, Iterator, Optional

from tests.apps import state

SCHEMA = """
CREATE TABLE IF NOT EXISTS items (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, price REAL NOT NULL, stock INTEGER NOT NULL, tags TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY AUTOINCREMENT, item INTEGER NOT NULL, count INTEGER NOT NULL, total REAL NOT NULL);
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL);
"""


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(state.folder("shop") / "shop.db", timeout=30, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def create() -> None:
    """Several workers may do this at once."""
    with connect() as connection:
        connection.executescript(SCHEMA)
    connection.close()


def session() -> Iterator[sqlite3.Connection]:
    """A dependency. Endpoints commit themselves: FastAPI before 0.106 comes back here only when the answer was sent."""
    connection = connect()
    try:
        yield connection
    finally:
        connection.close()


def audit(line: str) -> None:
    with connect() as connection:
        connection.execute("INSERT INTO audit (line) VALUES (?)", (line,))
    connection.close()


def item_of(row: Optional[sqlite3.Row]) -> Optional[Dict[str, Any]]:
    return None if row is None else {**dict(row), "tags": json.loads(row["tags"])}
