"""Reads the rooms and finds lines that stand in the wrong one. Pure functions of a tree of files, so that tests can bring
their own tree.

A room says in its CMakeLists.txt what it includes: tandem_room(net DEPENDS base http service SOURCES connection.cpp). A room that
is linked only sometimes is named as Tandem::NAME there.
"""

import re
from dataclasses import dataclass
from pathlib import Path

# Dependencies point downwards only; rooms of one row do not know each other.
ROWS = {
    "base": 0,
    "http": 1, "frames": 1,
    "service": 2, "observe": 2, "statistics": 2, "comparison": 2,
    "measure": 3,
    "net": 4, "pipeline": 4, "routing": 4, "native": 4, "pool": 4, "python": 4, "experiment": 4, "report": 4, "loadgen": 4,
    "benchmark": 5, "admin": 5, "config": 5, "handlers": 5, "steering": 5,
    "top": 6,
    "app": 7,
}  # fmt: skip


@dataclass(frozen=True)
class Room:
    name: str
    folder: Path
    depends: frozenset
    sources: frozenset


@dataclass(frozen=True)
class Rule:
    """What one regular expression finds may stand only in `allowed`: paths or folders (ending in "/") of the tree."""

    name: str
    pattern: str
    allowed: tuple


RULES = (
    Rule("Python objects stay in the worker's room", r"pybind11|\bPy[A-Z]\w*_\w+\(|\bPyObject\b|<Python\.h>", ("src/python/",)),
    Rule("nothing is spawned that nobody waits for", r"\bdetached\b", ()),
    Rule(
        "tasks are spawned by whoever awaits them",
        r"\bco_spawn\b",
        ("src/base/task_group", "src/base/loop", "src/net/listener", "src/app/"),
    ),
    Rule("the HTTP parser belongs to the front", r"boost/beast(?!/http/(status|verb|field)\.hpp)", ("src/net/", "src/loadgen/", "src/base/boost_impl.cpp", "src/admin/admin_client", "src/admin/event_client", "src/steering/webhook")),
    Rule(
        "JSON stops at the door",
        r"nlohmann",
        (
            "src/config/",
            "src/http/problem",
            "src/comparison/",
            "src/measure/record_json",
            "src/report/",
            "src/benchmark/render_json",
            "src/loadgen/request_list",  # HAR
            "src/steering/",
            "src/admin/",
            "src/top/",
            "handlers/",
            "src/pool/",  # hello and ready, the two JSON messages of the worker protocol
            "src/python/",  # the worker's end of the same two
            "src/app/",  # what the admin side answers to `tandem status` and its siblings
        ),
    ),
    Rule(
        "only the application ends the process",
        r"\bstd::(exit|quick_exit|abort)\(|(?<![\w>])::_?exit\(",
        ("src/app/", "src/python/worker_main"),  # a worker whose front is gone leaves at once, whatever holds the interpreter
    ),
    Rule("only the application reads the environment", r"\bgetenv\(", ("src/app/", "src/config/")),
    Rule("only the clock asks the system for the time", r"\bsystem_clock::now\(|\bgettimeofday\(", ("src/base/clock", "src/base/log", "src/app/server", "src/app/generations", "src/steering/")),  # the start, as people read it
)


def strip_comments(text):
    """Comments and string literals become blanks of the same length, so that lines keep their numbers."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def words_after(call, key):
    match = re.search(rf"\b{key}\b([^A-Z)]*(?:\b(?!DEPENDS\b|SOURCES\b|LIBRARIES\b)[^\s)]+\s*)*)", call)
    return frozenset(match[1].split()) if match else frozenset()


def read_rooms(tree):
    rooms = {}
    for lists in sorted([*tree.glob("src/*/CMakeLists.txt"), *tree.glob("handlers/CMakeLists.txt")]):
        text = re.sub(r"#[^\n]*", "", lists.read_text())
        text = re.sub(r"\$\{CMAKE_CURRENT_BINARY_DIR\}[^\s)]*", "", text)  # made while building
        for call in re.findall(r"\btandem_room\(([^)]*)\)", text):
            name = call.split()[0]
            depends = words_after(call, "DEPENDS") | set(re.findall(r"Tandem::(\w+)", text)) - {name}
            calls = " ".join(re.findall(r"\b(?:tandem_room|add_executable)\([^)]*\)", text))
            rooms[name] = Room(name, lists.parent, depends, frozenset(re.findall(r"[\w/]+\.cpp", calls)))
    # handlers/ are endpoints, no room: they may use what the native backend offers, and what that is made of.
    handlers = tree / "handlers" / "CMakeLists.txt"
    if handlers.exists() and "native" in rooms:
        linked = set(re.findall(r"Tandem::(\w+)", handlers.read_text())) - {"handlers"}
        for name in tuple(linked):
            linked |= rooms[name].depends if name in rooms else set()
        rooms["handlers"] = Room("handlers", tree / "handlers", frozenset(linked), frozenset())
    return rooms


def files_of(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".hpp", ".cpp", ".ipp", ".h"))


def find_wrong_dependencies(rooms):
    found = []
    for room in rooms.values():
        if room.name not in ROWS:
            found.append(f"{room.name}: tests/layers/layers.py does not know in which row this room stands")
            continue
        for other in sorted(room.depends):
            if other not in rooms and other not in ROWS:
                found.append(f"{room.name} depends on {other}, which is no room")
            elif ROWS.get(other, 0) >= ROWS[room.name]:
                found.append(f"{room.name} depends on {other}, which does not stand below it")
    return found


def find_wrong_includes(tree, rooms):
    found = []
    for room in rooms.values():
        for path in files_of(room.folder):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include\s+["<]([\w./]+)[">]', line)
                if not match or "/" not in match[1]:
                    continue
                other = match[1].split("/")[0]
                is_room = other in rooms or other in ROWS
                if is_room and other != room.name and other not in room.depends:
                    where = path.relative_to(tree)
                    found.append(f"{where}:{number}: {room.name} includes {match[1]} and does not name {other} in DEPENDS")
    return found


def find_unlisted_sources(rooms):
    found = []
    for room in rooms.values():
        if room.name == "handlers" or not room.sources:
            continue
        present = {str(path.relative_to(room.folder)) for path in files_of(room.folder) if path.suffix == ".cpp"}
        found += [f"{room.name}: {name} is in the folder and not in SOURCES" for name in sorted(present - room.sources)]
        found += [f"{room.name}: {name} is in SOURCES and not in the folder" for name in sorted(room.sources - present)]
    return found


def find_broken_rules(tree, rules=RULES):
    found = []
    for folder in ("src", "handlers"):
        for path in files_of(tree / folder):
            where = path.relative_to(tree).as_posix()
            text = path.read_text()
            # An include is a rule's business too, though its name looks like a string.
            includes = {number for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("#")}
            bare = strip_comments(text).splitlines()
            for number, line in enumerate(text.splitlines(), 1):
                code = line if number in includes else bare[number - 1]
                for rule in rules:
                    if re.search(rule.pattern, code) and not where.startswith(rule.allowed):
                        found.append(f"{where}:{number}: {rule.name}: {line.strip()}")
    return found
