"""Runs what a document shows: every fenced block of it says on its first line what is to be done with it.

    ```python file=shop.py        written to that file (any language)
    ```jsonc config=tandem.json   written to that file, and accepted by `tandem check`
    ```jsonc unit                 parsed as JSON (configurations of servers that are not here)
    ```sh run                     each command is run and has to succeed; commands go on over a line with a backslash at its end
    ```text                       right behind such a block: every line of it is a line of the output, "…" stands for anything;
                                  a command whose output does not end a line is shown as if it did
    ```sh run until               the same, again and again until the lines behind it are there
    ```sh kill                    the servers that run are killed (SIGKILL), whatever the command says
    ```sh serve                   the command starts a server, which runs until the next such block or the end
    ```sh serve beside            the servers that run go on running beside it
    ```nginx serve                what goes into the http block of nginx, which is started with it
    ```ini unit-file=shop.service a systemd unit: verified where systemd-analyze is, and its ExecStart started like `serve`
    ```cpp compile                compiled, not linked
    ```text shown                 only shown

Further words: `port=8001` and `socket=PATH` say where a server that is started answers, the default is port 8000; `needs=PROGRAM,…`
leaves the block and what is asked of its server out where a program or Python module is missing; `fails` expects another exit
status than 0.

Commands run in a directory of the test's own, which stands for /srv/shop. Ports are replaced by free ones, everywhere.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
from typing import Any

from support.server import SOURCE, START_DEADLINE, STOP_DEADLINE, binary, clean_environment, wait_until

PORTS = ("8000", "8001", "8002", "8080", "9090", "9091")
HOME = "/srv/shop"
LANGUAGES = {"c++", "cpp", "html", "ini", "json", "jsonc", "nginx", "python", "sh", "text"}
FLAGS = {"run", "serve", "beside", "compile", "unit", "shown", "fails", "until", "kill"}
SETTINGS = {"file", "config", "unit-file", "port", "socket", "needs"}


@dataclasses.dataclass
class Block:
    document: str
    line: int
    language: str
    flags: set[str]
    settings: dict[str, str]
    text: str
    follows_directly: bool  # nothing but white space between it and the block before

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def is_output(self) -> bool:
        return self.language == "text" and not self.flags


def blocks_of(document: pathlib.Path) -> list[Block]:
    """The fenced blocks of a Markdown file. AssertionError names the ones that say nothing about themselves."""
    found: list[Block] = []
    open_block: Block | None = None
    between = ""
    for number, line in enumerate(document.read_text().splitlines(), 1):
        if open_block is not None:
            if line == "```":
                found.append(open_block)
                open_block, between = None, ""
            else:
                open_block.text += line + "\n"
        elif line.startswith("```"):
            language, *words = shlex.split(line[3:]) or [""]
            settings = dict(word.split("=", 1) for word in words if "=" in word)
            flags = {word for word in words if "=" not in word}
            place = f"{document.name}:{number}"
            assert language in LANGUAGES and flags <= FLAGS and settings.keys() <= SETTINGS, f"{place}: {line}: unknown words"
            assert language == "text" or flags or settings, f"{place}: {line}: says not what is to be done with it"
            open_block = Block(document.name, number, language, flags, settings, "", not between.strip())
        else:
            between += line
    assert open_block is None, f"{document.name}: the last block is not closed"
    return found


def without_comments(text: str) -> str:
    """JSON with // and /* */ comments as JSON."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL)


def commands_of(text: str) -> list[str]:
    """One a line, comments left out."""
    joined = re.sub(r"\\\n\s*", "", text)
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def missing(needs: str) -> list[str]:
    """Those of the programs and modules that are not here."""

    def is_here(name: str) -> bool:
        path = os.environ["PATH"] + ":/usr/sbin:/usr/bin"
        if shutil.which(name, path=path):
            return True
        check = [sys_python(), "-c", f"import {name}"]
        return name.isidentifier() and subprocess.run(check, capture_output=True, timeout=60, env=clean_environment()).returncode == 0

    return [name for name in needs.split(",") if name and not is_here(name)]


def sys_python() -> str:
    return "/usr/bin/python3"


