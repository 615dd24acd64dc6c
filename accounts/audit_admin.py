"""The audit log in the admin: filter, search, export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from unfold.views import ChangeList

from accounts.models import AuditEntry, AuditOrigin, User
from common.admin import Kept
from common.spreadsheet import escape_formula
from common.threads import run_in_thread

PAGE: Final = 1_000
COLUMNS: Final = (
    "at",
    "action",
    "actor",
    "by_staff",
    "subject",
    "token",
    "kind",
    "target",
    "reason",
    "address",
    "facts",
)


class AuditList(ChangeList):  # type: ignore[misc]  # unfold ships no types
    """A page of entries with the sign-in addresses of both accounts, where these still exist.

    They are read for the page alone: the database would compute annotations for each earlier entry as well.
    """

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """The entries of the page, in two queries."""
        super().get_results(request)
        entries: list[Any] = list(self.result_list)
        numbers = {number for entry in entries for number in (entry.actor, entry.subject)}
        emails = dict(User.objects.filter(pk__in=numbers - {None}).values_list("pk", "email"))
        for entry in entries:
            entry.actor_email, entry.subject_email = emails.get(entry.actor), emails.get(entry.subject)
        self.result_list = entries


class AuditEntryAdmin(Kept):
    """The audit log: who did what, when, from where and why. Rows are never changed here."""

    list_display = ("at", "action", "actor_name", "subject_name", "kind", "target", "reason", "address")
    list_filter = ("action", "by_staff", "at")
    list_select_related = ("origin",)
    # Shows the search box; get_search_results looks.
    search_fields = ("target",)
    search_help_text = "An account's number, an id, a client address, or words of the reason."
    change_list_template = "admin/accounts/audit_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[AuditList]:
        """The list that names the accounts of its page."""
        return AuditList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """A number finds an account, an address the entries from there, anything else ids and reasons.

        Each way has an index: few entries have a reason, and the others are not read.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isdecimal() and len(term) < 19:
            return queryset.filter(Q(actor=term) | Q(subject=term)), False
        if _is_address(term):
            return queryset.filter(pk__in=AuditOrigin.objects.filter(address=term).values("entry")), False
        reason = ~Q(reason="")
        for word in term.split():
            reason &= Q(reason__icontains=word)
        return queryset.filter(Q(target=term) | reason), False

    @admin.display(description="by")
    def actor_name(self, entry: AuditEntry) -> str:
        """The account that acted."""
        return _account(entry.actor, getattr(entry, "actor_email", None))

    @admin.display(description="account")
    def subject_name(self, entry: AuditEntry) -> str:
        """The account that the event concerns."""
        return _account(entry.subject, getattr(entry, "subject_email", None))

    @admin.display(description="from")
    def address(self, entry: AuditEntry) -> str:
        """The client address; a dash where it was erased or never known."""
        origin = getattr(entry, "origin", None)
        return origin.address if origin else "–"

    def get_urls(self) -> list[URLPattern]:
        """Adds the CSV export."""
        export = self.admin_site.admin_view(self.export)
        return [path("export/", export, name="accounts_auditentry_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """The filtered list as CSV, streamed. A 400 for a filter that does not exist."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request).order_by("-pk")
        except IncorrectLookupParameters as error:
            raise BadRequest("The audit log has no such filter.") from error
        answer = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="audit.csv"'
        return answer


def _is_address(term: str) -> bool:
    try:
        ip_address(term)
    except ValueError:
        return False
    return True


def _account(number: int | None, email: str | None) -> str:
    if number is None:
        return "–"
    return email or f"account {number} (erased)"


async def _csv(rows: QuerySet[AuditEntry]) -> AsyncIterator[str]:
    """The lines, a page of rows at a time: memory does not grow with the log."""
    yield _lines([COLUMNS])
    before = None
    while page := await run_in_thread(_page, rows, before):
        before = page[-1].pk
        yield _lines(map(_cells, page))


def _page(rows: QuerySet[AuditEntry], before: int | None) -> list[AuditEntry]:
    return list((rows if before is None else rows.filter(pk__lt=before))[:PAGE])


def _cells(row: AuditEntry) -> list[str]:
    origin = getattr(row, "origin", None)
    cells = {
        "at": row.at.isoformat(),
        "address": origin.address if origin else "",
        "facts": json.dumps(row.facts),
    }
    values = (cells.get(name, getattr(row, name, None)) for name in COLUMNS)
    return ["" if value is None else escape_formula(str(value)) for value in values]


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
