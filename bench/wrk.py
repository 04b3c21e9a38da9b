"""Runs wrk and reads its figures through load.lua."""

import json
import subprocess
from pathlib import Path

LOAD_SCRIPT = Path(__file__).parent / "load.lua"


class LoadError(Exception):
    pass


def command(url, *, connections, seconds, depth=1, cpu=None):
    pinned = [] if cpu is None else ["taskset", "-c", str(cpu)]
    arguments = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    script = ["-s", str(LOAD_SCRIPT), url]
    return pinned + arguments + script + (["--", str(depth)] if depth > 1 else [])


def start(arguments):
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, timeout, allow_errors=False):
    """The figures of a run that was started; LoadError when it failed or, unless that is to be counted, had answers that were not
    200."""
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise LoadError("wrk did not end in time") from None
    last = output.strip().rsplit("\n", 1)[-1]
    if process.returncode != 0 or not last.startswith("{"):
        raise LoadError(f"wrk failed with {process.returncode}: {last}")
    figures = json.loads(last)
    if figures["requests"] == 0:
        raise LoadError("no request was answered")
    if figures["status_errors"] and not allow_errors:
        raise LoadError(f"{figures['status_errors']} answers were errors")
    return figures


def run(url, *, connections, seconds, depth=1, cpu=None):
    process = start(command(url, connections=connections, seconds=seconds, depth=depth, cpu=cpu))
    return finish(process, timeout=seconds + 15)
