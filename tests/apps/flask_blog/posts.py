"""Posts: listed, written, read, deleted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, session, url_for
from werkzeug.utils import secure_filename

from tests.apps import state
from tests.apps.flask_blog.database import db

blueprint = Blueprint("posts", __name__)


@blueprint.before_request
def only_for_known() -> Any:
    if request.method == "POST" and "name" not in session:
        return redirect(url_for("login", next=request.path))
    return None


@blueprint.get("/")
def index() -> str:
    posts = db().execute("SELECT * FROM posts WHERE title LIKE ? ORDER BY id", (f"%{request.args.get('q', '')}%",)).fetchall()
    return render_template("posts.html", posts=posts)


@blueprint.post("/")
def write() -> Any:
    title = request.form.get("title", "").strip()
    if not title:
        flash("A post has a title.", "error")
        return redirect(url_for("posts.index"))
    picture = request.files.get("picture")
    name = secure_filename(picture.filename) if picture and picture.filename else None
    if name:
        picture.save(state.folder("blog") / name)
    values = (session["name"], title, request.form.get("body", ""), name)
    made = db().execute("INSERT INTO posts (author, title, body, picture) VALUES (?, ?, ?, ?)", values)
    db().commit()
    flash(f"“{title}” is out.", "done")
    return redirect(url_for("posts.read", number=made.lastrowid))


@blueprint.get("/<int:number>")
def read(number: int) -> str:
    post = db().execute("SELECT * FROM posts WHERE id = ?", (number,)).fetchone()
    if post is None:
        abort(404)
    return render_template("post.html", post=post)


@blueprint.post("/<int:number>/delete")
def delete(number: int) -> Any:
    db().execute("DELETE FROM posts WHERE id = ? AND author = ?", (number, session["name"]))
    db().commit()
    flash("Gone.")
    return redirect(url_for("posts.index"))


@blueprint.route("/<int:number>.json", methods=["GET", "PUT"])
def as_json(number: int) -> Any:
    if request.method == "PUT":
        document = request.get_json()
        db().execute("UPDATE posts SET title = ?, body = ? WHERE id = ?", (document["title"], document["body"], number))
        db().commit()
    post = db().execute("SELECT * FROM posts WHERE id = ?", (number,)).fetchone()
    return jsonify(dict(post)) if post else (jsonify(error="no such post"), 404)
