"""A chat with Starlette: sessions, templates, forms, static files, rooms over WebSockets, server-sent events, a mounted application."""

from tests.apps.starlette_chat.main import app

__all__ = ["app"]
