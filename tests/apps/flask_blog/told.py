"""The request as Flask sees it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request

blueprint = Blueprint("told", __name__)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@blueprint.route("/", defaults={"rest": ""}, methods=METHODS)
@blueprint.route("/<path:rest>", methods=METHODS)
def told(rest: str) -> Any:
    return jsonify(
        method=request.method,
        rest=rest,
        path=request.path,
        full_path=request.full_path,
        url=request.url.replace(request.host, "HOST"),
        query=list(request.args.items(multi=True)),
        headers=sorted([name, value] for name, value in request.headers.items() if name != "Host"),
        length=len(request.get_data()),
    )
