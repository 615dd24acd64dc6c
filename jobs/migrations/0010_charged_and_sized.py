"""What a picture was charged, and how large a matte is; and what is stored so far is counted once."""

from __future__ import annotations

from collections import Counter

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Sum


def count_storage(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    uploads = apps.get_model("jobs", "Upload").objects.filter(state__in=["uploaded", "submitted"])
    renditions = apps.get_model("jobs", "Rendition").objects
    stored: Counter[int] = Counter()
    for user, size in uploads.order_by().values_list("user").annotate(Sum("size")):
        stored[user] += size or 0
    for user, size in renditions.order_by().values_list("picture__user").annotate(Sum("size")):
        stored[user] += size or 0
    storage = apps.get_model("accounts", "Storage")
    storage.objects.bulk_create([storage(user_id=user, bytes=size) for user, size in stored.items()])


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_api"),
        ("accounts", "0004_api_tokens_and_ledger"),
    ]

    operations = [
        migrations.AddField(
            model_name="matte",
            name="size",
            field=models.BigIntegerField(default=0, verbose_name="bytes"),
        ),
        migrations.AddField(
            model_name="picture",
            name="charged_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(count_storage, migrations.RunPython.noop),
    ]
