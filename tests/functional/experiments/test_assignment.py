"""Who gets which arm: sticky keys, pins, what the answers say, and what `tandem explain` does."""

from __future__ import annotations

import collections
import hashlib
import hmac
import json
import re
import time

import pytest

from support.assignment import bucket
from support.demo import twin
from support.server import run


def experiment(cpp=50, py=50, **keys):
    route = twin("/json", "json", "json_hello")
    route["arms"]["cpp"]["weight"] = cpp
    route["arms"]["py"]["weight"] = py
    route["experiment"] = {"id": "port", "control": "py", "key": ["header:X-User"], **keys}
    return route


def arms_of(one, users, path="/json"):
    with one.connect() as connection:
        return {user: connection.get(path, {"X-User": user}).get("Tandem-Arm") for user in users}


USERS = [f"user-{number}" for number in range(300)]


def test_the_arm_of_a_key_is_what_anybody_can_compute(server):
    seen = arms_of(server([experiment(cpp=30, py=70)]), USERS)
    assert seen == {user: "cpp" if bucket("port", user) >= 7000 else "py" for user in USERS}
    assert 50 < sum(arm == "cpp" for arm in seen.values()) < 130


def test_a_key_keeps_its_arm_over_connections_restarts_and_ramps(server):
    first = arms_of(server([experiment(cpp=10, py=90)]), USERS)
    one = server([experiment(cpp=10, py=90)])
    with one.connect() as connection:
        again = {user: connection.get("/json", {"X-User": user}).get("Tandem-Arm") for user in USERS}
    assert first == again == arms_of(one, USERS)
    ramped = arms_of(server([experiment(cpp=60, py=40)]), USERS)
    assert all(ramped[user] == "cpp" for user in USERS if first[user] == "cpp")


def test_another_salt_assigns_anew(server):
    one = arms_of(server([experiment()]), USERS)
    other = arms_of(server([experiment(salt="pepper")]), USERS)
    assert 100 < sum(one[user] != other[user] for user in USERS) < 200


def test_without_a_key_each_request_is_assigned_at_random(server):
    one = server([experiment()])
    with one.connect() as connection:
        seen = collections.Counter(connection.get("/json").get("Tandem-Arm") for _ in range(400))
    assert 120 < seen["cpp"] < 280 and seen["cpp"] + seen["py"] == 400


def test_assign_request_looks_at_no_key(server):
    one = server([experiment(assign="request")])
    with one.connect() as connection:
        seen = {connection.get("/json", {"X-User": "bob"}).get("Tandem-Arm") for _ in range(100)}
    assert seen == {"cpp", "py"}


@pytest.mark.parametrize(
    "source, request_of",
    [
        ("cookie:uid", lambda user: ("/fib/1", {"Cookie": f"a=b; uid={user}"})),
        ("query:u", lambda user: (f"/fib/1?u={user.replace('-', '%2D')}", {})),
        ("path:n", lambda user: (f"/fib/{user[5:]}", {})),
    ],
)
def test_sources_of_the_key(server, source, request_of):
    route = twin("/fib/{n}", "fib", "fib")
    route["experiment"] = {"id": "port", "control": "py", "key": [source], "expose": "all"}
    one = server([route])
    for user in USERS[1:20]:
        target, headers = request_of(user)
        answer = one.get(target, headers)
        expected = bucket("port", user if source != "path:n" else user[5:])
        assert answer.get("Tandem-Arm") == ("cpp" if expected >= 5000 else "py")


