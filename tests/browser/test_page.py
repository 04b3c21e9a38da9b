"""The dashboard as a person sees it, in a browser, over a server under load."""

import contextlib
import json
import pathlib
import re
import threading

import pytest

from support.demo import twin
from support.server import EVENT_DEADLINE, Load, binary, wait_until

EXPERIMENT = {"id": "fib-port", "control": "py", "key": ["random"], "metrics": {"window": "1s"}}
AXE = pathlib.Path(binary()).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"


def fib(**experiment):
    return twin("/fib/{n}", "fib", "fib", {"name": "fib", "experiment": EXPERIMENT | experiment})


@pytest.fixture
def loaded(server):
    """A server that answers all the while."""
    one = server([fib(), twin("/json", "json", "json_hello"), {"path": "/plaintext", "native": "plaintext"}])
    loads = [Load(one.address, "/fib/20", 2), Load(one.address, "/json", 1)]
    for load in loads:
        load.wait_for(50)
    yield one
    for load in loads:
        load.stop()


def open_page(browser, one, fragment="", **options):
    page = browser(**options)
    page.driver.get(one.admin_url + "/" + fragment)
    wait_until(lambda: page.text(".connection") == "live", "a live page")
    return page


def cell(page, route, arm, name):
    return page.text(f'tr[data-route="{route}"][data-arm="{arm}"] .{name}')


def experiment(one):
    return one.admin("/api/v1/experiments/fib-port").json()


def drag(page, share):
    """Moves the slider as a hand does, and waits for the server's opinion."""
    page.run(
        "const slider = document.querySelector('.slider input'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))",
        share * 100,
    )
    wait_until(lambda: page.text(".preview"), "a preview")


def type_reason(page, text):
    page.find(".reason input").send_keys(text)


def press(page, name):
    buttons = page.driver.find_elements("css selector", ".buttons button")
    next(button for button in buttons if button.text == name).click()


def number_of(text):
    match = re.fullmatch(r"([\d.]+)([kMG]?)", text)
    return float(match[1]) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[match[2]] if match else None


def test_its_numbers_are_those_of_the_api(server, browser):
    one = server([fib(), twin("/json", "json", "json_hello")], pin="open")
    for arm, count in (("cpp", 7), ("py", 4)):
        for _ in range(count):
            one.get("/json", {"Tandem-Arm": arm})
    one.get("/nowhere")
    page = open_page(browser, one)
    wait_until(lambda: cell(page, "/json", "cpp", "total") == "7", "seven requests on the page")
    assert cell(page, "/json", "py", "total") == "4"
    assert cell(page, "", "", "total") == "1"
    assert cell(page, "fib", "cpp", "share") == cell(page, "fib", "py", "share") == "50 %"
    worker = one.workers()[0]
    cells = page.run("return [...document.querySelectorAll('tr[data-worker] > *')].map(cell => cell.textContent)")
    assert cells[:3] == [worker["worker"], str(worker["pid"]), "ready"]
    assert float(cells[5].removesuffix(" MiB")) == pytest.approx(worker["rss_bytes"] / 2**20, abs=2)
    assert page.text('[data-tile="workers ready"]') == "1 / 1"
    assert page.complaints() == []


def test_under_load_its_numbers_keep_up(loaded, browser):
    page = open_page(browser, loaded)
    arms = [("fib", "cpp"), ("fib", "py"), ("/json", "cpp"), ("/json", "py"), ("/plaintext", "")]

    def shown_rates():
        rates = [number_of(cell(page, route, arm, "rate")) for route, arm in arms]
        return all(rates[:4]) and rates

    rates = wait_until(shown_rates, "rates of all arms")
    assert rates[4] == 0
    # Between two looks at the API lies what the page shows of the same time.
    before = {arm: loaded.metric("tandem_requests_total", route=arm[0], arm=arm[1]) for arm in arms[:4]}
    for route, arm in arms[:4]:
        wait_until(lambda: number_of(cell(page, route, arm, "total")) >= 0.999 * before[route, arm] - 1, f"the total of {arm}")
        shown = number_of(cell(page, route, arm, "total"))
        assert shown <= 1.001 * loaded.metric("tandem_requests_total", route=route, arm=arm) + 50
    assert re.fullmatch(r"[\d.]+ (µs|ms)", cell(page, "fib", "py", "p99"))
    assert page.complaints() == []


