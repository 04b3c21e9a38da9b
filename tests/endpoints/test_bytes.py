import random

import pytest

from support.client import request_bytes


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000, 65536, 65537, 1_000_003])
def test_gives_that_many_seeded_bytes(arm, size):
    answer = arm.get(f"/bytes/{size}?seed=7")
    assert (answer.status, answer.type) == (200, "application/octet-stream")
    assert answer.get("content-length") == str(size)
    assert answer.body == random.Random(7).randbytes(size)


def test_the_seed_is_one_unless_given(arm):
    assert arm.get("/bytes/16").body == random.Random(1).randbytes(16)
    assert arm.get("/bytes/16?seed=4294967295").body == random.Random(4294967295).randbytes(16)
    assert arm.get("/bytes/16?seed=0").body == random.Random(0).randbytes(16)


def test_long_answers_are_whole(arm):
    size = 20 * 1024 * 1024
    answer = arm.get(f"/bytes/{size}")
    assert answer.complete
    assert answer.body == random.Random(1).randbytes(size)


@pytest.mark.parametrize("target", ["/bytes/104857601", "/bytes/-1", "/bytes/1k"])
def test_other_sizes_are_refused(arm, target):
    problem = arm.get(target).problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "n must be a whole number from 0 to 104857600"


@pytest.mark.parametrize("seed", ["4294967296", "-1", "", "x"])
def test_other_seeds_are_refused(arm, seed):
    problem = arm.get(f"/bytes/1?seed={seed}").problem(400, "endpoint.bad_argument")
    assert problem["detail"] == "seed must be a whole number from 0 to 4294967295"


def test_head_tells_the_length_without_the_bytes(arm):
    answer = arm.head("/bytes/5000")
    assert (answer.status, answer.get("content-length"), answer.body) == (200, "5000", b"")


def test_a_client_that_leaves_early_harms_nobody(arm, demo):
    with demo.connect() as connection:
        connection.send(request_bytes("GET", "/bytes/104857600", {"Tandem-Arm": arm.name}))
        head = connection.read_head()
        assert head.get("content-length") == "104857600"
        connection.abort()
    assert arm.get("/bytes/10").body == random.Random(1).randbytes(10)
