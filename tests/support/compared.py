"""Makes a test of a session."""

from __future__ import annotations

from typing import Any, Callable

from support.sessions import Player


def compared(script: Callable[[Player], None]) -> Callable[[Any], None]:
    """The test plays the script against the reference and against the server under comparison: no difference but accepted ones."""

    def test(versus: Any) -> None:
        versus.play(script)

    test.__name__ = script.__name__
    test.__doc__ = script.__doc__
    return test
