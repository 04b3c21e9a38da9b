from django.db import models


class Topic(models.Model):
    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    title = models.CharField(max_length=80)
    text = models.TextField(blank=True)
    topic = models.ForeignKey(Topic, null=True, blank=True, on_delete=models.SET_NULL)
    attachment = models.FileField(upload_to="notes", blank=True)
    pinned = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pinned", "id"]

    def __str__(self) -> str:
        return self.title
