"""Access control per object: views read a user's rows through `for_user` only."""

from __future__ import annotations

from typing import Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

M = TypeVar("M", bound=models.Model)


class OwnedQuerySet(models.QuerySet[M]):
    """Rows with a `user`."""

    def for_user(self, user: AbstractBaseUser) -> Self:
        """Returns only this user's rows; staff use the admin for everything else."""
        return self.filter(user=user)
