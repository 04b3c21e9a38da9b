"""The environ that a WSGI application is given, key by key, against gunicorn's."""

from __future__ import annotations

from typing import Any

import pytest

from accepted import ENVIRON, FORWARDED_ENVIRON
from seen import REQUESTS, compare, http_document
from support.reference import Application

APPLICATION = Application("wsgi", "tests.apps.environ_echo:app")
MATRIX = ["process-1", "serve", "thread"]


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case[0])
def test_http(versus: Any, case: Any) -> None:
    accepted = FORWARDED_ENVIRON if case[0] == "forwarded" else ENVIRON
    compare(lambda address: http_document(address, case), versus, accepted)
