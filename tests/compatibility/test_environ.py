"""The environ that a WSGI application is given, key by key, against gunicorn's."""

from __future__ import annotations

from typing import Any

import pytest

from seen import REQUESTS, compare, http_document
from support.reference import Application

APPLICATION = Application("wsgi", "tests.apps.environ_echo:app")

# Where Tandem's environ says something else than gunicorn's. The reasons stand in docs/compatibility.md.
ACCEPTED = {
    "SERVER_SOFTWARE": "environ-of-the-server",
    "RAW_URI": "environ-of-the-server",
    "wsgi.multiprocess": "environ-of-the-server",
    "gunicorn.socket": "environ-of-the-server",
    "wsgi.input_terminated": "input-terminated",
}


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case[0])
def test_http(versus: Any, case: Any) -> None:
    compare(lambda address: http_document(address, case), versus, ACCEPTED)
