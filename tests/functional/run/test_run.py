"""`tandem run`: one application of any kind, with the options that people bring along from uvicorn and gunicorn."""

import pathlib
import shutil
import signal
import subprocess

import pytest

from support.server import Run, run, wait_until

APPLICATIONS = pathlib.Path(__file__).with_name("applications.py")


@pytest.fixture
def folder(tmp_path):
    shutil.copy(APPLICATIONS, tmp_path / "shop.py")
    return tmp_path


@pytest.fixture
def running(folder):
    started = []

    def start(*arguments, env=None, wait=True):
        one = Run(folder, *arguments, env=env, wait=wait)
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


@pytest.mark.parametrize(
    "target, interface",
    [
        ("shop:asgi", "asgi"),
        ("shop:wsgi", "wsgi"),
        ("shop", "asgi"),
        ("shop:Nested.application", "wsgi"),
        ("shop:make_wsgi()", "wsgi"),
        ("shop:make_asgi('wsgi', loud=True)", "wsgi"),
    ],
)
def test_finds_the_application_and_its_interface(running, target, interface):
    server = running(target)
    assert server.get("/a%20b").json()["interface"] == interface
    assert server.get("/a%20b").json()["path"] == "/a b"
    assert f"runs {target} ({interface.upper()}), 1 worker" in server.out.text()
    assert server.admin_address is None


def test_a_factory_is_called_once_by_each_worker(running):
    server = running("--factory", "shop:make_asgi", "--workers", "2")
    assert server.get("/").json()["interface"] == "asgi"
    assert "2 workers" in server.out.text()


def test_every_method_reaches_the_application(running):
    server = running("shop:asgi")
    for method in ("GET", "POST", "DELETE", "OPTIONS", "PROPFIND"):
        assert server.request(method, "/x").status == 200, method


@pytest.mark.parametrize("target", ["shop:asgi", "shop:wsgi"])
def test_root_path_stands_before_the_path(running, target):
    seen = running(target, "--root-path", "/api").get("/items").json()
    assert seen["root_path"] == "/api"
    assert seen["path"] in ("/items", "/api/items")


def test_listens_on_a_unix_socket(running, folder):
    path = str(folder / "s.sock")
    server = running("shop:wsgi", "--uds", path)
    assert server.address == path
    assert server.get("/").status == 200


def test_listens_on_several_addresses(running, folder):
    server = running("shop:wsgi", "-b", "127.0.0.1:0", "--bind", f"unix:{folder}/s.sock")
    assert len(server.addresses) == 2


def test_the_application_gets_variables(running, folder):
    (folder / ".env").write_text("# shop\nexport SHOP_A='from file'\nSHOP_B=from file\nSHOP_C=${SHOP_A}!\n")
    server = running("shop:asgi", "--env-file", ".env", "-e", "SHOP_D=x=y", env={"SHOP_B": "was there"})
    assert server.get("/").json()["environment"] == {
        "SHOP_A": "from file",
        "SHOP_B": "was there",
        "SHOP_C": "from file!",
        "SHOP_D": "x=y",
    }


def test_modules_are_found_where_the_options_say(running, folder):
    source = folder / "deep" / "src"
    source.mkdir(parents=True)
    shutil.move(folder / "shop.py", source / "shop.py")
    assert running("shop:asgi", "--app-dir", "deep/src").get("/").json()["cwd"] == str(folder)
    assert running("shop:asgi", "--chdir", "deep", "--app-dir", "src").get("/").json()["cwd"] == str(folder / "deep")
    assert running("shop:asgi", "--pythonpath", "deep/src").get("/").status == 200
    assert running("shop:asgi", env={"PYTHONPATH": "deep/src"}).get("/").status == 200


def test_the_active_virtual_environment_is_used(running, folder):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder / "venv"], check=True)
    server = running("shop:asgi", env={"VIRTUAL_ENV": str(folder / "venv")})
    assert server.get("/").json()["prefix"] == str(folder / "venv")
    assert running("shop:asgi", "--home", "venv").get("/").json()["prefix"] == str(folder / "venv")


def test_a_virtual_environment_that_does_not_fit_is_left_with_a_warning(running, folder):
    server = running("shop:asgi", env={"VIRTUAL_ENV": str(folder)})
    assert server.get("/").json()["prefix"] == "/usr"
    server.log.wait_for("warn .*is no virtual environment.*runs without it")


