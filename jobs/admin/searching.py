"""Search in lists of many rows: by id, by the owner's address, or by a name, each with an index.

Django's own search joins all its fields with OR, which reads every row.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from jobs.selectors import staff_search


class IndexedSearch(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Subclasses say where an id, an owner and a name are."""

    # Django shows a search field if there are any.
    search_fields: ClassVar[tuple[str, ...]] = ("id",)
    search_help_text = (
        f"An id, a part of a person's address with @, or a part of a name in the {staff_search.MOST_JOBS} "
        "newest jobs that have it."
    )
    owner: ClassVar[str] = "user"

    def with_id(self, number: UUID) -> Q:
        """The rows that an id names."""
        return Q(pk=number)

    def with_name(self, term: str) -> Q:
        """The rows that a part of a name finds."""
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Narrows the list. No row comes twice."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if number := staff_search.as_id(term):
            return queryset.filter(self.with_id(number)), False
        if "@" in term:
            return queryset.filter(**{f"{self.owner}__in": staff_search.owners(term)}), False
        return queryset.filter(self.with_name(term)), False


class JobSearch(IndexedSearch):
    """Jobs by title or by a picture's name."""

    def with_name(self, term: str) -> Q:
        """Their title or the name of one of their pictures."""
        return Q(pk__in=staff_search.jobs_named(term))


class PictureSearch(IndexedSearch):
    """Pictures by name or by their job's title."""

    def with_id(self, number: UUID) -> Q:
        """The picture, or the pictures of the job."""
        return Q(pk=number) | Q(job=number)

    def with_name(self, term: str) -> Q:
        """Their name or their job's title."""
        named = Q(name__icontains=term) | Q(job__title__icontains=term)
        return Q(job__in=staff_search.jobs_named(term)) & named


class FileSearch(IndexedSearch):
    """Mattes and renditions by their picture."""

    owner = "picture__user"

    def with_id(self, number: UUID) -> Q:
        """The file, the files of the picture, or those of the job."""
        return Q(pk=number) | Q(picture=number) | Q(picture__job=number)

    def with_name(self, term: str) -> Q:
        """The picture's name."""
        return Q(picture__job__in=staff_search.jobs_named(term), picture__name__icontains=term)


class UploadSearch(IndexedSearch):
    """Uploads by name while they are in no job. Later their picture has the name."""

    search_help_text = "An id, a part of a person's address with @, or a part of a name that is in no job."

    def with_name(self, term: str) -> Q:
        """The name of an upload that is in no job."""
        return ~Q(state="submitted") & Q(name__icontains=term)
