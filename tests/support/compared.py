"""Makes tests of sessions."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from support.sessions import Player


def compared(script: Callable[[Player], None]) -> Callable[[Any], None]:
    """The test plays the script against the reference and against the server under comparison: no difference but accepted ones."""

    def test(versus: Any) -> None:
        versus.play(script)

    test.__name__ = script.__name__
    test.__doc__ = script.__doc__
    return test


def alone(script: Callable[[Player], None]) -> Callable[[Any], None]:
    """The test plays the script against Tandem only, and the script asserts by itself: for what a reference does not manage."""

    def test(versus: Any) -> None:
        if versus.way == "reference":
            pytest.skip("for Tandem alone")
        script(Player(versus.address))

    test.__name__ = script.__name__
    test.__doc__ = script.__doc__
    return test
