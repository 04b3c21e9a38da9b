"""The parts of ASGI that are off the hot path, as the module `_tandem_asgi`. It is compiled into the binary."""

import asyncio
import json
import logging
import os
import stat
import sys

import _tandem
from _tandem_runtime import format_error

_FILE_PIECE = 256 * 1024

_log = logging.getLogger("tandem.asgi")


class ClientDisconnected(OSError):
    """What send() raises when the client has gone."""


def is_disconnect(error):
    """Is this only what an application ends with when its client has gone, or it was cancelled?"""
    if isinstance(error, (ClientDisconnected, asyncio.CancelledError)):
        return True
    if type(error).__name__ in ("ClientDisconnect", "WebSocketDisconnect"):
        return True  # Starlette's names for it
    members = getattr(error, "exceptions", None)  # of an exception group, Python's or anyio's
    return isinstance(members, (list, tuple)) and len(members) > 0 and all(is_disconnect(one) for one in members)


def wants_path_without_root(application):
    """Is it, or does it wrap, a Starlette of the time when `path` did not contain `root_path`?"""
    starlette = sys.modules.get("starlette")
    numbers = getattr(starlette, "__version__", "").split(".")[:2]
    if not all(number.isdigit() for number in numbers) or len(numbers) < 2 or (int(numbers[0]), int(numbers[1])) >= (0, 33):
        return False
    for _ in range(100):
        application = getattr(application, "__self__", application)  # of a method
        if any(one.__module__.partition(".")[0] == "starlette" for one in type(application).__mro__):
            return True
        application = next((getattr(application, name) for name in ("app", "application") if hasattr(application, name)), None)
        if application is None:
            return False
    return False


# --- http.response.pathsend ------------------------------------------------------------------------------------------


async def send_file(connection, path):
    """Sends a file as the body of a response that was started, and ends it."""
    path = os.fspath(path)
    if not os.path.isabs(path):
        raise ValueError(f"'http.response.pathsend' takes an absolute path, not {path!r}")
    run = asyncio.get_running_loop().run_in_executor
    file = await run(None, _open_file, path)
    try:
        left = os.fstat(file.fileno()).st_size
        if not connection.announce(left):
            left = 0
        while True:
            piece = await run(None, file.read, min(left, _FILE_PIECE)) if left else b""
            left -= len(piece)
            if left and not piece:
                raise OSError(f"{path} became shorter while it was sent")
            await connection.send_part({"body": piece, "more_body": left > 0})
            if not left:
                return
    finally:
        file.close()


def _open_file(path):
    file = open(path, "rb", buffering=0)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(f"{path} is not a regular file")
    return file


# --- lifespan --------------------------------------------------------------------------------------------------------


class _Lifespan:
    """Start and end of one application."""

    def __init__(self, target, application):
        self.target = target
        self.state = {}
        self.supported = False
        self._application = application
        self._events = asyncio.Queue()
        self._told = asyncio.Event()  # startup or shutdown has been answered, or the application has returned
        self._answer = None  # the message it was answered with
        self._error = None
        self._phase = "startup"
        self._taken = False  # it has received the event of this phase
        self._task = None

    async def start_up(self, mode):
        """What went wrong, as (message, traceback); None if nothing did."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._go_through()
        if self._answer is not None:
            self.supported = self._answer["type"] == "lifespan.startup.complete"
            if self.supported:
                return None
            message = str(self._answer.get("message") or "")
            await self._task  # its exception tells more
            return f"the application did not start: {_last_line(message) or 'lifespan.startup.failed'}", message or self._traceback()
        if mode == "on":
            if self._error is None:
                return "the application returned without 'lifespan.startup.complete'", ""
            return f"the application did not start: {type(self._error).__name__}: {self._error}", self._traceback()
        if self._error is not None and self._taken:
            _log.warning("%s raised in its lifespan, which is taken as not supported\n%s", self.target, self._traceback())
        return None

    async def shut_down(self):
        if not self.supported or self._task.done():
            return
        self._phase, self._answer, self._taken = "shutdown", None, False
        self._told.clear()
        await self._go_through()
        if self._error is not None:
            _log.error("%s failed to shut down\n%s", self.target, self._traceback())
        elif self._answer is not None and self._answer["type"] == "lifespan.shutdown.failed":
            _log.error("%s failed to shut down: %s", self.target, self._answer.get("message") or "lifespan.shutdown.failed")

    async def _go_through(self):
        self._events.put_nowait({"type": f"lifespan.{self._phase}"})
        await self._told.wait()

    async def _run(self):
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._application(scope, self._receive, self._send)
        except BaseException as error:  # SystemExit too: it must not leave the loop
            self._error = error
            if self._is_serving():
                _log.error("%s raised in its lifespan while it was serving\n%s", self.target, self._traceback())
        finally:
            self._told.set()

    async def _receive(self):
        event = await self._events.get()
        self._taken = True
        return event

    async def _send(self, message):
        kind = message["type"]
        if kind not in (f"lifespan.{self._phase}.complete", f"lifespan.{self._phase}.failed"):
            raise RuntimeError(f"Expected ASGI message 'lifespan.{self._phase}.complete', but got '{kind}'.")
        if self._answer is not None:
            raise RuntimeError(f"Unexpected ASGI message '{kind}', sent twice.")
        self._answer = message
        self._told.set()

    def _is_serving(self):
        return self._phase == "startup" and self._answer is not None and self._answer["type"] == "lifespan.startup.complete"

    def _traceback(self):
        return "" if self._error is None else format_error(self._error)


def _last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


class Lifespans:
    """Those of all applications of this worker; an application that serves several endpoints has one."""

    def __init__(self):
        self._by_application = {}  # id: lifespan

    async def start_up(self, applications, mode):
        """`applications`: of each endpoint (target, application or None). Gives JSON of what failed, or None."""
        for target, application in applications:
            if mode == "off" or application is None or id(application) in self._by_application:
                continue
            _tandem.step(f"lifespan startup of {target}")
            one = self._by_application[id(application)] = _Lifespan(target, application)
            problem = await one.start_up(mode)
            if problem is not None:
                await self.shut_down()
                step, (message, traceback) = f"lifespan startup of {target}", problem
                return json.dumps({"step": step, "message": f"{target}: {message}", "traceback": traceback})
        return None

    def states(self, applications):
        """By endpoint the state that requests get a copy of, or None."""
        found = [self._by_application.get(id(application)) for _, application in applications]
        return [one.state if one is not None and one.supported else None for one in found]

    async def shut_down(self):
        for one in reversed(self._by_application.values()):
            await one.shut_down()
