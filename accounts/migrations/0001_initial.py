"""All tables of accounts, and the standard plan."""

import accounts.models.expressions
import accounts.models.user
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def add_standard_plan(apps, schema_editor):
    """Adds the plan that applies to everybody until staff add others. It deletes nothing by age."""
    apps.get_model("accounts", "Plan").objects.create(name="Standard", is_default=True)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('pictures_month', models.PositiveIntegerField(blank=True, help_text='Pictures that may be submitted in a month.', null=True, verbose_name='pictures a month')),
                ('megapixels_month', models.PositiveIntegerField(blank=True, help_text='Millions of source pixels in a month.', null=True, verbose_name='megapixels a month')),
                ('storage_bytes', models.PositiveBigIntegerField(blank=True, help_text='Sources, backdrops, mattes and results together.', null=True, verbose_name='storage in bytes')),
                ('result_megapixels', models.PositiveIntegerField(blank=True, help_text='Millions of pixels that one result may have where it is larger than its source; never more than MAX_RESULT_PIXELS.', null=True, verbose_name='megapixels of a result')),
                ('in_flight', models.PositiveIntegerField(blank=True, help_text='Pictures that may wait or run at once.', null=True, verbose_name='pictures in flight')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail address')),
                ('name', models.CharField(blank=True, max_length=150)),
                ('is_staff', models.BooleanField(default=False, help_text='May use the admin site.', verbose_name='staff')),
                ('is_active', models.BooleanField(default=True, help_text='Clear this instead of deleting a user.', verbose_name='active')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='joined')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            managers=[
                ('objects', accounts.models.user.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=64)),
                ('prefix', models.CharField(editable=False, max_length=16, verbose_name='begins with')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('scopes', models.JSONField(default=list)),
                ('created', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('expiry', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used')),
                ('last_used_from', models.GenericIPAddressField(editable=False, null=True, unpack_ipv4=True)),
                ('revoked_at', models.DateTimeField(editable=False, null=True, verbose_name='revoked')),
                ('preview_means_full', models.BooleanField(default=False, help_text='A client that asks for a preview gets the full size.')),
                ('ephemeral', models.BooleanField(default=False, help_text='Pictures and results are deleted once the response was sent.')),
                ('allowed_addresses', models.JSONField(blank=True, default=list, help_text='Networks that it may be used from. Empty: any address.')),
                ('made_by', models.ForeignKey(editable=False, help_text='The token that created it and received its secret; empty for a person. It is revoked with that token.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='made', to='accounts.apitoken')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('charge', 'charge'), ('refund', 'refund')], max_length=8)),
                ('pictures', models.PositiveIntegerField()),
                ('pixels', models.PositiveBigIntegerField()),
                ('job', models.UUIDField()),
                ('reason', models.CharField(blank=True, max_length=64)),
                ('month', models.DateField()),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('token', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='entries', to='accounts.apitoken')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ledger', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'ledger',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pictures_month', models.PositiveIntegerField(blank=True, help_text='Pictures that may be submitted in a month.', null=True, verbose_name='pictures a month')),
                ('megapixels_month', models.PositiveIntegerField(blank=True, help_text='Millions of source pixels in a month.', null=True, verbose_name='megapixels a month')),
                ('storage_bytes', models.PositiveBigIntegerField(blank=True, help_text='Sources, backdrops, mattes and results together.', null=True, verbose_name='storage in bytes')),
                ('result_megapixels', models.PositiveIntegerField(blank=True, help_text='Millions of pixels that one result may have where it is larger than its source; never more than MAX_RESULT_PIXELS.', null=True, verbose_name='megapixels of a result')),
                ('in_flight', models.PositiveIntegerField(blank=True, help_text='Pictures that may wait or run at once.', null=True, verbose_name='pictures in flight')),
                ('name', models.CharField(max_length=64, unique=True)),
                ('is_default', models.BooleanField(default=False, help_text='Given to accounts that have no other plan.')),
                ('keep_days', models.PositiveIntegerField(blank=True, help_text='Jobs are deleted with their files after so many days, unless pinned. Empty: never.', null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('weight', models.PositiveSmallIntegerField(default=1, help_text="Pictures in flight at once, as a multiple of the site's window.", validators=[django.core.validators.MinValueValidator(1)])),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='plan_one_default'), models.CheckConstraint(condition=models.Q(('keep_days__isnull', True), ('keep_days__gte', 1), _connector='OR'), name='plan_keeps_a_day'), models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='plan_has_weight')],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='plan',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='users', to='accounts.plan'),
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(help_text='Its first day.')),
                ('pictures', models.PositiveBigIntegerField(default=0)),
                ('pixels', models.PositiveBigIntegerField(default=0)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='usage', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'usage',
                'ordering': ['-month', 'user'],
            },
        ),
        migrations.CreateModel(
            name='Storage',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='storage', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('bytes', models.BigIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'storage',
                'constraints': [models.CheckConstraint(condition=models.Q(('bytes__gte', 0)), name='storage_not_below_zero')],
            },
        ),
        migrations.AddIndex(
            model_name='apitoken',
            index=models.Index(fields=['prefix'], name='token_prefix'),
        ),
        migrations.AddConstraint(
            model_name='apitoken',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='token_has_name'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['user', '-id'], name='entry_of_user'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['job'], name='entry_of_job'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['charge', 'refund'])), name='entry_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('pictures__gt', 0), models.Q(('pixels__gt', 0), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='entry_not_empty'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_unique_any_case'),
        ),
        migrations.AddConstraint(
            model_name='usage',
            constraint=models.UniqueConstraint(fields=('user', 'month'), name='usage_one_a_month'),
        ),
        migrations.AddConstraint(
            model_name='usage',
            constraint=models.CheckConstraint(condition=models.Q(('pictures__gte', 0), ('pixels__gte', 0)), name='usage_not_below_zero'),
        ),
        migrations.AddConstraint(
            model_name='usage',
            constraint=models.CheckConstraint(condition=django.db.models.lookups.Exact(accounts.models.expressions.DayOfMonth('month'), 1), name='usage_month_begins'),
        ),
        migrations.RunPython(add_standard_plan, migrations.RunPython.noop),
    ]
