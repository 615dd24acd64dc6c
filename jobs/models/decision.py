"""Decisions of moderators, and the one appeal that the person concerned has against each."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.gate import OwnedQuerySet
from common.ids import new_id
from jobs.models.case import Case


class DecisionAction(models.TextChoices):
    """What a moderator may decide. Each needs the permission `jobs.decide_…` of its name."""

    APPROVE = "approve", _("approve")
    HIDE = "hide", _("hide")
    DELETE = "delete", _("delete")
    WARN = "warn", _("warn")
    SUSPEND = "suspend", _("suspend")
    BAN = "ban", _("ban")


class Decision(models.Model):
    """What was decided in a case. `reason` is for staff; `message` is what the person reads."""

    MAX_WORDS: Final = 2000
    # What stands against a person. An approval is told to nobody, and cannot be appealed.
    AGAINST: Final = frozenset(DecisionAction) - {DecisionAction.APPROVE}
    # A deletion cannot be undone: its files are gone.
    UNDOABLE: Final = frozenset(DecisionAction) - {DecisionAction.DELETE}

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="decisions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="decisions")
    action = models.CharField(max_length=8, choices=DecisionAction.choices)
    moderator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="decisions_made"
    )
    reason = models.CharField(max_length=500)
    message = models.CharField(max_length=MAX_WORDS, blank=True)
    # The end of a suspension. None for a ban and for every other action.
    until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="decisions_undone"
    )
    facts = models.JSONField(default=dict)

    objects: ClassVar = OwnedQuerySet["Decision"].as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [
            *((f"decide_{action.value}", f"Can decide: {action.value}") for action in DecisionAction),
            ("undo_decision", "Can undo decisions"),
            ("answer_appeal", "Can answer appeals"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="decision_suspension_has_end",
                condition=Q(action="suspend", until__isnull=False)
                | (~Q(action="suspend") & Q(until__isnull=True)),
            ),
            models.CheckConstraint(
                name="decision_deletion_stays", condition=~Q(action="delete") | Q(undone_at__isnull=True)
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-created_at", "-id"], name="decision_of_user")]

    def __str__(self) -> str:
        return str(self.get_action_display())


class Appeal(models.Model):
    """The person's one answer to a decision. `upheld`: whether the person was right and it was undone."""

    MAX_WORDS: Final = 2000

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, primary_key=True, related_name="appeal"
    )
    words = models.CharField(max_length=MAX_WORDS)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="appeals_answered"
    )
    answer = models.CharField(max_length=MAX_WORDS, blank=True)
    upheld = models.BooleanField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="appeal_answered_is_complete",
                condition=Q(answered_at__isnull=True, upheld__isnull=True)
                | Q(answered_at__isnull=False, upheld__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"], condition=Q(answered_at__isnull=True), name="appeal_unanswered"
            ),
        ]

    def __str__(self) -> str:
        return f"appeal of {self.created_at:%Y-%m-%d}"
