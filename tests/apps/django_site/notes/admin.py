from django.contrib import admin

from tests.apps.django_site.notes.models import Note, Topic


@admin.action(description="Pin the chosen notes")
def pin(modeladmin, request, queryset):
    queryset.update(pinned=True)


@admin.register(Note)
class NoteAdmin(admin.ModelAdmin):
    list_display = ("title", "topic", "pinned")
    list_filter = ("topic", "pinned")
    search_fields = ("title", "text")
    actions = [pin]


admin.site.register(Topic)