def test_a_drag_is_looked_at_first_and_then_moves_the_traffic(loaded, browser):
    page = open_page(browser, loaded, "#/route/fib")
    wait_until(lambda: page.text(".slider output") == "50 %", "the slider")
    drag(page, 100)
    assert page.text(".slider output") == "100 %"
    assert "50 % of the keys move from py to cpp." in page.text(".preview")
    assert "control (py) gets nothing" in page.text(".preview")
    assert experiment(loaded)["revision"] == 1, "nothing happens by dragging"
    press(page, "Set weights")
    wait_until(lambda: "Say why" in page.text(".steer .said"), "the wish for a reason")
    type_reason(page, "a drag")
    press(page, "Set weights")
    wait_until(lambda: "revision 2" in page.text(".steer .said"), "the new revision")
    after = experiment(loaded)
    assert [arm["traffic_bp"] for arm in after["arms"]] == [10000, 0]
    assert (after["reason"], after["updated_by"]) == ("a drag", "127.0.0.1, without a token")
    wait_until(lambda: cell(page, "fib", "cpp", "share") == "100 %", "the new share")
    wait_until(lambda: cell(page, "fib", "py", "rate") == "0" and number_of(cell(page, "fib", "cpp", "rate")), "moved traffic")
    assert {loaded.get("/fib/5").get("tandem-arm") for _ in range(20)} == {"cpp"}
    page.run("document.querySelector('.audit').open = true")
    wait_until(lambda: "a drag" in page.text(".audit"), "the change in the audit log")
    assert page.complaints() == []


