"""The plan that everybody has until staff make others: nothing is ever deleted by itself."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def make_standard(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    plans = apps.get_model("accounts", "Plan")
    if not plans.objects.filter(is_default=True).exists():
        plans.objects.create(name="Standard", is_default=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_plans")]

    operations = [migrations.RunPython(make_standard, migrations.RunPython.noop)]
