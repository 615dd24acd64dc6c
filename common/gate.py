"""The one gate per object: everything a view reads of a user's goes through `for_user`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows that have a `user`."""

    def for_user(self, user: User) -> Self:
        """Only what is this user's own; staff have the admin for everything else."""
        return self.filter(user=user)
