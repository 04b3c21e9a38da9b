from django.urls import path, re_path

from tests.apps.django_site.notes import views

urlpatterns = [
    path("", views.index, name="index"),
    path("notes/new/", views.new, name="new"),
    path("notes/<int:number>/", views.note, name="note"),
    path("notes/<int:number>/delete/", views.delete, name="delete"),
    path("notes/<int:number>/attachment", views.attachment, name="attachment"),
    path("notes.json", views.as_json),
    path("export.csv", views.export),
    path("visits/", views.visits),
    path("cookies/", views.cookies),
    path("private/", views.private),
    path("async/", views.asynchronous),
    path("async/note/<int:number>/", views.asynchronous_note),
    path("digest/", views.digest),
    path("upload/", views.upload),
    path("conditional/", views.conditional),
    path("broken/", views.broken),
    path("broken-stream/", views.broken_stream),
    path("denied/", views.denied),
    path("bad/", views.bad),
    path("large/", views.large),
    re_path("^told/(?P<rest>.*)$", views.told),
]
