"""The hello applications on bare WSGI, without a framework: what Tandem, gunicorn and uWSGI serve in the comparison."""

import json

LARGE = b"0123456789abcdef" * 640  # 10 KiB


def app(environ, start_response):
    if environ["PATH_INFO"] == "/json":
        body = json.dumps({"message": "Hello, World!"}, separators=(",", ":")).encode()
        content_type = "application/json"
    else:
        body, content_type = b"Hello, World!", "text/plain; charset=utf-8"
    start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def large(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", "10240")])
    return [LARGE]
