"""What hosting applications is measured by, beside the cost of a request: fair waiting, memory under large bodies, reloads."""

import statistics
import time

import clients
import process_tree
import servers
import wrk
from measuring import OutOfTime, Window, say
from servers import Missing, ServerError


class ServerByServer:
    """A scenario whose servers are measured one after the other. A subclass has name, title, facts(), seconds(), measure()."""

    def __init__(self, compared):
        self.servers = compared

    def server_names(self):
        return {server.name for server in self.servers}

    def run(self, settings):
        result = {"title": self.title, **self.facts(settings), "servers": {}, "skipped": {}}
        for server in self.servers:
            if not settings.wants(server):
                continue
            try:
                settings.check_time(self.seconds(settings) + 5)
                with server.start() as running:
                    measured = self.measure(settings, server, running)
                result["servers"][server.name] = {"description": server.description, **measured}
                say(f"  {self.name:10} {server.name}: {measured}")
            except OutOfTime:
                result["stopped"] = "out of time"
                return result
            except (Missing, ServerError, wrk.LoadError, clients.ClientError, OSError) as error:
                result["skipped"][server.name] = servers.display(str(error))
                say(f"  {self.name:10} {server.name} left out: {error}")
        return result


class Balance(ServerByServer):
    """Do short requests wait behind a long one while another worker has nothing to do?

    One client asks for what takes 200 ms, again and again, so that there is always exactly one such request. Short ones of 1 ms
    arrive at 95 a second, so that long ones are 5 % of all. Two workers: one of them is always free for the short ones.
    """

    name = "balance"
    title = "1 ms requests beside 200 ms requests, two workers"
    rate = 95

    def seconds(self, settings):
        return 4 if settings.quick else 20

    def facts(self, settings):
        return {"rate": self.rate, "seconds": self.seconds(settings), "connections": 16}

    def measure(self, settings, server, running):
        servers.check(running, "/sleep/1", b"slept")
        return clients.mixed(running.port, seconds=self.seconds(settings), rate=self.rate, short="/sleep/1", long="/sleep/200")


class SlowDownload(ServerByServer):
    """The memory that a server holds for clients which read a large answer slowly."""

    name = "slow-download"
    title = "100 MB streamed to 50 slow clients"
    clients = 50
    bytes_per_second = 100_000

    def seconds(self, settings):
        return 3 if settings.quick else 15

    def facts(self, settings):
        return {"clients": self.clients, "bytes_per_second": self.bytes_per_second, "seconds": self.seconds(settings)}

    def measure(self, settings, server, running):
        # Once at full speed: what the first answer costs for good is not what the clients cost.
        servers.check(running, "/download", None)
        process_tree.forget_peaks(running.pid)
        before = process_tree.peaks(running.pid)
        taken = clients.read_slowly(running.port, "/download", clients=self.clients, bytes_per_second=self.bytes_per_second,
                                    seconds=self.seconds(settings))
        return {"taken_bytes": taken, **_memory(before, process_tree.peaks(running.pid))}


class Upload(ServerByServer):
    """Throughput of a large body that the application reads piece by piece, and the memory held meanwhile."""

    name = "upload"
    title = "An upload read piece by piece"

    def size(self, settings):
        return 1 << 27 if settings.quick else 1 << 30

    def seconds(self, settings):
        return 5 if settings.quick else 30

    def facts(self, settings):
        return {"size": self.size(settings)}

    def measure(self, settings, server, running):
        clients.upload(running.port, "/upload", 1 << 20)
        process_tree.forget_peaks(running.pid)
        before = process_tree.peaks(running.pid)
        with Window(running) as window:
            took = clients.upload(running.port, "/upload", self.size(settings))
        size = self.size(settings)
        return {"bytes_per_second": size / took, "cpu_seconds_per_gib": window.server * (1 << 30) / size,
                **_memory(before, process_tree.peaks(running.pid))}


def _memory(before, peak):
    return {"front_before_bytes": before[0], "worker_before_bytes": before[1],
            "front_peak_bytes": peak[0], "worker_peak_bytes": peak[1]}


class Reload(ServerByServer):
    """A reload every second under load: what fails, and what the front keeps of it."""

    name = "reload"
    title = "A reload every second under load"
    connections = 16

    def seconds(self, settings):
        return 5 if settings.quick else 60

    def facts(self, settings):
        return {"seconds": self.seconds(settings), "connections": self.connections, "path": "/plaintext"}

    def measure(self, settings, server, running):
        servers.check(running, "/plaintext", None)
        # As after a first load and a first reload, which leave caches and buffers behind.
        wrk.run(running.url("/plaintext"), connections=self.connections, seconds=1)
        clients.reload(running.admin_port)
        seconds = self.seconds(settings)
        descriptors = [_fewest_descriptors(running.pid)]
        memory, took = [process_tree.rss_bytes(running.pid)], []
        load = wrk.start(wrk.command(running.url("/plaintext"), connections=self.connections, seconds=seconds))
        try:
            began = time.monotonic()
            for number in range(1, seconds):
                time.sleep(max(0.0, began + number - time.monotonic()))
                took.append(clients.reload(running.admin_port))
                memory.append(process_tree.rss_bytes(running.pid))
        except BaseException:
            load.kill()
            load.communicate()
            raise
        figures = wrk.finish(load, timeout=30, allow_errors=True)
        descriptors.append(_fewest_descriptors(running.pid))
        return {
            "requests": figures["requests"],
            "failed": sum(count for kind, count in figures.items() if kind.endswith("_errors") or kind == "timeouts"),
            "p99_us": figures["p99_us"],
            "reloads": len(took),
            "reload_p50_seconds": statistics.median(took),
            "reload_max_seconds": max(took),
            "front_rss_bytes": memory,
            "front_descriptors": descriptors,
        }


def _fewest_descriptors(pid):
    """Once connections that ended and a pool that was replaced are gone: the number that is not undercut for a second."""
    fewest, since = process_tree.descriptors(pid), time.monotonic()
    while time.monotonic() < since + 1:
        time.sleep(0.05)
        if (now := process_tree.descriptors(pid)) < fewest:
            fewest, since = now, time.monotonic()
    return fewest
