"""A program on a terminal of its own: what it draws is kept as a screen of text, keys are typed into it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from typing import Any, Callable

import pyte

from support.server import EVENT_DEADLINE, STOP_DEADLINE, clean_environment


class Terminal:
    """Runs `command` on a pseudo terminal that pyte understands as a Linux console does."""

    def __init__(self, command: list[str], rows: int = 30, columns: int = 140, **env: str):
        self._leader, self._follower = pty.openpty()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._set_size(rows, columns)
        self._before = self._settings()
        self.process = subprocess.Popen(
            command,
            stdin=self._follower,
            stdout=self._follower,
            stderr=subprocess.PIPE,
            env=clean_environment(**({"TERM": "linux"} | env)),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _settings(self) -> list[Any]:
        return termios.tcgetattr(self._follower)

    def resize(self, rows: int, columns: int) -> None:
        """The kernel tells the program with SIGWINCH."""
        self._screen.resize(rows, columns)
        self._set_size(rows, columns)

    def type(self, keys: str) -> None:
        os.write(self._leader, keys.encode())

    def lines(self) -> list[str]:
        """The screen now."""
        while select.select([self._leader], [], [], 0)[0]:
            self._stream.feed(os.read(self._leader, 65536))
        return [line.rstrip() for line in self._screen.display]

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait_for(self, wanted: str | Callable[[str], Any], deadline: float = EVENT_DEADLINE) -> str:
        """The screen, once it shows that."""
        is_wanted = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        end = time.monotonic() + deadline
        while not is_wanted(shown := self.text()):
            assert time.monotonic() < end, f"timed out waiting for {wanted!r} on the screen:\n{shown}"
            select.select([self._leader], [], [], 0.1)
        return shown

    def wait(self) -> int:
        """The exit code."""
        code = self.process.wait(STOP_DEADLINE)
        self.lines()
        return code

    def error(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read().decode()

    def is_as_before(self) -> bool:
        """Is the terminal as it was: echo, line by line, the cursor seen?"""
        return self._settings() == self._before and not self._screen.cursor.hidden

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        os.close(self._follower)
        os.close(self._leader)
