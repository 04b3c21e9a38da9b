"""Brings the site up: settings, tables, an administrator."""

from __future__ import annotations

import fcntl
import os
import threading
from typing import Any

ADMINISTRATOR = ("admin", "admin@tandem.test", "correct horse")


def wsgi() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.apps.django_site.settings")
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    prepare()
    return application


def asgi() -> Any:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.apps.django_site.settings")
    from django.core.asgi import get_asgi_application

    application = get_asgi_application()
    prepare()
    return application


def prepare() -> None:
    """In a thread of its own, since a server may import an application within its event loop, where Django refuses to use the
    database."""
    thread = threading.Thread(target=_prepare)
    thread.start()
    thread.join()


def _prepare() -> None:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connections

    with open(settings.STATE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker does it, the others find it done
        call_command("migrate", verbosity=0)
        if not get_user_model().objects.exists():
            get_user_model().objects.create_superuser(*ADMINISTRATOR)
    connections.close_all()
