"""History search: a form that reads the query string, and the filter for the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from common.text import folded
from jobs.models import Job, Picture, SearchText, Tag
from jobs.selectors import registered_models
from jobs.selectors.sorting import SORTS

STATES = [
    ("", "Any state"),
    (Job.State.ACTIVE, "At work"),
    (Job.State.FINISHED, "Done"),
    ("failures", "With failures"),
    (Job.State.CANCELLED, "Cancelled"),
]
# The second name is the state of the pictures in the API, which users also type.
FAILURES = ("failures", Picture.State.FAILED)
ORIGINS = [("", "From anywhere"), *Job.Origin.choices]


def _models() -> list[tuple[str, str]]:
    known = sorted(registered_models.names())
    return [("", "Any model"), *((name, registered_models.title(name)) for name in known)]


class HistoryForm(forms.Form):
    """Search by name; filter by state, model, origin, tag and day; sort. Every field is optional."""

    q = forms.CharField(
        label="Name",
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"placeholder": "Job or picture name"}),
    )
    state = forms.ChoiceField(label="State", required=False, choices=[*STATES, (FAILURES[1], STATES[3][1])])
    model = forms.ChoiceField(label="Model", required=False, choices=_models)
    origin = forms.ChoiceField(label="From", required=False, choices=ORIGINS)
    tag = forms.ModelChoiceField(
        label="Tag",
        required=False,
        queryset=Tag.objects.none(),
        to_field_name="name",
        empty_label="Any tag",
        error_messages={"invalid_choice": "No job has this tag any more."},
    )
    since = forms.DateField(label="Since", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    sort = forms.ChoiceField(
        label="Order", required=False, choices=[(name, sort.label) for name, sort in SORTS.items()]
    )

    def __init__(self, data: Mapping[str, Any], *, user: User) -> None:
        super().__init__(data)
        self.fields["state"].widget.choices = STATES
        self.fields["tag"].queryset = Tag.objects.for_user(user)  # type: ignore[attr-defined]

    def clean_state(self) -> str:
        """Maps both names of the state to one."""
        state: str = self.cleaned_data["state"]
        return FAILURES[0] if state in FAILURES else state

    def clean(self) -> dict[str, Any]:
        """Checks that the first day is not after the last."""
        given: dict[str, Any] = super().clean() or {}
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            self.add_error("until", "The last day is before the first.")
        return given

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return self.is_valid() and any(value for name, value in self.cleaned_data.items() if name != "sort")


# All jobs lie between these days, and both have a midnight in every time zone.
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)


def narrow(jobs: QuerySet[Job], user: User, wanted: Mapping[str, Any]) -> QuerySet[Job]:
    """Filters `jobs` of a user by the cleaned data of a valid HistoryForm."""
    if text := wanted.get("q"):
        named = SearchText.objects.filter(user=user, text__contains=folded(text))
        jobs = jobs.filter(pk__in=named.values("job"))
    if state := wanted.get("state"):
        if state in FAILURES:
            failed = Picture.objects.for_user(user).filter(state=Picture.State.FAILED)
            jobs = jobs.filter(pk__in=failed.values("job"))
        else:
            jobs = jobs.filter(state=state)
    if model := wanted.get("model"):
        jobs = jobs.filter(recipe__model=model)
    if origin := wanted.get("origin"):
        jobs = jobs.filter(origin=origin)
    if tag := wanted.get("tag"):
        jobs = jobs.filter(tags=tag)
    if since := wanted.get("since"):
        jobs = jobs.filter(created_at__gte=_midnight(max(since, _FIRST_DAY)))
    if until := wanted.get("until"):
        jobs = jobs.filter(created_at__lt=_midnight(min(until, _LAST_DAY) + timedelta(days=1)))
    return jobs


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