def _free_port() -> int:
    """Below the ports that the system gives to outgoing connections, so that nobody takes it before the server does."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def is_listening(port: str | int, path: str | None) -> bool:
    """On the Unix socket, else on the port of this machine."""
    try:
        if path is None:
            socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
        else:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(path)
        return True
    except OSError:
        return False


class Started:
    """A server of a document, in a process group of its own."""

    def __init__(self, block: Block, command: str, folder: pathlib.Path, environment: dict[str, str]):
        self.block = block
        self.command = command
        self.log_file = folder.parent / f"server-{block.line}.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_until_it_answers(self, port: str | int, path: str | None) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, f"{self.block.place}: {self.command}: ended at once\n{self.log()}"
            return is_listening(port, path)

        wait_until(answers, f"{self.block.place}: {self.command}", START_DEADLINE)

    def stop(self) -> None:
        """Tandem as Ctrl-C would, and it has to end with 0. How others take Ctrl-C, while they start too, is their affair."""
        if not re.match(r"(\S*/)?tandem ", self.command):
            self.kill()
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.block.place}: {self.command}: does not stop\n{self.log()}") from None
        finally:
            self.kill()
        assert code == 0, f"{self.block.place}: {self.command}: exit status {code}\n{self.log()}"

    def kill(self) -> None:
        """Whoever is left of the group."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Walk:
    """One document, block by block, in `folder`."""

    def __init__(self, folder: pathlib.Path):
        self.root = folder
        self.folder = folder / "shop"
        self.programs = folder / "programs"
        self.left_out: list[str] = []
        self._servers: list[Started] = []
        self._is_skipping = False  # what is asked of a server that was left out
        self._ports = {port: str(_free_port()) for port in PORTS}
        for directory in (self.folder, self.programs):
            directory.mkdir()
        self._install_programs()

    def _install_programs(self) -> None:
        (self.programs / "python3").symlink_to(sys_python())
        # The commands that speak to a running server find it where documents say it is; so does what says no port.
        wrapper = self.programs / "tandem"
        wrapper.write_text(f"""#!/bin/sh
case $1 in
  status|workers|reload|stacks|requests|weights|ramp|start|rollback|audit|report|diffs) set -- "$@" --admin http://127.0.0.1:{self._ports['9090']} ;;
  run)
    case "$*" in
      *--port*|*--host*|*--listen*|*--bind*|*--uds*) ;;
      *) set -- "$@" --port {self._ports['8000']} ;;
    esac ;;
esac
exec {binary()} "$@"
""")
        wrapper.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.programs}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        port = self._ports["8000"]
        ports = {"UVICORN_PORT": port, "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}"}
        return clean_environment(PATH=path, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", **ports)

    def substituted(self, text: str) -> str:
        text = text.replace("/usr/local/bin/tandem", str(self.programs / "tandem")).replace("/run/tandem", str(self.root))
        text = re.sub(rf"{HOME}\b", str(self.folder), text)
        text = re.sub(r"(wrk .*)-d\d+s", r"\1-d1s", text)
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda match: self._ports[match[1]], text)

    # --- what a block asks for ---------------------------------------------------------------------------------------

    def walk(self, blocks: list[Block]) -> None:
        outputs = {id(block): after for block, after in zip(blocks, blocks[1:]) if after.is_output and after.follows_directly}
        expected = set(map(id, outputs.values()))
        try:
            for block in blocks:
                assert not block.is_output or id(block) in expected, f"{block.place}: output of what? (or \"text shown\")"
                self.step(block, outputs.get(id(block)))
        finally:
            self.stop()

    def step(self, block: Block, output: Block | None) -> None:
        starts = "serve" in block.flags or "unit-file" in block.settings
        if starts and "beside" not in block.flags:
            self.stop()
            self._is_skipping = False
        if absent := missing(block.settings.get("needs", "")):
            self.left_out.append(f"{block.place}: {', '.join(absent)} not installed")
            self._is_skipping = self._is_skipping or starts
            return
        if "file" in block.settings:
            self.write(block.settings["file"], block.text, is_program=block.language == "python")
        elif "config" in block.settings:
            file = self.write(block.settings["config"], block.text)
            self.run(block, f"tandem check {shlex.quote(str(file))}")
        elif "unit-file" in block.settings:
            self.unit_file(block)
        elif "unit" in block.flags:
            json.loads(without_comments(block.text))
        elif "compile" in block.flags:
            self.compile(block)
        elif self._is_skipping:
            self.left_out.append(f"{block.place}: its server is left out")
        elif block.language == "nginx":
            self.nginx(block)
        elif "serve" in block.flags:
            commands = commands_of(block.text)
            assert len(commands) == 1, f"{block.place}: one command starts one server"
            self.start(block, self.substituted(commands[0]))
        elif "kill" in block.flags:
            for server in self._servers:
                server.kill()
            self._servers = []
        elif "until" in block.flags:
            assert output is not None, f"{block.place}: until what?"
            command = self.substituted(block.text)
            said = [""]
            try:
                wait_until(lambda: not self.missing_lines(output, said.append(self.run(block, command)) or said[-1]), command)
            except AssertionError:
                self.compare(output, said[-1])  # says which line is missing
                raise
        elif "run" in block.flags:
            said = "\n".join(self.run(block, self.substituted(command)) for command in commands_of(block.text))
            if output is not None:
                self.compare(output, said)

    def write(self, name: str, text: str, is_program: bool = False) -> pathlib.Path:
        file = self.folder / self.substituted(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if is_program else self.substituted(text))
        return file

    def run(self, block: Block, command: str) -> str:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=START_DEADLINE)
        logs = "".join(f"\n--- {server.command}\n{server.log()}" for server in self._servers)
        assert (done.returncode == 0) == ("fails" not in block.flags), f"{block.place}: {command}: {done.returncode}\n{done.stdout}{logs}"
        return done.stdout

    def missing_lines(self, output: Block, said: str) -> list[str]:
        lines = [line.strip() for line in said.replace("\r", "").splitlines()]
        patterns = {
            wanted: ".*".join(map(re.escape, wanted.split("…")))
            for wanted in filter(None, map(str.strip, self.substituted(output.text).splitlines()))
        }
        return [wanted for wanted, pattern in patterns.items() if not any(re.fullmatch(pattern, line) for line in lines)]

    def compare(self, output: Block, said: str) -> None:
        missing = self.missing_lines(output, said)
        assert not missing, f"{output.place}: no line is {missing[0]!r} in\n{said}"

    def start(self, block: Block, command: str) -> None:
        port, path = self._ports[block.settings.get("port", "8000")], block.settings.get("socket")
        path = path and self.substituted(path)
        wait_until(lambda: not is_listening(port, path), f"{block.place}: the end of the server before", START_DEADLINE)
        started = Started(block, command, self.folder, self.environment)
        self._servers.append(started)
        started.wait_until_it_answers(port, path)

    def unit_file(self, block: Block) -> None:
        """Each of a unit's files is written, and its server started as it says, without the user and the sandbox."""
        file = self.write(block.settings["unit-file"], block.text)
        text = file.read_text()
        if shutil.which("systemd-analyze"):
            self.run(block, f"systemd-analyze verify --man=no {shlex.quote(str(file))}")
        directory = re.search(r"^WorkingDirectory=(.+)$", text, re.MULTILINE)
        for check in re.findall(r"^ExecStartPre=(.+)$", text, re.MULTILINE):
            self.run(block, check)
        command = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", text, re.MULTILINE)
        assert command, f"{block.place}: no ExecStart"
        assert directory is None or directory[1] == str(self.folder), f"{block.place}: {directory and directory[1]}"
        self.start(block, re.sub(r"\\\n\s*", "", command[1]))

    def nginx(self, block: Block) -> None:
        listening = re.sub(r"listen (\d+);", r"listen 127.0.0.1:\1;", self.substituted(block.text))
        own = "".join(f"{kind}_temp_path {self.root}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""  # or its workers may not enter a test's directory
        file = self.root / "nginx.conf"
        file.write_text(f"{user}daemon off;\npid {self.root}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
                        f"http {{\naccess_log off;\n{own}{listening}}}\n")
        self.start(block, f"nginx -e stderr -p {self.root} -c {file}")

    def compile(self, block: Block) -> None:
        source = self.root / "compiled.cpp"
        source.write_text(block.text)
        command = ["g++", "-std=c++20", "-fsyntax-only", f"-I{SOURCE}/src", f"-I{SOURCE}", str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_DEADLINE)
        assert done.returncode == 0, f"{block.place}: {done.stderr}"

    def stop(self) -> None:
        servers, self._servers = self._servers, []
        failures: list[Any] = []
        for server in reversed(servers):
            try:
                server.stop()
            except AssertionError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
