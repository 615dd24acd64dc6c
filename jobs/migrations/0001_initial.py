"""All tables of jobs, and on PostgreSQL a trigram index for the search in the history."""

import logging

import common.ids
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import DatabaseError, migrations, models, transaction


logger = logging.getLogger(__name__)

INDEX = 'CREATE INDEX IF NOT EXISTS search_text_trigrams ON jobs_searchtext USING gin ("text" gin_trgm_ops)'
NO_TRIGRAMS = (
    "PostgreSQL could not create the extension pg_trgm (%s). The search in the history stays correct, but is slower "
    "for accounts with very many jobs. docs/operations.md says how to add it later."
)


def add_trigrams(apps, schema_editor):
    """Adds the index on PostgreSQL, where the extension exists or this role may create it."""
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
    """Drops the index. Keeps the extension: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS search_text_trigrams")


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=255)),
                ('origin', models.CharField(choices=[('web', 'website'), ('api', 'API'), ('call', 'API, one at a time'), ('sample', 'sample')], default='web', max_length=16)),
                ('lane', models.CharField(choices=[('interactive', 'interactive'), ('batch', 'batch')], default='batch', max_length=16)),
                ('recipe', models.JSONField(default=dict)),
                ('recipe_digest', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('active', 'active'), ('finished', 'finished'), ('cancelled', 'cancelled')], default='active', max_length=10)),
                ('pinned', models.BooleanField(default=False, help_text="Kept beyond the plan's retention.")),
                ('ephemeral', models.BooleanField(default=False)),
                ('picture_count', models.PositiveIntegerField()),
                ('to_come', models.PositiveIntegerField(db_default=0, default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Discard',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Picture',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_sentence', models.CharField(blank=True, max_length=500)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(null=True)),
                ('dispatched_at', models.DateTimeField(null=True)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('position', models.PositiveIntegerField()),
                ('lane', models.CharField(choices=[('interactive', 'interactive'), ('batch', 'batch')], default='batch', max_length=16)),
                ('name', models.CharField(max_length=255, verbose_name='original file name')),
                ('folder', models.CharField(blank=True, max_length=511, verbose_name='folder it lay in')),
                ('source_key', models.CharField(blank=True, max_length=255)),
                ('source_size', models.BigIntegerField(null=True)),
                ('source_digest', models.CharField(blank=True, max_length=64)),
                ('format', models.CharField(blank=True, max_length=16)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('thumb_key', models.CharField(blank=True, max_length=255)),
                ('queued_at', models.DateTimeField()),
                ('charged_at', models.DateTimeField(null=True)),
                ('charged_pixels', models.PositiveBigIntegerField(null=True)),
                ('reserved', models.PositiveBigIntegerField(default=0)),
                ('finished_at', models.DateTimeField(null=True)),
                ('confidence', models.FloatField(null=True)),
                ('warnings', models.JSONField(default=list)),
                ('reused', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['job', 'position'],
            },
        ),
        migrations.CreateModel(
            name='LastRun',
            fields=[
                ('name', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('delivered', 'delivered'), ('failed', 'failed')], default='waiting', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField(default=django.utils.timezone.now, null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('token', models.UUIDField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'webhook deliveries',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Backdrop',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('digest', models.CharField(max_length=64, verbose_name='SHA-256')),
                ('size', models.BigIntegerField()),
                ('format', models.CharField(max_length=16)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ephemeral', models.BooleanField(default=False, help_text='Only ephemeral calls sent it; deleted after the last one.')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='backdrops', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Continuation',
            fields=[
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='continuation', serialize=False, to='jobs.job')),
                ('deleting', models.BooleanField(default=False)),
                ('items', models.JSONField(default=list)),
                ('next', models.PositiveIntegerField(default=0, verbose_name='index of the next item')),
                ('offset', models.PositiveIntegerField(default=0)),
                ('source_job', models.UUIDField(null=True)),
                ('charged_at', models.DateTimeField(null=True)),
                ('to_run', models.PositiveIntegerField(default=0)),
                ('reserved', models.PositiveBigIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='SearchText',
            fields=[
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_text', serialize=False, to='jobs.job')),
                ('text', models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name='job',
            name='backdrop',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='jobs', to='jobs.backdrop'),
        ),
        migrations.AddField(
            model_name='job',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Feedback',
            fields=[
                ('picture', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='feedback', serialize=False, to='jobs.picture')),
                ('rating', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
                ('words', models.CharField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name_plural': 'feedback',
                'ordering': ['-updated_at'],
            },
        ),
        migrations.AddField(
            model_name='picture',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='jobs.job'),
        ),
        migrations.AddField(
            model_name='picture',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='Idempotency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=255)),
                ('body_digest', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('body', models.JSONField(null=True)),
                ('location', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Improvement',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255, verbose_name='file name')),
                ('tag', models.CharField(blank=True, max_length=255)),
                ('size', models.BigIntegerField()),
                ('format', models.CharField(max_length=16)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='improvements', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Matte',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('revision', models.PositiveIntegerField()),
                ('origin', models.CharField(choices=[('model', 'model'), ('brush', 'brush'), ('api', 'API')], default='model', max_length=8)),
                ('matte_digest', models.CharField(max_length=64)),
                ('key', models.CharField(max_length=255)),
                ('size', models.BigIntegerField(default=0, verbose_name='bytes')),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('confidence', models.FloatField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mattes', to='jobs.picture')),
            ],
            options={
                'ordering': ['picture', 'revision'],
            },
        ),
        migrations.CreateModel(
            name='Preset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(db_index=False, max_length=64)),
                ('title', models.CharField(max_length=100)),
                ('recipe', models.JSONField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='presets', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('job', models.UUIDField()),
                ('title', models.CharField(max_length=255)),
                ('picture_count', models.PositiveIntegerField()),
                ('reason', models.CharField(choices=[('owner', 'deleted by its owner'), ('staff', 'deleted by staff'), ('expired', 'its retention time was over')], max_length=8)),
                ('whole', models.BooleanField(default=True)),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='why, in words for the owner')),
                ('job_created_at', models.DateTimeField()),
                ('deleted_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='receipts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-deleted_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Rendition',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('recipe', models.JSONField()),
                ('recipe_digest', models.CharField(max_length=64)),
                ('key', models.CharField(max_length=255)),
                ('preview_key', models.CharField(blank=True, max_length=255)),
                ('media_type', models.CharField(max_length=32)),
                ('extension', models.CharField(max_length=8)),
                ('size', models.BigIntegerField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('foreground', models.JSONField(null=True)),
                ('full_size', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('matte', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='renditions', to='jobs.matte')),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='renditions', to='jobs.picture')),
            ],
            options={
                'ordering': ['picture', 'created_at'],
            },
        ),
        migrations.CreateModel(
            name='RenditionRequest',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_sentence', models.CharField(blank=True, max_length=500)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(null=True)),
                ('dispatched_at', models.DateTimeField(null=True)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('revision', models.PositiveIntegerField(null=True)),
                ('origin', models.CharField(choices=[('model', 'model'), ('brush', 'brush'), ('api', 'API')], default='api', max_length=8)),
                ('recipe', models.JSONField()),
                ('recipe_digest', models.CharField(max_length=64)),
                ('charged_pixels', models.PositiveBigIntegerField(default=0)),
                ('charged_at', models.DateTimeField(null=True)),
                ('reserved', models.PositiveBigIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('matte', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rendition_requests', to='jobs.matte')),
                ('picture', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rendition_requests', to='jobs.picture')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rendition_requests', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'rendition requests',
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.AddField(
            model_name='job',
            name='tags',
            field=models.ManyToManyField(related_name='jobs', to='jobs.tag'),
        ),
        migrations.CreateModel(
            name='ThumbnailRequest',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_sentence', models.CharField(blank=True, max_length=500)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(null=True)),
                ('dispatched_at', models.DateTimeField(null=True)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('picture', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='thumbnail_request', to='jobs.picture')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='thumbnail_requests', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255, verbose_name='original file name')),
                ('folder', models.CharField(blank=True, max_length=511, verbose_name='folder it lay in')),
                ('announced_size', models.BigIntegerField()),
                ('state', models.CharField(choices=[('started', 'started'), ('uploaded', 'uploaded'), ('refused', 'refused'), ('submitted', 'submitted')], default='started', max_length=10)),
                ('size', models.BigIntegerField(null=True)),
                ('format', models.CharField(blank=True, max_length=16)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_sentence', models.CharField(blank=True, max_length=500)),
                ('by_program', models.BooleanField(default=False, help_text='Sent with an API token. Pages do not offer to submit it.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('milliseconds', models.PositiveIntegerField()),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('error_sentence', models.CharField(blank=True, max_length=500)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log', to='jobs.webhookdelivery')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('url', models.CharField(max_length=2000)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('events', models.JSONField(help_text='Event types without duplicates, in the order of EVENTS.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('enabled', models.BooleanField(default=True)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('disabled_reason', models.CharField(blank=True, choices=[('owner', 'switched off by its owner'), ('failing', 'it failed for too long'), ('gone', 'it answered 410 Gone'), ('closed', 'the account was closed'), ('unreadable', "the site's SECRET_KEY changed, so its secret is invalid")], max_length=10)),
                ('failing_since', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhook_endpoints', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.AddField(
            model_name='webhookdelivery',
            name='endpoint',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='jobs.webhookendpoint'),
        ),
        migrations.CreateModel(
            name='WebhookMessage',
            fields=[
                ('id', models.UUIDField(default=common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('event', models.CharField(choices=[('job.finished', 'A job has finished'), ('job.cancelled', 'A job was cancelled'), ('picture.done', 'A picture is done'), ('picture.failed', 'A picture has failed'), ('webhook.test', 'A test')], max_length=32)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhook_messages', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='webhookdelivery',
            name='message',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='jobs.webhookmessage'),
        ),
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('salt', models.CharField(max_length=64)),
                ('fingerprint', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='jobs.webhookendpoint')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddIndex(
            model_name='backdrop',
            index=models.Index(fields=['last_used_at'], name='backdrop_last_used'),
        ),
        migrations.AddConstraint(
            model_name='backdrop',
            constraint=models.UniqueConstraint(fields=('user', 'digest'), name='backdrop_once_a_user'),
        ),
        migrations.AddField(
            model_name='continuation',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='searchtext',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='feedback',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='feedback', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running', 'failed', 'cancelled'])), fields=['job', 'state'], name='picture_not_done'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('source_key', ''), _negated=True), fields=['source_key'], name='picture_sources'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('source_digest', ''), _negated=True), fields=['user', 'source_digest'], name='picture_digests'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', True), ('state', 'queued')), fields=['user', 'lane', 'queued_at', 'position'], name='picture_waiting'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state__in', ['queued', 'running'])), fields=['user', 'lane'], name='picture_in_flight'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['lease_until'], name='picture_leases'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state', 'queued')), fields=['dispatched_at'], name='picture_sent'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state', 'done')), fields=['finished_at'], name='picture_done_lately'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['user', 'job'], name='picture_failures'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(fields=['queued_at', 'id'], name='picture_newest'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('error_code', ''), _negated=True), fields=['error_code'], name='picture_errors'),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['user', 'reserved'], name='picture_reserved'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.UniqueConstraint(fields=('job', 'position'), name='picture_position_unique'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('queued', 'running', 'done', 'failed', 'cancelled'))), name='picture_state_known'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_token__isnull', True), ('lease_until__isnull', True)), _connector='OR'), name='picture_leased_when_running'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), models.Q(('error_code', ''), _negated=True), models.Q(('error_sentence', ''), _negated=True)), models.Q(models.Q(('state', 'failed'), _negated=True), ('error_code', '')), _connector='OR'), name='picture_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('state__in', ['queued', 'running'])), models.Q(models.Q(('state__in', ['queued', 'running']), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='picture_ended_has_time'),
        ),
        migrations.AddConstraint(
            model_name='picture',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['failed', 'cancelled']), models.Q(('source_key', ''), _negated=True), _connector='OR'), name='picture_worked_on_has_source'),
        ),
        migrations.AddIndex(
            model_name='idempotency',
            index=models.Index(fields=['created_at'], name='idempotency_expiring'),
        ),
        migrations.AddConstraint(
            model_name='idempotency',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='idempotency_once_a_user'),
        ),
        migrations.AddIndex(
            model_name='improvement',
            index=models.Index(fields=['user', '-created_at', '-id'], name='improvement_of_user'),
        ),
        migrations.AddConstraint(
            model_name='matte',
            constraint=models.UniqueConstraint(fields=('picture', 'revision'), name='matte_revision_unique'),
        ),
        migrations.AddConstraint(
            model_name='matte',
            constraint=models.CheckConstraint(condition=models.Q(('revision__gte', 1)), name='matte_revision_from_one'),
        ),
        migrations.AddConstraint(
            model_name='matte',
            constraint=models.CheckConstraint(condition=models.Q(('confidence__isnull', True), models.Q(('confidence__gte', 0), ('confidence__lte', 1)), _connector='OR'), name='matte_confidence_in_range'),
        ),
        migrations.AddConstraint(
            model_name='preset',
            constraint=models.UniqueConstraint(fields=('user', 'name'), name='preset_once_a_user'),
        ),
        migrations.AddConstraint(
            model_name='preset',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='preset_has_name'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['user', '-deleted_at', '-id'], name='receipt_history'),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.UniqueConstraint(condition=models.Q(('whole', True)), fields=('job',), name='receipt_one_a_job'),
        ),
        migrations.AddConstraint(
            model_name='rendition',
            constraint=models.UniqueConstraint(fields=('matte', 'recipe_digest'), name='rendition_unique'),
        ),
        migrations.AddConstraint(
            model_name='rendition',
            constraint=models.CheckConstraint(condition=models.Q(('size__gt', 0)), name='rendition_not_empty'),
        ),
        migrations.AddIndex(
            model_name='renditionrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', True), ('state', 'queued')), fields=['user', 'id'], name='rendition_request_waiting'),
        ),
        migrations.AddIndex(
            model_name='renditionrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state__in', ['queued', 'running'])), fields=['user'], name='rendition_request_in_flight'),
        ),
        migrations.AddIndex(
            model_name='renditionrequest',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['lease_until'], name='rendition_request_leases'),
        ),
        migrations.AddIndex(
            model_name='renditionrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state', 'queued')), fields=['dispatched_at'], name='rendition_request_sent'),
        ),
        migrations.AddIndex(
            model_name='renditionrequest',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['user', 'id'], name='rendition_request_open'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.UniqueConstraint(fields=('matte', 'recipe_digest'), name='rendition_request_unique'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.UniqueConstraint(fields=('picture', 'revision'), name='rendition_request_revision_unique'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('matte__isnull', False), ('revision__isnull', True)), models.Q(('matte__isnull', True), ('revision__gte', 2), ('revision__isnull', False)), _connector='OR'), name='rendition_request_of_a_matte'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('queued', 'running', 'failed'))), name='rendition_request_state_known'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_token__isnull', True), ('lease_until__isnull', True)), _connector='OR'), name='rendition_request_leased_when_running'),
        ),
        migrations.AddConstraint(
            model_name='renditionrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), models.Q(('error_code', ''), _negated=True), models.Q(('error_sentence', ''), _negated=True)), models.Q(models.Q(('state', 'failed'), _negated=True), ('error_code', '')), _connector='OR'), name='rendition_request_failed_says_why'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.UniqueConstraint(models.F('user'), django.db.models.functions.text.Lower('name'), name='tag_once_a_user'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='tag_not_empty'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['user', '-created_at', '-id'], name='job_history'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['user', 'picture_count', 'id'], name='job_by_size'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(models.F('user'), django.db.models.functions.text.Lower('title'), models.F('id'), name='job_by_name'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(models.Q(('state', 'active'), _negated=True), ('pinned', False)), fields=['created_at'], name='job_expiring'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('ephemeral', True)), fields=['finished_at'], name='job_ephemeral'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['active', 'finished', 'cancelled'])), name='job_state_known'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('lane__in', ['interactive', 'batch'])), name='job_lane_known'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(('picture_count__gt', 0)), name='job_has_pictures'),
        ),
        migrations.AddConstraint(
            model_name='job',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', True), ('state', 'active')), models.Q(models.Q(('state', 'active'), _negated=True), ('finished_at__isnull', False)), _connector='OR'), name='job_ended_when_not_active'),
        ),
        migrations.AddIndex(
            model_name='thumbnailrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', True), ('state', 'queued')), fields=['user', 'id'], name='thumbnail_request_waiting'),
        ),
        migrations.AddIndex(
            model_name='thumbnailrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state__in', ['queued', 'running'])), fields=['user'], name='thumbnail_request_in_flight'),
        ),
        migrations.AddIndex(
            model_name='thumbnailrequest',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['lease_until'], name='thumbnail_request_leases'),
        ),
        migrations.AddIndex(
            model_name='thumbnailrequest',
            index=models.Index(condition=models.Q(('dispatched_at__isnull', False), ('state', 'queued')), fields=['dispatched_at'], name='thumbnail_request_sent'),
        ),
        migrations.AddConstraint(
            model_name='thumbnailrequest',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('queued', 'running', 'failed'))), name='thumbnail_request_state_known'),
        ),
        migrations.AddConstraint(
            model_name='thumbnailrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'running'), ('lease_token__isnull', False), ('lease_until__isnull', False)), models.Q(models.Q(('state', 'running'), _negated=True), ('lease_token__isnull', True), ('lease_until__isnull', True)), _connector='OR'), name='thumbnail_request_leased_when_running'),
        ),
        migrations.AddConstraint(
            model_name='thumbnailrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'failed'), models.Q(('error_code', ''), _negated=True), models.Q(('error_sentence', ''), _negated=True)), models.Q(models.Q(('state', 'failed'), _negated=True), ('error_code', '')), _connector='OR'), name='thumbnail_request_failed_says_why'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('error_code', ''), _negated=True), fields=['error_code'], name='upload_errors'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('state', 'submitted'), _negated=True), fields=['created_at'], name='upload_unsubmitted'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('state', 'submitted'), _negated=True), fields=['user', 'created_at'], name='upload_open'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['started', 'uploaded', 'refused', 'submitted'])), name='upload_state_known'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'refused'), _negated=True), models.Q(models.Q(('error_code', ''), _negated=True), models.Q(('error_sentence', ''), _negated=True)), _connector='OR'), name='upload_refused_says_why'),
        ),
        migrations.AddConstraint(
            model_name='upload',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'uploaded'), _negated=True), models.Q(('height__gt', 0), ('height__isnull', False), ('size__gt', 0), ('size__isnull', False), ('width__gt', 0), ('width__isnull', False)), _connector='OR'), name='upload_checked_has_facts'),
        ),
        migrations.AddConstraint(
            model_name='webhookattempt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('error_code', ''), ('status__isnull', False)), models.Q(('status__isnull', True), models.Q(('error_code', ''), _negated=True)), _connector='OR'), name='webhook_attempt_says_how'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('enabled', True)), fields=['user'], name='webhook_listening'),
        ),
        migrations.AddConstraint(
            model_name='webhookendpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at__isnull', True), ('disabled_reason', ''), ('enabled', True)), models.Q(('disabled_at__isnull', False), ('enabled', False), models.Q(('disabled_reason', ''), _negated=True)), _connector='OR'), name='webhook_off_says_why'),
        ),
        migrations.AddIndex(
            model_name='webhookmessage',
            index=models.Index(fields=['created_at'], name='webhook_message_age'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', '-id'], name='webhook_delivery_log'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('sent_at__isnull', True), ('state', 'waiting')), fields=['endpoint', 'next_at'], name='webhook_delivery_due'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('sent_at__isnull', False), ('state', 'waiting')), fields=['endpoint'], name='webhook_delivery_out'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['endpoint'], name='webhook_delivery_given_up'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('message', 'endpoint'), name='webhook_delivery_unique'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('next_at__isnull', False), ('state', 'waiting')), models.Q(('ended_at__isnull', False), ('next_at__isnull', True), ('sent_at__isnull', True), ('state__in', ['delivered', 'failed']), ('token__isnull', True)), _connector='OR'), name='webhook_delivery_waits_or_ended'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.UniqueConstraint(condition=models.Q(('expires_at__isnull', True)), fields=('endpoint',), name='webhook_one_secret'),
        ),
        migrations.AddConstraint(
            model_name='feedback',
            constraint=models.CheckConstraint(condition=models.Q(('rating__gte', 1), ('rating__lte', 5)), name='feedback_one_to_five'),
        ),
        migrations.RunPython(add_trigrams, remove_trigrams),
    ]
