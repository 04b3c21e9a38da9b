"""The site's views."""

import asyncio
import csv
import hashlib

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import FileResponse, Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition, require_POST, require_safe

from tests.apps.django_site.notes.forms import NoteForm
from tests.apps.django_site.notes.models import Note


@require_safe
@gzip_page
def index(request):
    return render(request, "notes/index.html", {"notes": Note.objects.select_related("topic")})


def new(request):
    form = NoteForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        made = form.save()
        messages.success(request, f"“{made.title}” is kept.")
        return redirect("note", number=made.pk)
    return render(request, "notes/form.html", {"form": form})


def note(request, number):
    return render(request, "notes/note.html", {"note": get_object_or_404(Note, pk=number)})


@require_POST
def delete(request, number):
    get_object_or_404(Note, pk=number).delete()
    messages.info(request, "Gone.")
    return redirect("index")


def attachment(request, number):
    found = get_object_or_404(Note, pk=number)
    if not found.attachment:
        raise Http404("no attachment")
    return FileResponse(found.attachment.open(), as_attachment="save" in request.GET, filename="attached file.bin")


def as_json(request):
    return JsonResponse({"notes": list(Note.objects.values("id", "title", "pinned", "topic__name"))})


class Echo:
    def write(self, value):
        return value


def export(request):
    writer = csv.writer(Echo())
    rows = [("id", "title"), *Note.objects.values_list("id", "title")]
    lines = StreamingHttpResponse((writer.writerow(row) for row in rows), content_type="text/csv")
    lines["Content-Disposition"] = 'attachment; filename="notes.csv"'
    return lines


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(f"visit {request.session['visits']}", content_type="text/plain")


def cookies(request):
    response = JsonResponse(request.COOKIES)
    response.set_cookie("plain", "value", max_age=60, httponly=True, samesite="Strict")
    response.set_cookie("odd", 'sp ace; "quote", comma', path="/cookies/")
    response.set_signed_cookie("signed", "sealed", salt="pepper")
    response.delete_cookie("old")
    return response


@login_required
def private(request):
    return HttpResponse(f"only for {request.user.username}", content_type="text/plain")


async def asynchronous(request):
    await asyncio.sleep(0.001)
    return JsonResponse({"async": True, "user": "agent" if "User-Agent" in request.headers else "nobody"})


async def asynchronous_note(request, number):
    """An asynchronous view that asks the database through a thread."""
    from asgiref.sync import sync_to_async

    found = await sync_to_async(Note.objects.filter(pk=number).first)()
    return JsonResponse({"title": found.title if found else None})


@csrf_exempt
def digest(request):
    """The body, read piece by piece."""
    sha = hashlib.sha256()
    length = 0
    while True:
        piece = request.read(65536)
        if not piece:
            break
        sha.update(piece)
        length += len(piece)
    return JsonResponse({"length": length, "sha256": sha.hexdigest(), "content_length": request.META.get("CONTENT_LENGTH")})


@csrf_exempt
def upload(request):
    files = [
        [name, one.name, one.content_type, one.size, hashlib.sha256(b"".join(one.chunks())).hexdigest()]
        for name in sorted(request.FILES)
        for one in request.FILES.getlist(name)
    ]
    return JsonResponse({"fields": {name: request.POST.getlist(name) for name in sorted(request.POST)}, "files": files})


@condition(etag_func=lambda request: '"first"')
def conditional(request):
    return HttpResponse("the same as ever", content_type="text/plain")


def broken(request):
    raise RuntimeError("this view is broken")


def broken_stream(request):
    def parts():
        yield b"the first part\n"
        raise RuntimeError("this stream is broken")

    return StreamingHttpResponse(parts(), content_type="text/plain")


def denied(request):
    raise PermissionDenied("not you")


def bad(request):
    raise SuspiciousOperation("that looks odd")


def large(request):
    block = bytes(range(256)) * 256
    return StreamingHttpResponse((block for _ in range(16 * 10)), content_type="application/octet-stream")


@csrf_exempt
def told(request, rest):
    """The request as Django sees it."""
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "rest": rest,
            "full_path": request.get_full_path(),
            "uri": request.build_absolute_uri().replace(request.get_host(), "HOST"),
            "query": {name: request.GET.getlist(name) for name in sorted(request.GET)},
            "headers": {name: value for name, value in sorted(request.headers.items()) if name != "Host"},
            "length": len(request.body),
            "encoding": request.encoding,
            "secure": request.is_secure(),
        }
    )
