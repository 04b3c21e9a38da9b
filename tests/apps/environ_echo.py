"""Tells the WSGI environ it is given."""

from __future__ import annotations

import json
import os
from typing import Any, List


def app(environ: Any, start_response: Any) -> List[bytes]:
    told = {}
    for key, value in environ.items():
        if os.environ.get(key) == value:
            continue  # some servers copy the process's environment
        told[key] = value if isinstance(value, (str, int, bool)) else list(value) if isinstance(value, tuple) else "<object>"
    told["the input's methods"] = [name for name in ("read", "readline", "readlines", "__iter__") if hasattr(environ["wsgi.input"], name)]
    told["the body"] = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("latin-1")
    body = json.dumps(told, sort_keys=True).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
