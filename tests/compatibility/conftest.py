"""A module of this folder names its APPLICATION; its tests are sessions, played against a reference server and against Tandem."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

pytest.register_assert_rewrite("support.sessions", "support.reference")

from support.reference import Application, Reference, tandem_run, tandem_serve  # noqa: E402
from support.sessions import Player, Step, differences  # noqa: E402

from accepted import unexplained  # noqa: E402

# "reference" is a second reference server: it shows that a session is the same when nothing differs.
WAYS: dict[str, Callable[[Any, Application], Any]] = {
    "reference": Reference,
    "process-1": lambda folder, application: tandem_run(folder, application, 1),
    "process-3": lambda folder, application: tandem_run(folder, application, 3),
    "serve": lambda folder, application: tandem_serve(folder, application, "process"),
    "thread": lambda folder, application: tandem_serve(folder, application, "thread"),
}
MATRIX = ["reference", "process-1", "process-3", "thread"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "versus" in metafunc.fixturenames:
        ways = getattr(metafunc.module, "MATRIX", MATRIX)
        metafunc.parametrize("versus", ways, indirect=True, scope="module")


class Versus:
    """One server under comparison. The reference's transcripts are kept: it plays each session once, in the same order."""

    def __init__(self, way: str, address: Any, reference: Any, transcripts: dict[str, list[Step]]):
        self.way = way
        self.address = address
        self.reference_address = reference.address
        self._reference = reference
        self._transcripts = transcripts

    def play(self, script: Callable[[Player], None]) -> None:
        name = script.__name__
        if name not in self._transcripts:
            self._transcripts[name] = self._played(self._reference.address, script)
        found = unexplained(differences(self._transcripts[name], self._played(self.address, script)))
        if found:
            pytest.fail("\n".join(map(str, found)), pytrace=False)

    def _played(self, address: Any, script: Callable[[Player], None]) -> list[Step]:
        player = Player(address)
        script(player)
        return player.steps




@pytest.fixture(scope="module")
def reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    one = Reference(tmp_path_factory.mktemp("reference"), request.module.APPLICATION)
    yield one, {}
    one.stop()


@pytest.fixture(scope="module")
def versus(request: pytest.FixtureRequest, reference: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versus]:
    application: Application = request.module.APPLICATION
    folder = tmp_path_factory.mktemp(request.param)
    one = WAYS[request.param](folder, application)
    yield Versus(request.param, one.address, *reference)
    one.stop()