def test_mint_gives_a_client_an_id_once(server):
    one = server([experiment(key=["header:X-User", "mint"], mint_max_age="1h")])
    answer = one.get("/json")
    cookie = re.fullmatch(
        r"tandem_id=([0-9a-f]{32}); Max-Age=3600; Path=/; HttpOnly; SameSite=Lax", answer.get("Set-Cookie") or ""
    )
    assert cookie
    assert answer.get("Cache-Control") == "private"
    arm = answer.get("Tandem-Arm")
    assert arm == ("cpp" if bucket("port", cookie[1]) >= 5000 else "py")
    for _ in range(5):
        again = one.get("/json", {"Cookie": f"tandem_id={cookie[1]}"})
        assert (again.get("Tandem-Arm"), again.get("Set-Cookie")) == (arm, None)
    assert one.get("/json", {"Cookie": "tandem_id=mine"}).get("Set-Cookie")
    assert one.get("/json", {"X-User": "bob"}).get("Set-Cookie") is None
    assert one.get("/json", {"Tandem-Arm": "cpp"}).get("Set-Cookie") is None  # a pin is nobody's assignment


def test_a_draft_sends_everybody_to_control(server):
    one = server([experiment(state="draft", expose="all")])
    assert set(arms_of(one, USERS[:50]).values()) == {"py"}
    assert one.get("/json").get("Tandem-Assigned-By") == "default"


def test_switchback_sends_everybody_to_one_arm(server):
    one = server([experiment(assign="switchback", block="24h", expose="all")])
    seen = set(arms_of(one, USERS[:50]).values())
    assert len(seen) == 1
    assert one.get("/json").get("Tandem-Assigned-By") == "switchback"


def test_metrics_say_where_keys_were_found(server):
    one = server([experiment(key=["header:X-User", "cookie:uid"])])
    one.get("/json", {"X-User": "bob"})
    one.get("/json", {"Cookie": "uid=bob"})
    one.get("/json")
    one.get("/json", {"Tandem-Arm": "cpp"})  # a pin has no key
    for source in ("header", "cookie", "none"):
        assert one.metric("tandem_experiment_keys_total", experiment="port", source=source) == 1
    assert one.metric("tandem_experiment_breaker_off", experiment="port", arm="cpp") == 0


# --- what answers say


def fields_of(answer):
    names = ("Tandem-Backend", "Tandem-Experiment", "Tandem-Assigned-By")
    return [answer.get(name) for name in names] + [answer.get("Server-Timing") is not None]


def test_by_default_only_those_who_pin_see_more_than_the_arm(server):
    one = server([experiment()])
    assert fields_of(one.get("/json", {"X-User": "bob"})) == [None, None, None, False]
    assert fields_of(one.get("/json", {"Tandem-Arm": "cpp"})) == ["native", "port;rev=1", "override", True]
    assert fields_of(one.get("/json", {"Tandem-Arm": "py"})) == ["python", "port;rev=1", "override", True]


def test_expose_all_and_off(server):
    everybody, nobody = server([experiment(expose="all")]), server([experiment(expose="off")])
    seen = {tuple(fields_of(everybody.get("/json", {"X-User": user}))) for user in USERS[:20]}
    assert seen == {("native", "port;rev=1", "hash", True), ("python", "port;rev=1", "hash", True)}
    answer = nobody.get("/json", {"Tandem-Arm": "cpp"})
    assert (answer.get("Tandem-Arm"), fields_of(answer)) == ("cpp", [None, None, None, False])


def test_question_mark_explains(server):
    one = server([experiment(cpp=30, py=70)])
    user = next(user for user in USERS if bucket("port", user) >= 7000)
    answer = one.get("/json", {"X-User": user, "Tandem-Arm": "?"})
    assert answer.status == 200
    assert (
        answer.get("Tandem-Explain")
        == f"key=header:X-User; bucket={bucket('port', user)}; layout=cpp[7000-9999]; epoch=1"
    )
    assert answer.get("Tandem-Assigned-By") == "hash"
    assert one.get("/json", {"Tandem-Arm": "?"}).get("Tandem-Explain").startswith("key=none; bucket=")
    denied = one.get("/json", {"Tandem-Arm": "?", "X-Forwarded-For": "192.0.2.1"})
    assert (denied.get("Tandem-Explain"), denied.get("Tandem-Override-Status")) == (None, "denied")


