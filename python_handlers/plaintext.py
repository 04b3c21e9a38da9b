from __future__ import annotations


def handle() -> str:
    return "Hello, World!"
