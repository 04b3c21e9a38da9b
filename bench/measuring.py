"""What every scenario needs: the settings of a run, its deadline, and what a server's processes used while a load ran."""

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import process_tree


class OutOfTime(Exception):
    pass


@dataclass
class Settings:
    tandem: Path
    limit: Path
    rounds: int
    seconds: float
    warm_up: float
    deadline: float  # of the whole run, on the monotonic clock
    only: frozenset  # names of servers; empty: all
    quick: bool = False
    connections: int = 64
    held: int = 10000

    @property
    def cpus(self):
        return sorted(os.sched_getaffinity(0))

    @property
    def server_cpu(self):
        return self.cpus[0]

    @property
    def client_cpu(self):
        return self.cpus[-1]

    def wants(self, server):
        return not self.only or server.name in self.only

    def check_time(self, needed):
        if time.monotonic() + needed > self.deadline:
            raise OutOfTime


def say(text):
    print(text, flush=True)


class Window:
    """The cost of a server's tree, and of everybody else, while a load runs."""

    def __init__(self, running):
        self.running = running

    def __enter__(self):
        self._wall, self._server = time.monotonic(), process_tree.cpu_seconds(self.running.pid)
        self._client, self._machine = _client_seconds(), process_tree.machine_seconds()
        return self

    def __exit__(self, *_):
        self.wall = time.monotonic() - self._wall
        self.server = process_tree.cpu_seconds(self.running.pid) - self._server
        self.client = _client_seconds() - self._client
        busy, stolen = (now - before for now, before in zip(process_tree.machine_seconds(), self._machine))
        self.others = max(0.0, busy - self.server - self.client)
        self.stolen = stolen


def _client_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # grows when a child, wrk here, has been waited for
    return used.ru_utime + used.ru_stime
