"""The demo endpoints as twin routes, with the config that the endpoint tests serve them from."""

from __future__ import annotations

from typing import Any

from support.server import SOURCE

# path, native endpoint, Python module, what else the route says (and the backend of the Python arm, where it is an application)
DEMO = [
    ("/plaintext", "plaintext", "plaintext", {}),
    ("/json", "json", "json_hello", {}),
    ("/hello/{name}", "hello", "hello", {}),
    ("/fib/{n}", "fib", "fib", {}),
    ("/echo", "echo", "echo", {"methods": ["*"]}),
    ("/headers", "headers", "echo_headers", {}),
    ("/cookies", "cookies", "cookie_list", {}),
    ("/baseline", "baseline", "baseline", {"methods": ["GET", "POST"]}),
    ("/delay/{ms}", "delay", "delay", {"timeout": "65s"}),
    ("/bytes/{n}", "bytes", "byte_stream", {}),
    ("/events/{n}", "events", "events", {}),
    ("/status/{code}", "status", "status_code", {}),
    ("/upload", "upload", "upload", {"methods": ["POST", "PUT"], "stream": True, "limits": {"body_bytes": "20MiB"}}),
    ("/mandelbrot/{size}", "mandelbrot", "mandelbrot", {}),
    ("/stats", "stats", "stats", {"methods": ["POST"]}),
    ("/ws/echo", "websocket_echo", "ws_echo:app", {"backend": "asgi"}),
]


def twin(path: str, native: str, module: str, rest: dict[str, Any] | None = None) -> dict[str, Any]:
    """One path answered by C++ and by Python in equal shares."""
    rest = dict(rest or {})
    backend = rest.pop("backend", "python")
    return {
        "path": path,
        "arms": {
            "cpp": {"native": native, "weight": 50},
            "py": {backend: module if ":" in module else f"{module}:handle", "weight": 50},
        },
        **rest,
    }


def demo_routes() -> list[dict[str, Any]]:
    return [twin(*entry) for entry in DEMO]


def base_config(folder: Any, **changes: Any) -> dict[str, Any]:
    """A config on free ports, with Python modules of the test's own in folder/modules. `changes` replace keys; a dict given for a
    dict is merged into it."""
    (folder / "modules").mkdir(exist_ok=True)
    config: dict[str, Any] = {
        "listen": ["127.0.0.1:0"],
        "admin": {"listen": "127.0.0.1:0"},
        "threads": 2,
        "python": {"path": [str(folder / "modules"), str(SOURCE / "python_handlers")], "workers": 1},
        "state_dir": str(folder / "state"),
        "routes": [],
    }
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            config[key] = config[key] | value
        else:
            config[key] = value
    return config
