"""The rows of an account as JSON, for an export: every table with a foreign key to it, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Field, Model, QuerySet

from accounts.audit_selectors import entries_of
from accounts.models import User
from jobs.selectors import ownership

AT_ONCE: Final = 500
# Copies of what other tables say, and what staff did to other people's rows.
LEFT_OUT: Final = frozenset({"jobs.SearchText", "admin.LogEntry"})
# Fields with such a name are secrets, or could be, unless they are foreign keys.
_SECRET_NAME: Final = re.compile(r"password|secret|token|session_key")
_SECRETS: Final[Mapping[str, frozenset[str]]] = {
    "accounts.ApiToken": frozenset({"digest"}),
    "accounts.Invitation": frozenset({"digest", "invited_by"}),
    "account.EmailConfirmation": frozenset({"key"}),
    "mfa.Authenticator": frozenset({"data"}),
    "jobs.Share": frozenset({"salt", "digest"}),
    "jobs.WebhookSecret": frozenset({"salt", "fingerprint"}),
    # Notes of the staff among themselves, and words of other people.
    "jobs.Decision": frozenset({"reason"}),
    "jobs.Report": frozenset({"words"}),
}


def tables(user: User) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yields the name of each table that has rows of the account, with the rows as lines of JSON."""
    for model in sorted(ownership.paths(), key=lambda model: model._meta.label):
        rows = ownership.of(model, user.pk)
        if model._meta.label not in LEFT_OUT and rows.exists():
            yield model._meta.label_lower, _lines(model, rows, user.pk)
    yield "audit", _audit(user)


def is_secret(field: Field[Any, Any]) -> bool:
    """Whether exports leave a field out."""
    listed = field.name in _SECRETS.get(field.model._meta.label, ())
    return listed or (not field.is_relation and bool(_SECRET_NAME.search(field.name)))


def _lines(model: type[Model], rows: QuerySet[Any], user: int) -> Iterator[bytes]:
    fields = [field.attname for field in model._meta.concrete_fields if not is_secret(field)]
    people = [field.attname for field in ownership.people(model)]
    for row in _pages(rows):
        shown = {name: getattr(row, name) for name in fields}
        # Other people stay unnamed, for example who reported a share.
        shown.update({name: None for name in people if shown[name] != user})
        yield _line(shown)


def _pages(rows: QuerySet[Any]) -> Iterator[Any]:
    page = list(rows.order_by("pk")[:AT_ONCE])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk).order_by("pk")[:AT_ONCE])


def _audit(user: User) -> Iterator[bytes]:
    """The account's part of the audit log, the newest first. Staff stay unnamed, as on the page."""
    before = None
    while page := list(entries_of(user, before=before)[:AT_ONCE]):
        for entry in page:
            origin = getattr(entry, "origin", None)
            yield _line(
                {
                    "at": entry.at,
                    "action": entry.action,
                    "by": "staff" if entry.by_staff else "token" if entry.token else "account",
                    "from": None if entry.by_staff or origin is None else origin.address,
                    "kind": entry.kind,
                    "target": entry.target,
                    "reason": entry.reason,
                    "facts": entry.facts,
                }
            )
        before = page[-1].pk


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"
