#!/usr/bin/python3
"""Renders the figures of a run as Markdown. docs/performance.md is made by this and by nothing else.

    bench/report.py [RESULT.json]           prints the tables; default: the newest file in bench/results/
    bench/report.py --publish [RESULT.json] writes docs/performance.md
    bench/report.py --check                 fails when docs/performance.md is not what the newest file gives

Prose about a run (why a target is missed, and the profile that shows it) goes beside its figures: RESULT.md for RESULT.json.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

FORMAT = 1
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
DOCUMENT = ROOT / "docs" / "performance.md"

INTRODUCTION = """# Performance

What this server costs, beside a raw epoll server that parses nothing (`bench/limit_server.cpp`: the limit), and beside the servers
that Debian packages. `./tandem-dev bench` measures it again; `bench/report.py` renders this page from the figures in
`bench/results/`. Read ratios rather than times: they move less from machine to machine.

- Each server runs alone, its process tree pinned to CPU {server_cpu} and `wrk` to CPU {client_cpu}, over the loopback, {connections} keep-alive
  connections. It is restarted for every round, its answer is checked, {warm_up} s of load warm it up, {seconds} s are measured.
- The servers take turns, {rounds} round(s); every figure is the median of the rounds, a ratio the median of the ratios within each
  round.
- CPU µs per request is user and system time of the server's whole process tree over the requests that `wrk` counted meanwhile.
  The kernel's work for the loopback is in it, for sender and receiver alike.
