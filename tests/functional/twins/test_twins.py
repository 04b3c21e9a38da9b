"""Twin routes: shares, the Tandem-Arm field, and who may pin."""

import collections

import pytest

from support.demo import twin

JSON = twin("/json", "json", "json_hello")


def weighted(cpp, py):
    route = twin("/json", "json", "json_hello")
    route["arms"]["cpp"]["weight"] = cpp
    route["arms"]["py"]["weight"] = py
    return route


def arms_seen(one, count, headers=()):
    seen = collections.Counter()
    with one.connect() as connection:
        for _ in range(count):
            answer = connection.get("/json", headers)
            assert (answer.status, answer.body) == (200, b'{"message":"Hello, World!"}')
            seen[answer.get("Tandem-Arm")] += 1
    return seen


def test_both_arms_answer_in_their_shares(server):
    seen = arms_seen(server([weighted(90, 10)]), 2000)
    assert set(seen) == {"cpp", "py"}
    assert 100 < seen["py"] < 300  # 200 expected, the standard deviation is 13: a miss is a broken split


def test_an_arm_of_weight_zero_answers_only_when_pinned(server):
    one = server([weighted(1, 0)], pin="open")
    assert arms_seen(one, 200) == {"cpp": 200}
    assert arms_seen(one, 5, {"Tandem-Arm": "py"}) == {"py": 5}


def test_plain_routes_name_no_arm(server):
    one = server([{"path": "/plain", "native": "plaintext"}])
    answer = one.get("/plain", {"Tandem-Arm": "cpp"})
    assert answer.get("Tandem-Arm") is None
    assert answer.get("Tandem-Override-Status") is None


PROXIED = [{"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}]


@pytest.mark.parametrize("policy", [None, "loopback"])
def test_loopback_peers_may_pin_by_default(server, policy):
    one = server([JSON], **({"pin": policy} if policy else {}))
    for name in ("cpp", "py"):
        answer = one.get("/json", {"Tandem-Arm": name})
        assert answer.get("Tandem-Arm") == name
        assert answer.get("Tandem-Override-Status") is None


@pytest.mark.parametrize("through", PROXIED)
def test_a_pin_that_came_through_a_proxy_is_denied(server, through):
    one = server([weighted(1, 0)])
    answer = one.get("/json", {"Tandem-Arm": "py", **through})
    assert (answer.status, answer.get("Tandem-Arm"), answer.get("Tandem-Override-Status")) == (200, "cpp", "denied")


def test_open_lets_anybody_pin(server):
    one = server([weighted(1, 0)], pin="open")
    answer = one.get("/json", {"Tandem-Arm": "py", **PROXIED[0]})
    assert (answer.get("Tandem-Arm"), answer.get("Tandem-Override-Status")) == ("py", None)


def test_off_lets_nobody(server):
    one = server([weighted(1, 0)], pin="off")
    answer = one.get("/json", {"Tandem-Arm": "py"})
    assert (answer.get("Tandem-Arm"), answer.get("Tandem-Override-Status")) == ("cpp", "denied")


def test_a_token_lets_its_bearer(server, tmp_path):
    (tmp_path / "pin.token").write_text("s3cret-pin-token\n")
    one = server([weighted(1, 0)], pin="token", pin_token_file=str(tmp_path / "pin.token"))
    denied = one.get("/json", {"Tandem-Arm": "py"})
    assert (denied.get("Tandem-Arm"), denied.get("Tandem-Override-Status")) == ("cpp", "denied")
    wrong = one.get("/json", {"Tandem-Arm": "py", "Tandem-Override": "guess"})
    assert (wrong.get("Tandem-Arm"), wrong.get("Tandem-Override-Status")) == ("cpp", "denied")
    right = one.get("/json", {"Tandem-Arm": "py", "Tandem-Override": "s3cret-pin-token"})
    assert (right.get("Tandem-Arm"), right.get("Tandem-Override-Status")) == ("py", None)


def test_a_route_may_have_its_own_policy(server):
    one = server([weighted(1, 0) | {"pin": "off"}], pin="open")
    assert one.get("/json", {"Tandem-Arm": "py"}).get("Tandem-Override-Status") == "denied"


def test_a_pin_to_no_arm_is_ignored_and_said_so(server):
    one = server([weighted(1, 0)], pin="open")
    answer = one.get("/json", {"Tandem-Arm": "rust"})
    assert (answer.status, answer.get("Tandem-Arm"), answer.get("Tandem-Override-Status")) == (200, "cpp", "denied")