MODULE = """
from tandem import Response

def cached(request):
    return Response("x", headers={"Cache-Control": request.query_params["control"]})
"""


def test_shared_caches_keep_no_answer_of_a_split(server):
    def route(path, **keys):
        arms = {"a": {"python": "pages:cached"}, "b": {"python": "pages:cached"}}
        identity = {"id": path[1:], "control": "a", "key": ["header:X-User"]}
        return {"path": path, "methods": ["GET", "POST"], "arms": arms, "experiment": identity | keys}

    one = server([route("/page"), route("/shared", cacheable=True)], modules={"pages": MODULE})

    def private(path, control, method="GET"):
        return one.request(method, f"{path}?control={control}").getall("Cache-Control")

    assert private("/page", "public") == ["public", "private"]
    assert private("/page", "no-store") == ["no-store"]
    assert private("/page", "max-age=5,Private") == ["max-age=5,Private"]
    assert private("/page", "max-age=5", "POST") == ["max-age=5"]
    assert private("/shared", "public") == ["public"]


# --- pins


def test_a_signed_pin_holds_until_it_expires(server, tmp_path):
    (tmp_path / "pin.token").write_text("s3cret\n")
    route = experiment(cpp=0, py=100)
    one = server([route], pin="token", pin_token_file=str(tmp_path / "pin.token"))

    def signed(name, expiry, key=b"s3cret", experiment_id="port"):
        message = f"{name}.{expiry}"
        return f"{message}.{hmac.new(key, f'{experiment_id}/{message}'.encode(), hashlib.sha256).hexdigest()}"

    def ask(override, **fields):
        answer = one.get("/json", {"Tandem-Override": override, **fields})
        return answer.get("Tandem-Arm"), answer.get("Tandem-Override-Status")

    later = int(time.time()) + 3600
    assert ask(signed("cpp", later)) == ("cpp", None)
    assert ask(signed("cpp", 1000)) == ("py", "denied")
    assert ask(signed("cpp", later, key=b"guess")) == ("py", "denied")
    assert ask(signed("cpp", later, experiment_id="other")) == ("py", "denied")
    assert ask(signed("rust", later)) == ("py", "denied")
    assert ask("s3cret") == ("py", None)
    assert ask("s3cret", **{"Tandem-Arm": "cpp"}) == ("cpp", None)
    assert ask("guess") == ("py", "denied")


def test_the_query_pins_only_where_it_is_switched_on(server, tmp_path):
    (tmp_path / "pin.token").write_text("s3cret\n")
    config = {"pin": "token", "pin_token_file": str(tmp_path / "pin.token")}
    off, on = server([experiment(cpp=0)], **config), server([experiment(cpp=0, override_query=True)], **config)
    target = "/json?tandem_arm=cpp&tandem_token=s3cret"
    assert off.get(target).get("Tandem-Arm") == "py"
    assert on.get(target).get("Tandem-Arm") == "cpp"
    wrong = on.get("/json?tandem_arm=cpp&tandem_token=guess")
    assert (wrong.get("Tandem-Arm"), wrong.get("Tandem-Override-Status")) == ("py", "denied")


# --- commands


def test_explain_says_where_a_key_belongs(server, tmp_path):
    config = tmp_path / "explained.json"
    config.write_text(json.dumps({"routes": [experiment(cpp=30, py=70) | {"path": "/json"}]}))
    user = next(user for user in USERS if bucket("port", user) >= 7000)
    (tmp_path / "python_handlers").mkdir()
    shown = run("explain", "GET", "/json", "-H", f"X-User: {user}", "--json", str(config), cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    said = json.loads(shown.stdout)["experiment"]
    assert (said["id"], said["arm"], said["key"], said["bucket"]) == ("port", "cpp", "header:X-User", bucket("port", user))
    text = run("explain", "GET", "/json", "-H", f"X-User: {user}", str(config), cwd=tmp_path)
    assert "experiment port: arm cpp by hash (key=header:X-User; bucket=" in text.stdout