def test_who_was_slower_is_told(loaded, browser):
    page = open_page(browser, loaded, "#/route/fib")
    wait_until(lambda: page.text(".slider output") == "50 %", "the slider")
    # The page learns of the other one's change only after it has sent its own.
    page.run("window.fetch = (ask => (path, options) => ask(path, options?.headers?.['If-Match'] ?"
             " {...options, headers: {...options.headers, 'If-Match': '\"1\"'}} : options))(window.fetch)")
    body = json.dumps({"weights_bp": {"cpp": 1000}, "reason": "faster"}).encode()
    assert loaded.admin("/api/v1/experiments/fib-port", "PUT", {"If-Match": '"1"'}, body).status == 200
    page.run(
        "const slider = document.querySelector('.slider input'); slider.value = 7000;"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    type_reason(page, "slower")
    press(page, "Set weights")
    wait_until(lambda: "somebody else was faster" in page.text(".steer .said"), "the conflict")
    assert experiment(loaded)["reason"] == "faster"


def test_pause_roll_back_start_and_advance(server, browser):
    steps = [{"weight": 1, "min_requests": 1}, {"weight": 10, "min_requests": 1000000}, {"weight": 50, "gate": "manual"}]
    one = server([fib(schedule=steps)])
    page = open_page(browser, one, "#/route/fib")
    for name, state, taken in (
        ("Advance", "running", 2),
        ("Pause", "paused", 2),
        ("Resume", "running", 2),
        ("Roll back", "rolled_back", 2),
        ("Start", "running", None),
    ):
        wait_until(lambda: name in page.text(".buttons"), f"the button {name}")
        type_reason(page, f"test {name}")
        press(page, name)
        wait_until(lambda: experiment(one)["reason"] == f"test {name}", name)
        now = experiment(one)
        assert now["state"] == state
        assert taken is None or now["schedule"]["taken"] == taken
        wait_until(lambda: page.text(".details .badge") == state.replace("_", " "), "the state on the page")
    wait_until(lambda: "1 %" in page.text(".ramp"), "the ramp")


def test_reload_from_the_page(server, browser):
    one = server([fib()])
    page = open_page(browser, one)
    one.change_config(routes=[fib(), {"path": "/new", "native": "plaintext"}])
    page.find(".tools > button").click()
    wait_until(lambda: "generation 2 serves 2 routes" in page.text(".bar .said"), "the reload")
    wait_until(lambda: page.text('tr[data-route="/new"]'), "the new route")
    one.change_config(routes=[{"path": "/new", "native": "nothing"}])
    page.find(".tools > button").click()
    wait_until(lambda: "nothing" in page.text(".bar .said.bad"), "why it failed")


def test_the_token_is_typed_in_and_kept_in_the_tab(server, browser, tmp_path):
    for name in ("admin", "reader"):
        (tmp_path / name).write_text(f"{name}-{'x' * 30}\n")
        (tmp_path / name).chmod(0o600)
    admin = {"listen": "127.0.0.1:0", "token_file": str(tmp_path / "admin"), "read_token_file": str(tmp_path / "reader")}
    one = server([fib()], admin=admin)
    page = browser()
    page.driver.get(one.admin_url + "/#/route/fib")
    wait_until(lambda: "not allowed" in page.text(".connection"), "the refusal")

    def use(name):
        page.find(".token input").send_keys(f"{name}-{'x' * 30}")
        page.find(".token button").click()
        wait_until(lambda: page.text(".connection") == "live", "a live page")

    use("reader")
    wait_until(lambda: page.text(".slider output") == "50 %", "the slider")
    type_reason(page, "may not")
    press(page, "Pause")
    wait_until(lambda: "may read and not change" in page.text(".steer .said"), "the refusal")
    page.driver.refresh()
    wait_until(lambda: page.text(".connection") == "live", "the token after a reload of the page")
    page.find(".token button").click()
    wait_until(lambda: "not allowed" in page.text(".connection"), "no token")
    use("admin")
    wait_until(lambda: page.text(".slider output") == "50 %", "the slider")
    type_reason(page, "may")
    press(page, "Pause")
    header = {"Authorization": f"Bearer reader-{'x' * 30}"}
    wait_until(lambda: one.admin("/api/v1/experiments/fib-port", headers=header).json()["state"] == "paused", "the pause")
    assert page.run("return localStorage.length + document.cookie.length") == 0
    assert "xxx" not in page.driver.current_url


def test_differences_stand_side_by_side(server, browser):
    route = twin("/stats", "stats", "stats_rounded", {"methods": ["POST"], "name": "stats"})
    route["experiment"] = {"id": "stats", "control": "py", "shadow": {"candidate": "cpp", "methods": ["POST"], "safe": True}}
    route["arms"]["cpp"]["weight"] = 0
    one = server([route])
    page = open_page(browser, one, "#/route/stats")
    for _ in range(5):
        one.post("/stats", b"[1, 2, 4.555]")
    wait_until(lambda: "$.mean" in page.text(".diffs"), "the difference")
    page.run("for (const one of document.querySelectorAll('.finding')) one.open = true")
    marked = page.run("return [...document.querySelector('.sample tr.marked').children].map(cell => cell.textContent)")
    assert marked[0].startswith("$.mean")
    assert marked[1] == "2.518" and marked[2].startswith("2.51833")
    page.shoot("differences")


def test_in_flight_with_stacks(server, browser):
    module = """
        import threading
        def wait_here(request):
            threading.Event().wait(60)
    """
    one = server([{"path": "/wait", "python": "waiting:wait_here"}], modules={"waiting": module}, stop_check=False)
    with one.connect() as connection:
        connection.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        page = open_page(browser, one)
        page.run("document.querySelector('.fold').open = true")
        wait_until(lambda: "GET /wait" in page.text(".fold"), "the request")
        wait_until(lambda: "wait_here" in page.text(".stack pre"), "its stack")
        assert page.complaints() == []


def violations(page):
    page.run(AXE.read_text())
    found = page.driver.execute_async_script("const done = arguments[0]; axe.run(document).then(done, done)")
    return [f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {}),
        ("dark", {"scheme": "dark"}),
        ("phone", {"width": 390, "height": 1800}),
        ("phone-dark", {"width": 390, "height": 1800, "scheme": "dark"}),
    ],
)
def test_everybody_can_use_it(loaded, browser, name, options):
    for fragment, part in (("", "overview"), ("#/route/fib", "route")):
        page = open_page(browser, loaded, fragment, **options)
        page.run("for (const one of document.querySelectorAll('.fold')) one.open = true")
        wait_until(lambda: page.text(".audit table"), "the audit log")
        wait_until(lambda: page.text(".verdicts" if fragment else ".experiments .verdict"), "verdicts")
        assert violations(page) == []
        assert page.run("return document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
        page.shoot(f"{name}-{part}")
        assert page.complaints() == []


def test_by_keyboard_alone(loaded, browser):
    page = open_page(browser, loaded)
    wait_until(lambda: page.text('tr[data-route="fib"] a'), "the route")
    page.find('tr[data-route="fib"] a').send_keys("\n")
    wait_until(lambda: page.run("return document.activeElement.textContent") == "fib", "the focus in the details")
    page.find(".slider input").send_keys("\ue014" * 4)  # right
    wait_until(lambda: page.text(".slider output") == "52 %", "the slider moved")
    type_reason(page, "by hand\n")
    wait_until(lambda: experiment(loaded)["reason"] == "by hand", "the new weights")
    page.driver.switch_to.active_element.send_keys("\ue00c")  # escape
    wait_until(lambda: not page.text(".details"), "closed details")


@contextlib.contextmanager
def all_arms_busy(one, routes):
    """Asks each of them again and again, on one connection."""
    batch = b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % route.encode() for route in routes)
    is_over = threading.Event()

    def ask():
        with one.connect() as connection:
            while not is_over.is_set():
                connection.send(batch)
                for _ in routes:
                    connection.read()
                is_over.wait(0.02)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    yield
    is_over.set()
    asking.join(EVENT_DEADLINE)


