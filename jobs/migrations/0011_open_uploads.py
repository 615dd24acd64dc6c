"""What a user has uploaded and not submitted is counted at every upload, and offered at the studio."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0010_charged_and_sized")]

    operations = [
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(
                condition=~models.Q(state="submitted"), fields=["user", "created_at"], name="upload_open"
            ),
        ),
    ]