def test_workers_are_replaced_after_so_many_requests(running):
    server = running("shop:asgi", "--limit-max-requests", "3", "--admin", "127.0.0.1:0", "--name", "shop")
    first = server.get("/").json()["pid"]
    wait_until(lambda: server.get("/").json()["pid"] != first, "another worker")
    assert {worker["pool"] for worker in server.workers()} == {"shop"}
    assert server.admin("/api/v1/routes").json()["routes"][0]["arms"][0]["backend"] == "asgi"
    assert server.metric("tandem_requests_total", route="shop", backend="asgi") >= 4


def test_a_request_has_no_time_limit_unless_one_is_given(running, folder):
    (folder / "slow.py").write_text(
        "import time\ndef app(environ, start_response):\n    time.sleep(1)\n    start_response('200 OK', [])\n    return [b'done']\n"
    )
    assert running("slow:app", "--timeout", "100ms").get("/").problem(504, "python.timeout")
    assert running("slow:app", "--timeout", "0").get("/").text == "done"


def test_connections_beyond_the_limit_are_told_so(running):
    server = running("shop:asgi", "--limit-concurrency", "1")
    with server.connect() as one:
        assert one.get("/").status == 200
        assert server.get("/").status == 503


def test_the_access_log_is_there_unless_it_is_not_wanted(running):
    loud, quiet = running("shop:asgi"), running("shop:asgi", "--no-access-log")
    loud.get("/seen")
    loud.log.wait_for("GET /seen")
    quiet.get("/seen")
    quiet.stop()
    assert "/seen" not in quiet.log.text()


@pytest.mark.parametrize(
    "options, believed",
    [
        ((), True),
        (("--no-proxy-headers",), False),
        (("--forwarded-allow-ips", "192.0.2.1"), False),
        (("--forwarded-allow-ips", "192.0.2.1,127.0.0.0/8"), True),
        (("--proxy-headers", "--forwarded-allow-ips", "*"), True),
    ],
)
def test_which_proxies_are_believed(running, options, believed):
    fields = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    seen = running("shop:asgi", *options).get("/", fields).json()
    assert (seen["scheme"], seen["client"][0]) == (("https", "203.0.113.9") if believed else ("http", "127.0.0.1"))


@pytest.mark.parametrize("when, started", [("auto", 1), ("on", 1), ("off", 0)])
def test_whether_the_application_gets_its_lifespan(running, when, started):
    assert running("shop:asgi", "--lifespan", when).get("/").json()["started"] == started


def test_options_of_other_servers_get_a_word(running):
    server = running("shop:asgi", "-k", "uvicorn.workers.UvicornWorker", "--loop", "uvloop", "--preload")
    for option in ("--worker-class", "--loop", "--preload"):
        server.log.wait_for(f"warn {option}: ")
    assert server.get("/").status == 200


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "which application?"),
        (("shop.py",), 'did you mean "shop"?'),
        (("shop:asgi", "--wrokers", "2"), 'no option --wrokers (did you mean "--workers"?)'),
        (("shop:asgi", "--daemon"), "--daemon: "),
        (("shop:asgi", "-c", "gunicorn.conf.py"), "--config: "),
        (("shop:asgi", "--port", "http"), "--port: "),
        (("shop:none", "--port", "0"), 'has no "none"'),
        (("nothing:app", "--port", "0"), "No module named 'nothing'"),
        (("shop:asgi", "--interface", "cgi"), "--interface: "),
    ],
)
def test_bad_usage_is_explained(folder, arguments, message):
    result = run("run", *arguments, cwd=folder)
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_a_taken_port_is_an_error(running, folder):
    _, port = running("shop:asgi").address
    result = run("run", "shop:asgi", "--port", str(port), cwd=folder)
    assert result.returncode == 1
    assert str(port) in result.stderr


def test_help_is_there():
    result = run("run", "--help")
    assert result.returncode == 0
    for option in ("--workers", "--bind", "--reload", "--env-file", "--root-path"):
        assert option in result.stdout
    assert "--worker-class" not in result.stdout


def test_ctrl_c_stops_it(folder):
    server = Run(folder, "shop:asgi")
    server.signal(signal.SIGINT)
    assert server.wait() == 0
