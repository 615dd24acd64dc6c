"""The steps of an erasure. Each deletes a bounded number of rows in a transaction, until none is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import EmailField, Model, QuerySet

from accounts import locks
from accounts.models import Invitation, User
from accounts.services import audit
from common.deadlocks import again_after_deadlock
from jobs import storage
from jobs.models import Backdrop, Continuation, DataExport, Improvement, Job, Picture, Upload
from jobs.selectors import ownership
from jobs.services import continuing, discards, removal, slices
from jobs.services.discards import discard

Renew = Callable[[], None]
AT_ONCE: Final = 200
SESSIONS_AT_ONCE: Final = 1000
# Jobs, Upload and the like own files, which their own services delete.
WITH_FILES: Final[tuple[type[Model], ...]] = (Job, Picture, Upload, Backdrop, Improvement, DataExport)


def has_files(account: int) -> bool:
    """Whether rows are left that own files."""
    return any(model._base_manager.filter(user=account).exists() for model in WITH_FILES)


def delete_all(account: int, renew: Renew) -> None:
    """Deletes everything of an account but its user row, in slices. The files are gone when it returns.

    Raises StoreUnavailableError if the store does not work: the files are deleted later.
    """
    for step in (_delete_jobs, _delete_uploads, _delete_small_files, _delete_rows, audit.forget_origins):
        slices.run(partial(_renewed, partial(step, account), renew))
    storage.probe()
    slices.run(partial(_renewed, discards.sweep_discards, renew))


def delete_user(user: User) -> None:
    """Deletes the user row, with the last rows that refer to it.

    Call it in a transaction that has locked the row.
    """
    addresses = _addresses(user)
    for model, field in _address_fields():
        model._base_manager.filter(**{f"{field}__in": addresses}).delete()
    LogEntry.objects.filter(content_type=_content_type(User), object_id=str(user.pk)).delete()
    # Also those that nobody accepted, which name no account.
    Invitation.objects.filter(email__in=addresses).delete()
    audit.forget_origins(user)
    user.delete()


def delete_sessions(user: User, renew: Renew) -> int:
    """Deletes all sessions of an account, and those that hold its address. Returns how many.

    Reads every session: the table does not say whose a session is.
    """
    addresses, last, count = {address.lower() for address in _addresses(user)}, "", 0
    while page := list(Session.objects.filter(pk__gt=last).order_by("pk")[:SESSIONS_AT_ONCE]):
        mine = [row.pk for row in page if _is_of(row.get_decoded(), str(user.pk), addresses)]
        count += Session.objects.filter(pk__in=mine).delete()[0]
        last = page[-1].pk
        renew()
    return count


def delete_admin_log(account: int) -> None:
    """Deletes what Django's own log of the admin says about rows of an account: it copies their titles."""
    for model in ownership.paths():
        kind = ContentType.objects.filter(app_label=model._meta.app_label, model=model._meta.model_name)
        entries, last = LogEntry.objects.filter(content_type__in=kind), 0
        while page := list(
            entries.filter(pk__gt=last).order_by("pk").values_list("pk", "object_id")[:AT_ONCE]
        ):
            keys = [key for _, key in page if key]
            mine = ownership.of(model, account).filter(pk__in=keys).values_list("pk", flat=True)
            owned = {str(pk) for pk in mine}
            LogEntry.objects.filter(pk__in=[pk for pk, key in page if key in owned]).delete()
            last = page[-1][0]


def _renewed(step: Callable[[], Any], renew: Renew) -> bool:
    renew()
    return bool(step())


def _delete_jobs(account: int) -> bool:
    """Deletes the next jobs: as many as one slice takes, or one that takes several."""
    chosen: list[Job] = []
    for job in Job.objects.filter(user=account).order_by("pk")[:AT_ONCE]:
        if chosen and sum(one.picture_count for one in chosen) + job.picture_count > slices.PICTURES:
            break
        chosen.append(job)
    for row in Continuation.objects.filter(job__in=chosen, deleting=True):
        # Another process began to delete it.
        continuing.finish(row.job_id)
    removal.delete_jobs([job.pk for job in chosen], None)
    return bool(chosen)


def _delete_uploads(account: int) -> int:
    return removal.delete_uploads(Upload.objects.filter(user=account))


@again_after_deadlock
def _delete_small_files(account: int) -> int:
    """Deletes the next backdrops, improvements and exports, with their files."""
    count = 0
    for model in (Backdrop, Improvement):
        rows = ownership.of(model, account)
        with transaction.atomic():
            held = locks.fetch_held(rows.order_by("pk")[:AT_ONCE], to_delete=True)
            discard(row.key for row in held)
            rows.filter(pk__in=[row.pk for row in held]).delete()
        count += len(held)
    for export in DataExport.objects.filter(user=account)[:AT_ONCE]:
        # With parts that a killed process began to write.
        keys = [file.key for file in storage.keys(f"exports/{export.pk}/")]
        with transaction.atomic():
            discard(keys)
            export.delete()
        count += 1
    return count


@again_after_deadlock
def _delete_rows(account: int) -> int:
    """Deletes the next rows of one table that refers to the account."""
    for model in ownership.directly_owned():
        rows: QuerySet[Any] = ownership.of(model, account)
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if keys and model not in WITH_FILES:
            with transaction.atomic():
                model._base_manager.filter(pk__in=keys).delete()
            return len(keys)
    return 0


def _is_of(data: dict[str, Any], account: str, addresses: set[str]) -> bool:
    """Whether a session is signed in to an account, or holds one of its addresses, as after a sign-up."""
    return data.get(SESSION_KEY) == account or any(
        isinstance(value, dict) and str(value.get("email", "")).lower() in addresses
        for value in data.values()
    )


def _addresses(user: User) -> list[str]:
    from allauth.account.models import EmailAddress

    own = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    return sorted({user.email, *own})


def _address_fields() -> list[tuple[type[Model], str]]:
    """Returns the fields of tables that hold an address without a foreign key to its account."""
    return [
        (model, field.name)
        for model in apps.get_models()
        if model not in ownership.paths()
        for field in model._meta.concrete_fields
        if isinstance(field, EmailField)
    ]


def _content_type(model: type[Model]) -> ContentType:
    found: ContentType = ContentType.objects.get_for_model(model)
    return found
