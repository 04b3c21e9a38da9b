"""The hello application on bare WSGI, without a framework: what gunicorn and uwsgi serve in the comparison."""

import json


def app(environ, start_response):
    if environ["PATH_INFO"] == "/json":
        body = json.dumps({"message": "Hello, World!"}, separators=(",", ":")).encode()
        content_type = "application/json"
    else:
        body, content_type = b"Hello, World!", "text/plain; charset=utf-8"
    start_response("200 OK", [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


application = app