- Memory is that of the process tree right after the load; PSS counts shared pages by their share.
"""


# ---- figures


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def rounds(data, scenario, server):
    return data["scenarios"].get(scenario, {}).get("servers", {}).get(server, {}).get("rounds", [])


def figure(data, scenario, server, key):
    return median([one[key] for one in rounds(data, scenario, server)])


def ratio(data, scenario, server, base, key="cpu_us_per_request"):
    pairs = zip(rounds(data, scenario, server), rounds(data, scenario, base))
    return median([one[key] / other[key] for one, other in pairs if one[key] is not None and other[key]])


def workers_ratio(data):
    counts = data["scenarios"].get("workers", {}).get("workers", {})
    pairs = zip(counts.get("2", []), counts.get("1", []))
    return median([two["requests_per_second"] / one["requests_per_second"] for two, one in pairs])


def interference_ratio(data, base):
    cases = data["scenarios"].get("interference", {})
    pairs = zip(cases.get("python_saturated", []), cases.get(base, []))
    return median([loaded["p99_us"] / other["p99_us"] for loaded, other in pairs if other["p99_us"]])


def bytes_per_connection(data, server="tandem"):
    return data["scenarios"].get("idle", {}).get("servers", {}).get(server, {}).get("bytes_per_connection")


def failed_while_reloading(data):
    measured = data["scenarios"].get("reload", {}).get("servers", {}).values()
    return sum(one["failed"] for one in measured) if measured else None


# What is wanted: text, measured value, "<=" or ">=" or None (only reported), bound, how to show it, what others reach.
TARGETS = [
    ("native plaintext ÷ limit", lambda d: ratio(d, "plaintext", "tandem", "limit"), "<=", 1.15, "{:.2f}",
     "next 1.05; uWebSockets 1.04, h2o 1.18, nginx 1.23"),
    ("the same with the access log on", lambda d: ratio(d, "plaintext", "tandem-access-log", "limit"), None, None, "{:.2f}", "–"),
    ("native, pipelined 16 ÷ limit", lambda d: ratio(d, "pipelined", "tandem", "limit"), "<=", 1.6, "{:.2f}",
     "next 1.4; uWebSockets 1.38, Drogon 3.5"),
    ("Python function (dict → JSON), worker process ÷ native `json`", lambda d: ratio(d, "json", "tandem-python", "tandem"), "<=",
     1.5, "{:.2f}", "prototype 1.2"),
    ("twin route ÷ plain native route", lambda d: ratio(d, "plaintext", "tandem-twin", "tandem"), "<=", 1.05, "{:.2f}", "–"),
    ("the same with an experiment", lambda d: ratio(d, "plaintext", "tandem-experiment", "tandem"), "<=", 1.05, "{:.2f}", "–"),
    ("two workers ÷ one, CPU-bound handler, requests per second", workers_ratio, ">=", 1.7, "{:.2f}", "prototype 1.7–1.9"),
    ("native p99 while Python is saturated ÷ alone", lambda d: interference_ratio(d, "alone"), "<=", 1.5, "{:.2f}", "–"),
    ("the same ÷ beside a stranger's busy loop", lambda d: interference_ratio(d, "beside_busy_loop"), None, None, "{:.2f}", "–"),
    ("user memory of an idle keep-alive connection", bytes_per_connection, "<=", 2048, "{:.0f} B", "–"),
    ("uvicorn ÷ our ASGI hello", lambda d: ratio(d, "plaintext", "uvicorn", "tandem-asgi"), ">=", 2.4, "{:.2f}", "prototype 2.7"),
    ("the same with an answer of 10 KiB", lambda d: ratio(d, "asgi-10k", "uvicorn", "tandem-asgi"), ">=", 2.4, "{:.2f}", "–"),
    ("the same with a real suspension", lambda d: ratio(d, "asgi-suspended", "uvicorn", "tandem-asgi"), ">=", 1.8, "{:.2f}",
     "prototype 1.8–2.3"),
    ("the same, FastAPI", lambda d: ratio(d, "fastapi", "uvicorn", "tandem-asgi"), ">=", 1.25, "{:.2f}", "the rest is FastAPI's"),
    ("gunicorn gthread ÷ our WSGI hello", lambda d: ratio(d, "plaintext", "gunicorn", "tandem-wsgi"), ">=", 12, "{:.1f}",
     "prototype 15"),
    ("WSGI hello ÷ limit", lambda d: ratio(d, "plaintext", "tandem-wsgi", "limit"), "<=", 1.7, "{:.2f}", "bjoern 1.40"),
    ("our ASGI hello ÷ uvicorn, two workers, requests per second",
     lambda d: ratio(d, "asgi-2-workers", "tandem-asgi", "uvicorn", "requests_per_second"), None, None, "{:.2f}", "–"),
    ("our WSGI hello ÷ gunicorn gthread, two workers, requests per second",
     lambda d: ratio(d, "wsgi-2-workers", "tandem-wsgi", "gunicorn", "requests_per_second"), None, None, "{:.2f}", "–"),
    ("requests that failed while reloading every second", failed_while_reloading, "<=", 0, "{:.0f}", "–"),
]


# ---- tables


def table(head, rows, left=1):
    """A Markdown table, aligned so that it reads well unrendered; the first `left` columns are text."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row):
        padded = (cell.ljust(width) if column < left else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths)))
        return "| " + " | ".join(padded) + " |"

    rules = ("-" * (width + 2) if column < left else "-" * (width + 1) + ":" for column, width in enumerate(widths))
    rule = "|" + "|".join(rules) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def show(value, form="{:.2f}"):
    return "–" if value is None else form.format(value)


def thousands(value):
    return show(value, "{:,.0f}")


def mebibytes(value):
    return show(None if value is None else value / 1048576, "{:.1f}")


def milliseconds(value):
    return show(None if value is None else value / 1000, "{:.2f}")


def target_table(data):
    rows = []
    for text, measure, relation, bound, form, anchor in TARGETS:
        value = measure(data)
        if relation is None:
            target, verdict = "reported", "–"
        else:
            target = ("≤ " if relation == "<=" else "≥ ") + form.format(bound).replace(".00", "")
            met = value is not None and (value <= bound if relation == "<=" else value >= bound)
            verdict = "not measured" if value is None else "met" if met else "not met"
        rows.append([text, target, anchor, show(value, form), verdict])
    return table(["ratio", "target", "anchor", "measured", ""], rows, left=3)


