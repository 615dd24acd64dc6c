"""What of the history is wanted: a form that reads the address's query, and the rows that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from jobs.models import Job, Picture

STATES = [
    ("", "Any state"),
    (Job.State.ACTIVE, "At work"),
    (Job.State.FINISHED, "Done"),
    ("failures", "With failures"),
    (Job.State.CANCELLED, "Cancelled"),
]
ORIGINS = [("", "From anywhere"), *Job.Origin.choices]


class HistoryForm(forms.Form):
    """Search by name, filter by state, origin and day. Every field may be left out."""

    q = forms.CharField(
        label="Name",
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"placeholder": "Of a job or a picture"}),
    )
    state = forms.ChoiceField(label="State", required=False, choices=STATES)
    origin = forms.ChoiceField(label="From", required=False, choices=ORIGINS)
    since = forms.DateField(label="Since", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        """A stretch of days has its beginning before its end."""
        given: dict[str, Any] = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", "The last day lies before the first.")
        return given

    @property
    def is_narrowed(self) -> bool:
        """Whether anything was asked for."""
        return self.is_valid() and any(self.cleaned_data.values())


def narrow(jobs: QuerySet[Job], user: User, wanted: Mapping[str, Any]) -> QuerySet[Job]:
    """The jobs of `user` among `jobs` that fit a valid HistoryForm's cleaned data."""
    if text := wanted.get("q"):
        named = Picture.objects.for_user(user).filter(name__icontains=text)
        jobs = jobs.filter(Q(title__icontains=text) | Q(pk__in=named.values("job")))
    if state := wanted.get("state"):
        if state == "failures":
            failed = Picture.objects.filter(job=OuterRef("pk"), state=Picture.State.FAILED)
            jobs = jobs.filter(Exists(failed))
        else:
            jobs = jobs.filter(state=state)
    if origin := wanted.get("origin"):
        jobs = jobs.filter(origin=origin)
    if since := wanted.get("since"):
        jobs = jobs.filter(created_at__gte=_midnight(since))
    if until := wanted.get("until"):
        jobs = jobs.filter(created_at__lt=_midnight(until + timedelta(days=1)))
    return jobs


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
