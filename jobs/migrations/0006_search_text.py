"""What is there already becomes search_index; PostgreSQL gets a trigram index, where it has the extension."""

import logging
import unicodedata

from django.db import DatabaseError, migrations, transaction

logger = logging.getLogger(__name__)

INDEX = 'CREATE INDEX IF NOT EXISTS search_text_trigrams ON jobs_searchtext USING gin ("text" gin_trgm_ops)'
NO_TRIGRAMS = (
    "PostgreSQL's extension pg_trgm could not be created here (%s): searching the history stays correct and is "
    "slower for accounts with very many jobs. docs/operations.md says how to add it later."
)


def fill(apps, schema_editor):
    """The text of every job, as jobs/services/search_index.py writes it for new ones."""
    job_model, picture_model = apps.get_model("jobs", "Job"), apps.get_model("jobs", "Picture")
    text_model = apps.get_model("jobs", "SearchText")
    rows = []
    for job in job_model.objects.only("title", "user_id").iterator(chunk_size=500):
        names = picture_model.objects.filter(job=job).order_by("position").values_list("name", flat=True)
        lines = [unicodedata.normalize("NFC", line).casefold() for line in (job.title, *names)]
        rows.append(text_model(job=job, user_id=job.user_id, text="\n".join(dict.fromkeys(lines))))
        if len(rows) == 100:
            text_model.objects.bulk_create(rows)
            rows = []
    text_model.objects.bulk_create(rows)


def add_trigrams(apps, schema_editor):
    """Only on PostgreSQL, and only where this role may create the extension or somebody has."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning(NO_TRIGRAMS, error)
        return
    schema_editor.execute(INDEX)


def remove_trigrams(apps, schema_editor):
    """The index goes; the extension may be somebody else's, too."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS search_text_trigrams")


class Migration(migrations.Migration):

    dependencies = [("jobs", "0005_history")]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(add_trigrams, remove_trigrams),
    ]
