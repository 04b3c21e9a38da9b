from django.db import migrations, models


def first_topic(apps, schema_editor):
    apps.get_model("notes", "Topic").objects.create(name="general")


class Migration(migrations.Migration):
    dependencies = [("notes", "0001_initial")]
    operations = [
        migrations.AddField("note", "pinned", models.BooleanField(default=False)),
        migrations.AlterModelOptions("note", {"ordering": ["-pinned", "id"]}),
        migrations.RunPython(first_topic, migrations.RunPython.noop),
    ]
