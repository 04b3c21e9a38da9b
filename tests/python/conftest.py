import os
import pathlib
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "python"))  # the `tandem` package that endpoints are unit-tested with

from worker_front import Worker, binary  # noqa: E402  after sys.path


@pytest.fixture
def worker(tmp_path):
    if not os.path.exists(binary()):
        pytest.fail(f"{binary()} is not built", pytrace=False)
    started = []

    def start(source, endpoints, **options):
        one = Worker(tmp_path / f"worker{len(started)}", source, endpoints, **options)
        started.append(one)
        return one

    yield start
    for one in started:
        one.close()
