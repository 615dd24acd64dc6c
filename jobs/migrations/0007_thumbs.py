"""Feedback is a thumb up or down with reasons, no longer a rating from 1 to 5."""

from django.conf import settings
from django.db import migrations, models


def forget_ratings(apps, schema_editor):
    """Deletes ratings from 1 to 5: they say neither what was wrong nor which model they were about."""
    apps.get_model("jobs", "Feedback").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0006_exports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(forget_ratings, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='feedback',
            name='feedback_one_to_five',
        ),
        migrations.RemoveField(
            model_name='feedback',
            name='rating',
        ),
        migrations.AddField(
            model_name='feedback',
            name='matte_revision',
            field=models.PositiveIntegerField(default=1),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedback',
            name='model',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedback',
            name='origin',
            field=models.CharField(choices=[('web', 'website'), ('api', 'API'), ('call', 'API, one at a time'), ('sample', 'sample')], default='', max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedback',
            name='reasons',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='feedback',
            name='recipe_digest',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedback',
            name='refinement',
            field=models.CharField(default='', max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedback',
            name='verdict',
            field=models.CharField(choices=[('up', 'good'), ('down', 'not good')], default='', max_length=4),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['up', 'down'])), name='feedback_verdict_known'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.CheckConstraint(condition=models.Q(('verdict', 'down'), ('reasons', []), _connector='OR'), name='feedback_up_has_no_reasons'),
        ),
    ]
