"""Cases: what a moderator decides, with the flags of machines and the reports of people that led to them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs.models.job import Job
from jobs.models.picture import Picture


class Severity(models.IntegerChoices):
    """How urgent a case is."""

    LOW = 1, _("low")
    MEDIUM = 2, _("medium")
    HIGH = 3, _("high")


class CaseKind(models.TextChoices):
    """What a case is about."""

    PICTURE = "picture", _("picture")
    JOB = "job", _("job")
    SHARE = "share", _("share")
    ACCOUNT = "account", _("account")


class FlagKind(models.TextChoices):
    """Why a machine flagged something."""

    EXPLICIT_CONTENT = "explicit_content", _("explicit content")
    REFUSED_PICTURE = "refused_picture", _("on the list of refused pictures")
    BURST_OF_SIGN_UPS = "burst_of_sign_ups", _("burst of sign-ups")
    BURST_OF_UPLOADS = "burst_of_uploads", _("burst of uploads by a new account")


class ReportReason(models.TextChoices):
    """Why a person reported something."""

    ILLEGAL = "illegal", _("It is illegal")
    EXPLICIT = "explicit", _("It is explicit or violent")
    PRIVACY = "privacy", _("It shows somebody who did not agree")
    COPYRIGHT = "copyright", _("It belongs to somebody else")
    OTHER = "other", _("Another reason")


class Case(models.Model):
    """One thing for a moderator to decide. `user` is the person concerned.

    `target` is the id of the picture, job or share. It stays when that is deleted; the foreign keys do not.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        # Decided, and a person's appeal waits for its answer.
        APPEALED = "appealed", _("appealed")
        DECIDED = "decided", _("decided")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="cases")
    kind = models.CharField(max_length=8, choices=CaseKind.choices)
    target = models.UUIDField(null=True)
    picture = models.ForeignKey(Picture, null=True, on_delete=models.SET_NULL, related_name="cases")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="cases")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.MEDIUM)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="assigned_cases"
    )
    assigned_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    objects: ClassVar = OwnedQuerySet["Case"].as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [("assign_case", "Can take and release cases")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "target"], condition=Q(state="open"), name="case_one_open_a_target"
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state="open", kind="account"),
                name="case_one_open_an_account",
            ),
            models.CheckConstraint(
                name="case_has_target",
                condition=Q(kind="account", target__isnull=True)
                | (~Q(kind="account") & Q(target__isnull=False)),
            ),
            models.CheckConstraint(
                name="case_decided_has_time",
                condition=Q(state="open", decided_at__isnull=True)
                | Q(state__in=["appealed", "decided"], decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="case_assigned_has_time",
                condition=Q(assigned_at__isnull=False) | Q(assigned_to__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-created_at", "-id"], name="case_newest"),
            models.Index(fields=["state", "-severity", "created_at", "id"], name="case_worst"),
            # All states together, and by a click on the severity.
            models.Index(fields=["-created_at", "-id"], name="case_newest_of_all"),
            models.Index(fields=["state", "-severity", "-id"], name="case_most_severe"),
            models.Index(fields=["user", "-created_at"], name="case_of_user"),
            models.Index(fields=["kind", "target"], name="case_of_target"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.pk)[-6:]}"


class Flag(models.Model):
    """A machine's hint that something may break the rules. It decides nothing."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(max_length=24, choices=FlagKind.choices)
    score = models.FloatField(null=True, help_text="How sure the machine is, from 0 to 1.")
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "kind"], name="flag_one_a_kind"),
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class Report(models.Model):
    """A person's report of something. `reporter` is None for visitors without an account."""

    MAX_WORDS = 2000

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=16, choices=ReportReason.choices)
    words = models.CharField(max_length=MAX_WORDS, blank=True)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="reports"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.get_reason_display())
