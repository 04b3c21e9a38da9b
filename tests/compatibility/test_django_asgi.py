"""The Django site as ASGI, against uvicorn."""

from __future__ import annotations

from support import django_sessions as sessions
from support.compared import compared
from support.reference import Application

APPLICATION = Application("asgi", "tests.apps.django_site.asgi:application")

test_admin = compared(sessions.admin)
test_static_files = compared(sessions.static_files)
test_notes = compared(sessions.notes)
test_attachments = compared(sessions.attachments)
test_cross_site = compared(sessions.cross_site)
test_sessions = compared(sessions.django_session)
test_bodies = compared(sessions.bodies)
test_chunked_bodies = compared(sessions.chunked_bodies)
test_errors = compared(sessions.errors)
test_streams = compared(sessions.streams)
test_broken_stream = compared(sessions.broken_stream)
test_targets = compared(sessions.targets)
test_kept_alive = compared(sessions.kept_alive)
