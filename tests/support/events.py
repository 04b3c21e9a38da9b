"""Server-sent events of the admin side, as a viewer reads them."""

from __future__ import annotations

import http.client
import json
from typing import Any


class Viewer:
    """One client of /api/v1/events."""

    def __init__(self, server: Any, headers: dict[str, str] | None = None):
        self.connection = http.client.HTTPConnection(*server.admin_address, timeout=30)
        self.connection.request("GET", "/api/v1/events", headers=headers or {})
        self.answer = self.connection.getresponse()

    def next(self) -> tuple[str, Any]:
        """The next event's name and document."""
        name, data = None, None
        while line := self.answer.readline().decode().rstrip("\n"):
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = json.loads(value)
        assert name, "the stream has ended"
        return name, data

    def wait_for(self, name: str, wanted: Any = lambda document: True) -> Any:
        """The next event of that name whose document is wanted."""
        while True:
            event, document = self.next()
            if event == name and wanted(document):
                return document

    def close(self) -> None:
        self.connection.close()
        self.answer.close()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
