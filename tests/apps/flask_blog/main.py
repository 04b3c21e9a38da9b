"""The blog's application."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Flask, Response, g, jsonify, redirect, render_template, request, session, url_for

from tests.apps.flask_blog import database, files, posts, streams, told

app = Flask(__name__)
app.secret_key = "not secret at all"
app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
app.config["MAX_FORM_MEMORY_SIZE"] = 1024 * 1024
app.register_blueprint(posts.blueprint, url_prefix="/posts")
app.register_blueprint(files.blueprint, url_prefix="/files")
app.register_blueprint(streams.blueprint, url_prefix="/streams")
app.register_blueprint(told.blueprint, url_prefix="/told")
app.teardown_appcontext(database.close)
database.create()


@app.before_request
def number_request() -> None:
    g.number = request.headers.get("X-Number", "none")


@app.after_request
def tell_number(response: Response) -> Response:
    response.headers["X-Number"] = g.number
    response.headers.add("X-Twice", "one")
    response.headers.add("X-Twice", "two")
    return response


@app.get("/")
def home() -> str:
    session["visits"] = session.get("visits", 0) + 1
    return render_template("home.html", name=session.get("name"), visits=session["visits"])


@app.route("/login", methods=["GET", "POST"])
def login() -> Any:
    if request.method == "POST":
        if not request.form["name"].strip():
            return render_template("login.html", error="A name, please."), 400
        session["name"] = request.form["name"]
        session.permanent = "remember" in request.form
        return redirect(request.args.get("next") or url_for("home"))
    return render_template("login.html", error=None)


@app.post("/logout")
def logout() -> Any:
    session.clear()
    return redirect(url_for("home"))


@app.get("/cookies")
def cookies() -> Any:
    response = jsonify(dict(request.cookies))
    response.set_cookie("plain", "value", max_age=60, httponly=True)
    response.set_cookie("odd", 'sp ace; "quote", comma é', path="/cookies", samesite="Lax")
    response.delete_cookie("old")
    return response


@app.get("/mistake")
def mistake() -> str:
    raise RuntimeError("the blog made a mistake")


@app.get("/nothing")
def nothing() -> Any:
    return "", 204


@app.get("/not-modified")
def not_modified() -> Any:
    response = Response("the same as ever")
    response.set_etag("v1")
    return response.make_conditional(request)


@app.get("/id")
def unique() -> str:
    """Different every time."""
    return str(uuid.uuid4())


@app.errorhandler(404)
def not_found(error: Any) -> Any:
    return render_template("not_found.html", path=request.path), 404


@app.errorhandler(413)
def too_large(error: Any) -> Any:
    return jsonify(error="too large"), 413


@app.errorhandler(500)
def failed(error: Any) -> Any:
    return jsonify(error=str(error.original_exception), kind=type(error.original_exception).__name__), 500
