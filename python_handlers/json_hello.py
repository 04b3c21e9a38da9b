from __future__ import annotations


def handle() -> dict[str, str]:
    return {"message": "Hello, World!"}
