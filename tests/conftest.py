"""Fixtures that start the real binary. TANDEM_BINARY names another build of it, such as the one with sanitizers."""

from __future__ import annotations

import os
import textwrap
from typing import Any, Callable, Iterator

import pytest

pytest.register_assert_rewrite("support.client", "support.document", "support.server", "support.terminal")

from support.client import Arm  # noqa: E402  after the line that makes their assertions explain themselves
from support.demo import base_config, demo_routes  # noqa: E402
from support.server import Server, binary  # noqa: E402


def _require_binary() -> None:
    if not os.path.exists(binary()):
        pytest.fail(f"{binary()} is not built", pytrace=False)


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Callable[..., Server]]:
    """server(routes=[…], modules={"name": "source"}, **config) starts a server of the test's own and stops it at the end,
    expecting exit code 0. stop_check=False leaves that to the test."""
    _require_binary()
    started: list[tuple[Server, bool]] = []

    def start(
        routes: list[dict[str, Any]],
        modules: dict[str, str] | None = None,
        *,
        arguments: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        wait: bool = True,
        stop_check: bool = True,
        **config: Any,
    ) -> Server:
        folder = tmp_path / f"server{len(started)}"
        (folder / "modules").mkdir(parents=True)
        for name, source in (modules or {}).items():
            (folder / "modules" / f"{name}.py").write_text(textwrap.dedent(source))
        one = Server(folder, base_config(folder, routes=routes, **config), arguments, env, wait)
        started.append((one, stop_check))
        return one

    yield start
    for one, stop_check in reversed(started):
        if stop_check:
            one.stop()
        else:
            one.kill()
            one.expect_no_report()


@pytest.fixture(scope="session", params=["process", "thread"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All demo endpoints as twin routes, once with Python in worker processes and once in a thread of the server."""
    _require_binary()
    folder = tmp_path_factory.mktemp(f"demo_{request.param}")
    one = Server(folder, base_config(folder, routes=demo_routes(), pin="open", python={"mode": request.param}))
    yield one
    one.stop()


@pytest.fixture(params=["cpp", "py"])
def arm(request: pytest.FixtureRequest, demo: Server) -> Arm:
    """The demo endpoints through one arm: a test runs once for each, in both modes."""
    return Arm(demo, request.param)


@pytest.fixture
def both(demo: Server) -> tuple[Arm, Arm]:
    """Both arms, to compare their answers."""
    return Arm(demo, "cpp"), Arm(demo, "py")
