"""Users: an e-mail address with a password."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.limits import Limits
from accounts.models.plan import Plan
from accounts.time_zones import validate


class UserManager(BaseUserManager["User"]):
    """Creates users; stores addresses in lower case, so that one address is one person."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create a user; without a password the account can only sign in after a password reset."""
        if not email:
            raise ValueError("A user needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create an administrator with all permissions."""
        return self.create_user(email, password, **{**extra, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> User:
        """Returns the user with this sign-in address, regardless of case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin, Limits):
    """A person, or the owner of an API client, who signs in with an e-mail address. A user's own limits,
    where staff set them, override the plan's.
    """

    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=150, blank=True)
    # "": as the browser asks, and the site's TIME_ZONE.
    language = models.CharField(max_length=16, blank=True)
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate])
    is_staff = models.BooleanField("staff", default=False, help_text="May use the admin site.")
    is_active = models.BooleanField(
        "active", default=True, help_text="Clear this instead of deleting a user."
    )
    # A suspension is in force from suspended_at until suspended_until; without an end it is a ban.
    suspended_at = models.DateTimeField("suspended", null=True, blank=True, editable=False)
    suspended_until = models.DateTimeField(null=True, blank=True, editable=False)
    # None means the default plan, so that changing the default applies to everybody without an UPDATE.
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.SET_NULL, related_name="users")
    date_joined = models.DateTimeField("joined", default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            models.CheckConstraint(
                name="user_suspension_has_start",
                condition=models.Q(suspended_at__isnull=False) | models.Q(suspended_until__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["suspended_at"],
                condition=models.Q(suspended_at__isnull=False),
                name="user_suspended",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_suspended(self) -> bool:
        """Whether a suspension is in force now."""
        if self.suspended_at is None:
            return False
        return self.suspended_until is None or self.suspended_until > timezone.now()

    def clean(self) -> None:
        """Forms use this, not the manager."""
        super().clean()
        self.email = self.email.lower()
