"""Filters of the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.current_user import user_of
from jobs.models import Case, FlagKind
from jobs.moderation.services import assigning


class StateFilter(admin.SimpleListFilter):
    """Open cases, unless something else is asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The states beside the open one, and all."""
        return [
            (Case.State.APPEALED.value, _("appealed")),
            (Case.State.DECIDED.value, _("decided")),
            ("all", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        """The default is called open, not all."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("open")} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        """The cases in the chosen state."""
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or Case.State.OPEN)


class AssignedFilter(admin.SimpleListFilter):
    """Cases that the moderator works on, or that are free."""

    title = _("assigned")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """To me, or free for me."""
        return [("me", _("to me")), ("free", _("to nobody else"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        """The chosen cases."""
        if self.value() == "me":
            return queryset.filter(assigned_to=user_of(request))
        if self.value() == "free":
            return queryset.filter(assigning.available_to(user_of(request)))
        return queryset


class FlagFilter(admin.SimpleListFilter):
    """Cases by why they were opened."""

    title = _("flagged or reported")
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The kinds of flags, and reports."""
        return [*FlagKind.choices, ("report", _("reported by a person"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        """The chosen cases."""
        if self.value() == "report":
            return queryset.filter(reports__isnull=False).distinct()
        return queryset.filter(flags__kind=self.value()) if self.value() else queryset
