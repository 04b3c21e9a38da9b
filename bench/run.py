#!/usr/bin/python3
"""Measures Tandem against a raw epoll server and the servers that Debian packages, one after the other on the loopback.

    ./tandem-dev bench [--quick] [--only NAME,…] [--scenarios NAME,…] [--publish]

Each server runs pinned to one CPU and wrk to another. The servers take turns, round after round, since machines are noisy, and
the tables show the median of the rounds. The raw figures go to a JSON file that report.py renders.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import measuring
import report
import scenarios
import servers

ROOT = servers.ROOT
RESULTS = ROOT / "bench" / "results"
ALWAYS = ("wrk", "taskset", "prlimit")


def parse_arguments(argv):
    parser = argparse.ArgumentParser(prog="./tandem-dev bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round: about five minutes, for a first look")
    parser.add_argument("--rounds", type=int, help="default 3, with --quick 1")
    parser.add_argument("--seconds", type=int, help="length of a measured run, default 4, with --quick 2")
    parser.add_argument("--only", default="", metavar="NAME,…", help="only these servers (limit, tandem, nginx, …)")
    parser.add_argument("--scenarios", default="", metavar="NAME,…", help="only these scenarios (plaintext, asgi-10k, balance, …)")
    parser.add_argument("--max-seconds", type=int, help="give up what has not been measured by then; default 1800, with --quick 420")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench", help="build folder with tandem and the limit server")
    parser.add_argument("--tandem", type=Path, help="another tandem binary")
    parser.add_argument("--limit", type=Path, help="another limit server binary")
    parser.add_argument("--output", type=Path, help="file for the figures; default build/bench-results/TIME.json")
    parser.add_argument("--publish", action="store_true", help="keep the figures in bench/results/ and render docs/performance.md")
    return parser.parse_args(argv)


def make_settings(options):
    quick = options.quick
    return measuring.Settings(
        tandem=(options.tandem or options.build / "tandem").resolve(),
        limit=(options.limit or options.build / "bench" / "limit_server").resolve(),
        rounds=options.rounds or (1 if quick else 3),
        seconds=options.seconds or (2 if quick else 4),
        warm_up=1,
        deadline=time.monotonic() + (options.max_seconds or (420 if quick else 1800)),
        only=frozenset(filter(None, options.only.split(","))),
        quick=quick,
    )


def choose_scenarios(settings, wanted):
    everything = scenarios.make_scenarios(settings)
    names = [scenario.name for scenario in everything]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        sys.exit(f"bench: no such scenario: {', '.join(unknown)} (there are {', '.join(names)})")
    chosen = [scenario for scenario in everything if not wanted or scenario.name in wanted]
    known = set().union(*(scenario.server_names() for scenario in chosen))
    if unknown := settings.only - known:
        sys.exit(f"bench: no such server: {', '.join(sorted(unknown))} (there are {', '.join(sorted(known))})")
    return [scenario for scenario in chosen if not settings.only or scenario.server_names() & settings.only]


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, env=servers.environment())
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def _first_match(pattern, text):
    found = re.search(pattern, text)
    return found[1] if found else None


def describe_machine(settings):
    cpuinfo = Path("/proc/cpuinfo").read_text()
    memory = _first_match(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return {
        "cpu": _first_match(r"model name\s*:\s*(.+)", cpuinfo) or platform.machine(),
        "cpus": len(settings.cpus),
        "memory_bytes": int(memory) * 1024,
        "kernel": platform.release(),
        "system": _first_match(r'PRETTY_NAME="(.+)"', Path("/etc/os-release").read_text()),
        "load_average": os.getloadavg()[0],
    }


def describe_versions(settings):
    dpkg = "dpkg-query", "-W", "-f", "${Version}"
    versions = {
        "tandem": _output(str(settings.tandem), "version"),
        "Python": _first_match(r"Python (\S+)", _output(servers.PYTHON, "--version")),
        "Node": _first_match(r"v(\S+)", _output("node", "--version")),
        "wrk": _first_match(r"wrk (\S+)", _output("wrk", "--version")),
    }
    packages = {"nginx": "nginx", "uvicorn": "python3-uvicorn", "uvloop": "python3-uvloop", "httptools": "python3-httptools",
                "gunicorn": "python3-gunicorn", "uWSGI": "uwsgi-core", "FastAPI": "python3-fastapi", "Flask": "python3-flask"}
    for name, package in packages.items():
        version = _output(*dpkg, package)
        versions[name] = None if "no packages found" in version else version
    return {name: version for name, version in versions.items() if version}


def revision():
    # No optional locks: a measurement must not write to the repository.
    return _output("git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=10") or "unknown"


def main(argv):
    options = parse_arguments(argv)
    for program in ALWAYS:
        servers.need(program, {"wrk": "wrk"}.get(program, "util-linux"))
    settings = make_settings(options)
    chosen = choose_scenarios(settings, list(filter(None, options.scenarios.split(","))))
    if len(settings.cpus) < 2:
        measuring.say("bench: one CPU only: servers and wrk share it, so that only the CPU time per request means something")
    started = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    data = {
        "format": report.FORMAT,
        "date": started.isoformat(),
        "command": shlex.join(["./tandem-dev", "bench", *map(servers.display, argv)]),
        "revision": revision(),
        "machine": describe_machine(settings),
        "versions": describe_versions(settings),
        "settings": {"rounds": settings.rounds, "seconds": settings.seconds, "warm_up": settings.warm_up,
                     "connections": settings.connections, "server_cpu": settings.server_cpu, "client_cpu": settings.client_cpu},
        "scenarios": {},
    }
    before = time.monotonic()
    for scenario in chosen:
        data["scenarios"][scenario.name] = scenario.run(settings)
    data["took_seconds"] = round(time.monotonic() - before)

    stamp = started.strftime("%Y-%m-%dT%H%M%SZ")
    output = options.output or (RESULTS if options.publish else ROOT / "build" / "bench-results") / f"{stamp}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    print("\n" + report.render_text(data))
    print(f"The figures: {servers.display(output)}")
    if options.publish:
        report.DOCUMENT.write_text(report.document_of(output))
        print(f"Rendered: {servers.display(report.DOCUMENT)}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that the servers are ended
    try:
        main(sys.argv[1:])
    except servers.ServerError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
