"""The chat's rooms, in the memory of one worker."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Set


class Room:
    def __init__(self, name: str):
        self.name = name
        self.members: Dict[Any, str] = {}  # WebSocket → nickname
        self.listeners: Set["asyncio.Queue[str]"] = set()  # of server-sent events
        self.lines: List[str] = []

    async def say(self, line: str) -> None:
        self.lines.append(line)
        for queue in self.listeners:
            queue.put_nowait(line)
        for member in list(self.members):
            await member.send_json({"room": self.name, "line": line})


class Rooms:
    def __init__(self) -> None:
        self._rooms: Dict[str, Room] = {}

    def room(self, name: str) -> Room:
        return self._rooms.setdefault(name, Room(name))

    def names(self) -> List[str]:
        return sorted(self._rooms)
