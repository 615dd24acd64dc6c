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


# Nobody updates an audit entry, and nobody deletes one that AuditRetention does not name as old enough.
# A later migration that makes SQLite rebuild the table must create the triggers again.
SQLITE = (
    """
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON accounts_auditentry
    BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END
    """,
    """
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON accounts_auditentry
    WHEN NOT EXISTS (SELECT 1 FROM accounts_auditretention WHERE id = 1 AND OLD.at < before)
    BEGIN SELECT RAISE(ABORT, 'audit entries are append-only'); END
    """,
)
POSTGRESQL = (
    """
    CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND EXISTS (
            SELECT 1 FROM accounts_auditretention WHERE id = 1 AND OLD.at < before
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'audit entries are append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_append_only()
    """,
)


def add_audit_triggers(apps, schema_editor):
    """Makes the audit log append-only in the database itself."""
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


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
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('action', models.CharField(choices=[('signed_up', 'signed up'), ('signed_in', 'signed in'), ('sign_in_failed', 'sign-in failed'), ('signed_out', 'signed out'), ('password_changed', 'password changed'), ('password_reset', 'password reset by mail'), ('address_changed', 'e-mail address changed'), ('token_created', 'API token created'), ('token_rotated', 'API token rotated'), ('token_revoked', 'API token revoked'), ('tokens_revoked', 'all API tokens revoked'), ('account_created', 'account created by staff'), ('account_changed', 'account changed by staff'), ('password_set', 'password set by staff'), ('plan_changed', 'plan changed'), ('opened', 'opened by staff'), ('deleted', 'deleted by staff'), ('cancelled', 'cancelled by staff'), ('retried', 'tried again by staff'), ('run_again', 'run again by staff')], max_length=32)),
                ('actor', models.BigIntegerField(null=True)),
                ('by_staff', models.BooleanField(default=False)),
                ('subject', models.BigIntegerField(null=True)),
                ('token', models.BigIntegerField(null=True)),
                ('kind', models.CharField(blank=True, max_length=64)),
                ('target', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('facts', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AuditRetention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.DateTimeField()),
            ],
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
            },
        ),
        migrations.CreateModel(
            name='Usage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(help_text='Its first day.')),
                ('pictures', models.PositiveBigIntegerField(default=0)),
                ('pixels', models.PositiveBigIntegerField(default=0)),
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
            },
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
            name='AuditOrigin',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='origin', serialize=False, to='accounts.auditentry')),
                ('address', models.GenericIPAddressField()),
            ],
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['subject', '-id'], name='audit_of_subject'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['actor', '-id'], name='audit_of_actor'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['action', '-id'], name='audit_of_action'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['kind', 'target'], name='audit_of_target'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='audit_by_time'),
        ),
        migrations.AddField(
            model_name='entry',
            name='token',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='entries', to='accounts.apitoken'),
        ),
        migrations.AddField(
            model_name='entry',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ledger', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='plan_one_default'),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.CheckConstraint(condition=models.Q(('keep_days__isnull', True), ('keep_days__gte', 1), _connector='OR'), name='plan_keeps_a_day'),
        ),
        migrations.AddConstraint(
            model_name='plan',
            constraint=models.CheckConstraint(condition=models.Q(('weight__gte', 1)), name='plan_has_weight'),
        ),
        migrations.AddField(
            model_name='user',
            name='plan',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='users', to='accounts.plan'),
        ),
        migrations.AddField(
            model_name='usage',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='usage', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='storage',
            constraint=models.CheckConstraint(condition=models.Q(('bytes__gte', 0)), name='storage_not_below_zero'),
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
        migrations.RunPython(add_audit_triggers, migrations.RunPython.noop),
    ]
