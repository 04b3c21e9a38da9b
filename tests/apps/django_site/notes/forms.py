from django import forms

from tests.apps.django_site.notes.models import Note


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["title", "text", "topic", "attachment"]

    def clean_title(self):
        title = self.cleaned_data["title"]
        if title.islower():
            raise forms.ValidationError("A title begins with a capital letter.")
        return title