def spread(values):
    middle = median(values)
    return (max(values) - min(values)) / middle if middle and len(values) > 1 else None


def load_section(data, name):
    scenario = data["scenarios"][name]
    base = scenario.get("base", "limit")
    rows = []
    for server, entry in scenario["servers"].items():
        measured = entry["rounds"]
        if not measured:
            continue
        client, busy = (figure(data, name, server, key) for key in ("client_cpu_share", "server_cpu_share"))
        is_client_bound = scenario.get("pinned", True) and client > 0.95 > busy
        cpu = figure(data, name, server, "cpu_us_per_request")
        rows.append([
            entry["description"],
            thousands(figure(data, name, server, "requests_per_second")) + (" ¹" if is_client_bound else ""),
            milliseconds(figure(data, name, server, "p50_us")),
            milliseconds(figure(data, name, server, "p99_us")),
            show(cpu),
            show(spread([one["cpu_us_per_request"] for one in measured]), "{:.0%}"),
            show(ratio(data, name, server, base)),
            mebibytes(figure(data, name, server, "rss_bytes")),
            mebibytes(figure(data, name, server, "pss_bytes")),
        ])
    pinning = "" if scenario.get("pinned", True) else ", not pinned"
    lines = [f"## {scenario['title']}, c={scenario['connections']}{pinning}", ""]
    if rows:
        head = ["server", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "spread", f"÷ {base}", "RSS MiB", "PSS MiB"]
        lines += [table(head, rows), ""]
    if any("¹" in row[1] for row in rows):
        lines += ["¹ `wrk` was the bottleneck: the server could have answered more. The CPU time per request holds all the same.", ""]
    return lines + left_out(scenario)


def left_out(scenario):
    skipped = scenario.get("skipped") or {}
    if isinstance(skipped, str):
        skipped = {"all of it": skipped}
    lines = [f"Left out: {name}: {reason.splitlines()[0]}" for name, reason in skipped.items()]
    if "stopped" in scenario:
        lines.append(f"Not complete: {scenario['stopped']}.")
    return [line for text in lines for line in (text, "")]


def workers_section(data):
    scenario = data["scenarios"]["workers"]
    rows = [[count, show(median([one["requests_per_second"] for one in measured]), "{:.1f}"),
             milliseconds(median([one["p99_us"] for one in measured])),
             show(median([one["server_cpu_share"] for one in measured]))]
            for count, measured in scenario["workers"].items() if measured]
    lines = [f"## {scenario['title']}", "",
             f"`{scenario['path']}`, {scenario['connections']} connections, {scenario['cpus']} CPUs for everything, `wrk` included.",
             ""]
    if rows:
        lines += [table(["workers", "requests/s", "p99 ms", "CPUs used"], rows), ""]
    return lines + left_out(scenario)


def interference_section(data):
    scenario = data["scenarios"]["interference"]
    names = {"alone": "alone", "beside_busy_loop": "beside a stranger's busy loop on the worker's CPU",
             "python_saturated": "Python worker saturated"}
    rows = [[text, thousands(median([one["requests_per_second"] for one in scenario[case]])),
             milliseconds(median([one["p50_us"] for one in scenario[case]])),
             milliseconds(median([one["p99_us"] for one in scenario[case]])),
             show(median([one["worker_cpu_share"] for one in scenario[case]]))]
            for case, text in names.items() if scenario.get(case)]
    pins = scenario["pins"]
    lines = [f"## {scenario['title']}", "",
             f"`{scenario['path']}`, {scenario['connections']} connections. Pinned: front to CPU {pins['front']}, worker and busy "
             f"loop to CPU {pins['worker']}, `wrk` of the native route to CPU {pins['native_client']}, `wrk` of the Python route to "
             f"CPU {pins['python_client']}.", ""]
    if pins["front"] == pins["native_client"]:
        lines += ["Front and client share a CPU, for there are too few: read the ratios, not the times.", ""]
    if rows:
        lines += [table(["native route", "requests/s", "p50 ms", "p99 ms", "worker's CPU"], rows), ""]
    return lines + left_out(scenario)


