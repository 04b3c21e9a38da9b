"""A blog with Flask: sessions, forms, uploads in SQLite and files, blueprints, streams, error handlers, flashed messages."""

from tests.apps.flask_blog.main import app

__all__ = ["app"]
