"""A site with Django, for WSGI (tests.apps.django_site.wsgi:application) and ASGI (tests.apps.django_site.asgi:application): models and
migrations on SQLite, the admin, sessions, forms with CSRF tokens, uploads, streams, asynchronous views."""