def balance_section(data):
    scenario = data["scenarios"]["balance"]
    rows = [[entry["description"], *(show(entry[key], "{:.1f}") for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms", "long_p50_ms")),
             entry["short"], entry["failed"]] for entry in scenario["servers"].values()]
    lines = [f"## {scenario['title']}", "",
             "One client asks for 200 ms again and again, so that one worker of two is always free. Requests of 1 ms arrive at "
             f"random, {scenario['rate']} a second for {scenario['seconds']} s, over {scenario['connections']} keep-alive connections. "
             "The latency of a short request counts from when it was due.", ""]
    if rows:
        head = ["server", "short p50 ms", "p90 ms", "p99 ms", "max ms", "long p50 ms", "short ones", "failed"]
        lines += [table(head, rows), ""]
    return lines + left_out(scenario)


def memory_cells(entry):
    """Before and at the most: of the first process, and of the largest that it started."""
    return [mebibytes(entry[key] or None) for key in ("front_before_bytes", "front_peak_bytes", "worker_before_bytes",
                                                      "worker_peak_bytes")]


MEMORY_HEAD = ["front MiB", "at most", "worker MiB", "at most"]


def slow_download_section(data):
    scenario = data["scenarios"]["slow-download"]
    rows = [[entry["description"], mebibytes(entry["taken_bytes"]), *memory_cells(entry)] for entry in scenario["servers"].values()]
    lines = [f"## {scenario['title']}", "",
             f"{scenario['clients']} clients read {scenario['bytes_per_second'] // 1000} kB a second each, for {scenario['seconds']} s. "
             "RSS before they came, after one download at full speed, and the most held while they read, of the server's first "
             "process and of the largest that it started.", ""]
    if rows:
        lines += [table(["server", "read MiB", *MEMORY_HEAD], rows), ""]
    return lines + left_out(scenario)


def upload_section(data):
    scenario = data["scenarios"]["upload"]
    rows = [[entry["description"], mebibytes(entry["bytes_per_second"]), show(entry["cpu_seconds_per_gib"]), *memory_cells(entry)]
            for entry in scenario["servers"].values()]
    lines = [f"## {scenario['title']}", "",
             f"{scenario['size'] / 2**20:,.0f} MiB over one connection, not pinned; the application counts the bytes. RSS before, after "
             "an upload of 1 MiB, and the most held meanwhile.", ""]
    if rows:
        lines += [table(["server", "MiB/s", "CPU s/GiB", *MEMORY_HEAD], rows), ""]
    return lines + left_out(scenario)


def reload_section(data):
    scenario = data["scenarios"]["reload"]
    rows = []
    for entry in scenario["servers"].values():
        memory, descriptors = entry["front_rss_bytes"], entry["front_descriptors"]
        rows.append([entry["description"], entry["reloads"], show(entry["reload_p50_seconds"]), thousands(entry["requests"]),
                     entry["failed"], milliseconds(entry["p99_us"]), mebibytes(memory[0]), mebibytes(memory[len(memory) // 2]),
                     mebibytes(memory[-1]), descriptors[0], descriptors[-1]])
    lines = [f"## {scenario['title']}", "",
             f"`{scenario['path']}`, {scenario['connections']} connections for {scenario['seconds']} s, not pinned, after a first load "
             "and a first reload. RSS and descriptors are those of the front, at the start, half-way and at the end.", ""]
    if rows:
        head = ["server", "reloads", "each s", "requests", "failed", "p99 ms", "RSS MiB", "half-way", "end", "descriptors", "end"]
        lines += [table(head, rows), ""]
    return lines + left_out(scenario)


def idle_section(data):
    scenario = data["scenarios"]["idle"]
    rows = [[entry["description"], mebibytes(entry["at_rest"]["rss_bytes"]), mebibytes(entry["at_rest"]["pss_bytes"]),
             show(entry["cpu_ms_per_second"], "{:.1f}"), thousands(entry.get("held")), thousands(entry.get("bytes_per_connection"))]
            for entry in scenario["servers"].values()]
    lines = ["## Idle", "",
             "At rest: one second after the start. Then keep-alive connections that each asked for `/plaintext` once: the difference "
             "of the process tree's anonymous memory, divided by their number. The kernel's own memory for sockets is not in it.", ""]
    if rows:
        head = ["server", "RSS MiB", "PSS MiB", "CPU ms/s", "connections held", "bytes per connection"]
        lines += [table(head, rows), ""]
    return lines + left_out(scenario)


def disturbance(data):
    """How quiet the machine was: CPU used by others and taken by the hypervisor while the loads ran."""
    measured = [one for scenario in data["scenarios"].values() for entry in scenario.get("servers", {}).values()
                for one in entry.get("rounds", [])]
    if not measured:
        return []
    others, stolen = ([one[key] for one in measured] for key in ("others_cpu_share", "stolen_share"))
    text = (f"- While the loads ran, other processes used {median(others):.2f} CPUs in the median and {max(others):.2f} at most; "
            f"the hypervisor took {median(stolen):.2f} and {max(stolen):.2f}.")
    return [text + (" **That is not a quiet machine: measure again.**" if median(others) > 0.1 else "")]


def facts(data):
    machine = data["machine"]
    versions = ", ".join(f"{name} {version.splitlines()[0]}" for name, version in data["versions"].items() if name != "tandem")
    tandem = data["versions"].get("tandem", "")
    return [
        f"- {data['date']}, revision `{data['revision']}`, `{data['command']}`, {data['took_seconds']} s.",
        f"- {machine['cpu']}, {machine['cpus']} CPUs, {machine['memory_bytes'] / 2**30:.1f} GiB, {machine['system']}, kernel "
        f"{machine['kernel']}.",
        f"- {versions}." + (f" {' '.join(tandem.split())}." if tandem else ""),
        *disturbance(data),
    ]


def tables(data):
    sections = {"workers": workers_section, "interference": interference_section, "balance": balance_section,
                "slow-download": slow_download_section, "upload": upload_section, "reload": reload_section, "idle": idle_section}
    lines = ["## Targets", "", target_table(data), ""]
    for name in data["scenarios"]:
        lines += sections[name](data) if name in sections else load_section(data, name)
    return lines


def render_text(data):
    return "\n".join([*facts(data), "", *tables(data)])


def render_document(data, notes=""):
    lines = [INTRODUCTION.format(**data["settings"]), *facts(data), "", *tables(data)]
    if notes:
        lines += ["## What the figures say", "", notes.strip(), ""]
    return "\n".join(lines).rstrip() + "\n"


# ---- files


def newest():
    files = sorted(RESULTS.glob("2*.json"))  # named by their moment; recordings of other programs lie beside them
    if not files:
        sys.exit("report: there is no result in bench/results/; ./tandem-dev bench --publish makes one")
    return files[-1]


def load(file):
    data = json.loads(file.read_text())
    if data.get("format") != FORMAT:
        sys.exit(f"report: {file.name} has format {data.get('format')}, this script reads {FORMAT}")
    return data


def document_of(file):
    notes = file.with_suffix(".md")
    return render_document(load(file), notes.read_text() if notes.exists() else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("result", nargs="?", type=Path)
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail when docs/performance.md is not up to date")
    options = parser.parse_args()
    file = options.result or newest()
    if options.check:
        if not DOCUMENT.exists() or DOCUMENT.read_text() != document_of(file):
            sys.exit("report: docs/performance.md is not what bench/report.py makes of the newest result: bench/report.py --publish")
    elif options.publish:
        DOCUMENT.write_text(document_of(file))
    else:
        print(render_text(load(file)))


if __name__ == "__main__":
    main()
