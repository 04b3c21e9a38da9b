"""Pictures and other files."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from flask import Blueprint, jsonify, request, send_file, send_from_directory

from tests.apps import state

blueprint = Blueprint("files", __name__)


@blueprint.get("/pictures/<path:name>")
def picture(name: str) -> Any:
    """A file of the disk, which the server may send itself (wsgi.file_wrapper)."""
    return send_from_directory(state.folder("blog"), name)


@blueprint.get("/digits")
def digits() -> Any:
    """From memory, with a name, an entity tag, ranges."""
    data = io.BytesIO(b"0123456789" * 1000)
    return send_file(data, "text/plain", as_attachment=True, download_name="zählen.txt", etag="digits", max_age=60)


@blueprint.post("/digest")
def digest() -> Any:
    """The body, read piece by piece as it comes."""
    sha = hashlib.sha256()
    length = 0
    while piece := request.stream.read(65536):
        sha.update(piece)
        length += len(piece)
    return jsonify(length=length, sha256=sha.hexdigest(), content_length=request.content_length)


@blueprint.post("/upload")
def upload() -> Any:
    """A form with files, told back."""
    told = []
    for name, values in sorted(request.form.lists()):
        told.append([name, values])
    for name, files in sorted(request.files.lists()):
        for file in files:
            data = file.read()
            told.append([name, file.filename, file.mimetype, len(data), hashlib.sha256(data).hexdigest()])
    return jsonify(told)
