"""Daily figures of satisfaction, and when a result was first downloaded or made again."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0007_thumbs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CountedDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('counted_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['day'],
            },
        ),
        migrations.CreateModel(
            name='DailyFailures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('code', models.CharField(max_length=64)),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name_plural': 'daily failures',
                'ordering': ['day', 'code'],
            },
        ),
        migrations.CreateModel(
            name='DailyFigures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=64)),
                ('refinement', models.CharField(max_length=16)),
                ('origin', models.CharField(choices=[('web', 'website'), ('api', 'API'), ('call', 'API, one at a time'), ('sample', 'sample')], max_length=16)),
                ('done', models.PositiveIntegerField(default=0)),
                ('as_is', models.PositiveIntegerField(default=0, verbose_name='downloaded without a correction')),
                ('corrected', models.PositiveIntegerField(default=0, verbose_name='corrected by a person')),
                ('redone', models.PositiveIntegerField(default=0, verbose_name='made again with another recipe')),
                ('refused', models.PositiveIntegerField(default=0, verbose_name='deleted by the owner without a download')),
                ('up', models.PositiveIntegerField(default=0, verbose_name='thumbs up')),
                ('down', models.PositiveIntegerField(default=0, verbose_name='thumbs down')),
                ('failed', models.PositiveIntegerField(default=0, verbose_name='without a result')),
            ],
            options={
                'verbose_name': 'satisfaction',
                'verbose_name_plural': 'satisfaction',
                'ordering': ['day', 'model', 'refinement', 'origin'],
                'permissions': [('view_satisfaction', 'Can view the dashboard of satisfaction')],
            },
        ),
        migrations.CreateModel(
            name='DailyTimes',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('lane', models.CharField(choices=[('interactive', 'interactive'), ('batch', 'batch')], max_length=16)),
                ('kind', models.CharField(choices=[('waiting', 'waiting'), ('processing', 'processing')], max_length=10)),
                ('bucket', models.PositiveSmallIntegerField()),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'verbose_name_plural': 'daily times',
                'ordering': ['day', 'lane', 'kind', 'bucket'],
            },
        ),
        migrations.CreateModel(
            name='PastPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=64)),
                ('refinement', models.CharField(max_length=16)),
                ('origin', models.CharField(choices=[('web', 'website'), ('api', 'API'), ('call', 'API, one at a time'), ('sample', 'sample')], max_length=16)),
                ('lane', models.CharField(choices=[('interactive', 'interactive'), ('batch', 'batch')], max_length=16)),
                ('state', models.CharField(max_length=10)),
                ('error_code', models.CharField(blank=True, max_length=64)),
                ('waited', models.FloatField(null=True)),
                ('processed', models.FloatField(null=True)),
                ('downloaded', models.BooleanField(default=False)),
                ('corrected', models.BooleanField(default=False)),
                ('redone', models.BooleanField(default=False)),
                ('refused', models.BooleanField(default=False)),
                ('verdict', models.CharField(blank=True, max_length=4)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddField(
            model_name='job',
            name='redone_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='picture',
            name='downloaded_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='picture',
            name='redone_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='picture',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['finished_at'], name='picture_failed_lately'),
        ),
        migrations.AddConstraint(
            model_name='dailyfailures',
            constraint=models.UniqueConstraint(fields=('day', 'code'), name='daily_failures_unique'),
        ),
        migrations.AddConstraint(
            model_name='dailyfigures',
            constraint=models.UniqueConstraint(fields=('day', 'model', 'refinement', 'origin'), name='daily_figures_unique'),
        ),
        migrations.AddConstraint(
            model_name='dailytimes',
            constraint=models.UniqueConstraint(fields=('day', 'lane', 'kind', 'bucket'), name='daily_times_unique'),
        ),
        migrations.AddIndex(
            model_name='pastpicture',
            index=models.Index(fields=['day'], name='past_picture_day'),
        ),
    ]