# What an update does, counted in elements, whatever the machine's speed; and how much of the time the page was too busy for a hand.
WATCH = """
window.seen = {updates: 0, touched: new Set(), changes: 0, rebuilt: 0, long: 0, since: performance.now()};
new MutationObserver(list => {
  for (const one of list) {
    const row = (one.target.closest ? one.target : one.target.parentElement).closest('tr[data-route]');
    if (row) seen.touched.add(row.dataset.route + ' ' + row.dataset.arm);
    seen.changes++;
    for (const node of [...one.addedNodes, ...one.removedNodes]) if (node.nodeType === 1) seen.rebuilt++;
  }
}).observe(document.querySelector('.routes tbody').parentElement, {subtree: true, childList: true, characterData: true, attributes: true});
new MutationObserver(() => seen.updates++).observe(document.querySelector('.facts'), {subtree: true, characterData: true});
new PerformanceObserver(list => { for (const one of list.getEntries()) seen.long += one.duration }).observe({entryTypes: ['longtask']});
"""


def test_a_hundred_routes_of_four_arms_without_lag(server, browser):
    arms = {name: {"native": "plaintext", "weight": 1} for name in "abcd"}
    one = server([{"path": f"/p{i}", "arms": arms} for i in range(100)])
    routes = [f"/p{i}" for i in range(100)]
    page = open_page(browser, one)
    rows = ".routes tbody tr"
    wait_until(lambda: page.run(f"return document.querySelectorAll('{rows}').length") == 400, "all arms")
    # Some busy routes: an update changes their lines and no others.
    with all_arms_busy(one, routes[::33]):
        wait_until(lambda: cell(page, "/p0", "a", "rate") not in ("", "0"), "a busy arm")
        page.run(WATCH)
        wait_until(lambda: page.run("return seen.updates") >= 3, "updates")
        assert {line.split()[0] for line in page.run("return [...seen.touched]")} == {"/p0", "/p33", "/p66", "/p99"}
    with all_arms_busy(one, routes):
        wait_until(lambda: not page.run(f"return document.querySelector('{rows}.idle')"), "no idle arm")
        page.run(WATCH)
        wait_until(lambda: page.run("return seen.updates") >= 8, "updates")
        seen = page.run("return {...seen, touched: seen.touched.size, time: performance.now() - seen.since}")
        page.shoot("hundred-routes")
    print(seen)
    assert seen["touched"] == 400
    assert seen["rebuilt"] == 0, "lines change and are never made anew"
    assert seen["changes"] <= 400 * 8 * (seen["updates"] + 1), "a cell changes at most once an update"
    assert seen["long"] < seen["time"] / 2


def test_an_arm_that_comes_back_has_a_past_as_long_as_the_others(server, browser):
    """Its columns were shorter than the times, and its lines stood too far to the left."""
    rest = {"path": "/plaintext", "native": "plaintext"}
    one = server([fib(), rest])
    page = open_page(browser, one, "#/route/fib")

    def newest_p99():
        for _ in range(20):
            one.get("/fib/5")
        return re.search(r"cpp p99:?\s*[\d.]+ (µs|ms)", page.text(".u-legend"))

    wait_until(newest_p99, "a p99 of now")
    listen = {"listen": "127.0.0.1:%d" % one.admin_address[1]}
    for routes, what in (([rest], "no such route"), ([fib(), rest], "since the start")):
        one.stop()
        one.change_config(routes=routes, admin=listen)
        one.start_again()
        wait_until(lambda: what in page.text(".details").lower(), what)
    wait_until(newest_p99, "a p99 of now, of the arm that came back")


def test_the_server_goes_and_comes_back(server, browser):
    one = server([fib()], admin={"listen": "127.0.0.1:0"})
    page = open_page(browser, one)
    one.change_config(admin={"listen": "127.0.0.1:%d" % one.admin_address[1]})
    one.stop()
    wait_until(lambda: "connection lost" in page.text(".connection"), "the loss")
    one.start_again()
    wait_until(lambda: page.text(".connection") == "live", "the page live again")
