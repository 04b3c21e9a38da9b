"""The scope that an ASGI application is given, key by key, against uvicorn's."""

from __future__ import annotations

from typing import Any

import pytest

from accepted import SCOPE, WEBSOCKET_SCOPE
from seen import REQUESTS, compare, http_document, websocket_document
from support.reference import Application

APPLICATION = Application("asgi", "tests.apps.scope_echo:app")
MATRIX = ["process-1", "serve", "thread"]


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case[0])
def test_http(versus: Any, case: Any) -> None:
    compare(lambda address: http_document(address, case), versus, SCOPE)


def test_websocket(versus: Any) -> None:
    pytest.importorskip("websockets")
    fields = {"Sec-WebSocket-Protocol": "a, b", "X-A": "1", "Cookie": "a=1"}
    compare(lambda address: websocket_document(address, "/ws/%C3%A4?x=%20", fields), versus, WEBSOCKET_SCOPE)
