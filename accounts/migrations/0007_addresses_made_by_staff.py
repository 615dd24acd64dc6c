"""Accounts that staff or a command made have a confirmed address.

django-allauth made such a row unconfirmed and not primary as soon as the person opened the page of addresses;
sign-ups have always made a primary one.
"""

from django.db import migrations
from django.db.models import F


def confirm(apps, schema_editor):
    EmailAddress = apps.get_model("account", "EmailAddress")
    rows = EmailAddress.objects.filter(email=F("user__email"), verified=False, primary=False)
    for row in rows.iterator():
        others = EmailAddress.objects.exclude(pk=row.pk)
        if others.filter(email=row.email, verified=True).exists():
            continue
        if others.filter(user_id=row.user_id, primary=True).exists():
            continue
        EmailAddress.objects.filter(pk=row.pk).update(verified=True, primary=True)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0006_charged_results"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(confirm, migrations.RunPython.noop)]
