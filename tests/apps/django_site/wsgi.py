from tests.apps.django_site import start

application = start.wsgi()
