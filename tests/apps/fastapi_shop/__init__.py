"""A shop with FastAPI: items in SQLite, validation, dependencies, authentication, files, streams, background tasks, a WebSocket."""

from tests.apps.fastapi_shop.main import app

__all__ = ["app"]
