"""What a process and everything it started cost, read from /proc."""

import os
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Memory:
    rss_bytes: int = 0
    pss_bytes: int = 0  # shared pages counted by share; equal to RSS where the kernel does not tell
    anonymous_bytes: int = 0  # heap, stacks and other private pages: what a connection adds to

    def as_json(self):
        return {"rss_bytes": self.rss_bytes, "pss_bytes": self.pss_bytes, "anonymous_bytes": self.anonymous_bytes}


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # the process has ended
        return ""


def _stat_fields(pid):
    """The fields of /proc/PID/stat from `state` on; the command before it may hold spaces and parentheses."""
    text = _read(f"/proc/{pid}/stat")
    return text[text.rfind(")") + 2 :].split()


def tree(root):
    """`root` and its living descendants, and whoever else is in the session that `root` leads."""
    parent, session = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat_fields(name)) and fields[0] != "Z":
            parent[int(name)], session[int(name)] = int(fields[1]), int(fields[3])

    def belongs(pid):
        while pid in parent:
            if pid == root or session[pid] == root:
                return True
            pid = parent[pid]
        return False

    return sorted(pid for pid in parent if belongs(pid))


def is_of_session(pid, session):
    """Does `pid` still name a process of that session? An ended process's number may have gone to a stranger."""
    fields = _stat_fields(pid)
    return bool(fields) and int(fields[3]) == session


def cpu_seconds(root):
    """User and system time of the tree so far, of children that ended and were waited for too."""
    ticks = 0
    for pid in tree(root):
        if fields := _stat_fields(pid):
            ticks += sum(int(value) for value in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / TICKS_PER_SECOND


def machine_seconds():
    """CPU time of all processes of the machine together, and time its hypervisor gave to other machines."""
    # user nice system idle iowait irq softirq steal
    values = [int(value) / TICKS_PER_SECOND for value in _read("/proc/stat").splitlines()[0].split()[1:9]]
    return sum(values[:3]) + sum(values[5:7]), values[7]


def pin(pid, cpu):
    """All threads of a process that runs already."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {cpu})


def _kib_fields(path):
    fields = {}
    for line in _read(path).splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            fields[name] = int(value.split()[0]) * 1024
    return fields


def memory(root):
    total = Memory()
    for pid in tree(root):
        status = _kib_fields(f"/proc/{pid}/status")
        rollup = _kib_fields(f"/proc/{pid}/smaps_rollup")
        rss = status.get("VmRSS", 0)
        total.rss_bytes += rss
        total.pss_bytes += rollup.get("Pss", rss)
        total.anonymous_bytes += status.get("RssAnon", 0)
    return total


def rss_bytes(pid):
    """Of this process alone."""
    return _kib_fields(f"/proc/{pid}/status").get("VmRSS", 0)


def forget_peaks(root):
    """Lets the kernel measure anew the most memory that each process of the tree has held."""
    for pid in tree(root):
        with open(f"/proc/{pid}/clear_refs", "w") as file:
            file.write("5")


def peaks(root):
    """The most memory (RSS, bytes) held since forget_peaks(), by `root` and by the largest process that it started (0 if none)."""
    held = {pid: _kib_fields(f"/proc/{pid}/status").get("VmHWM", 0) for pid in tree(root)}
    return held.pop(root, 0), max(held.values(), default=0)


def open_descriptors(root):
    """Of all processes of the tree together."""
    return sum(map(descriptors, tree(root)))


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # the process has ended
        return 0

