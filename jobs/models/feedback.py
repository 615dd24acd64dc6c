"""Feedback: a user's thumb up or down on a result, with reasons."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.gate import OwnedQuerySet
from jobs.models.job import Job
from jobs.models.picture import Picture


class Verdict(models.TextChoices):
    """What the user thinks of the result."""

    UP = "up", _("good")
    DOWN = "down", _("not good")


class Reason(models.TextChoices):
    """What is wrong with a result."""

    HAIR = "hair", _("Hair or fur is cut off")
    HOLE = "hole", _("There is a hole in it")
    MISSING_PART = "missing_part", _("A part is missing")
    BACKGROUND_LEFT = "background_left", _("Some background is left")
    COLOUR = "colour", _("The colours are wrong")
    OTHER = "other", _("Something else")


class Feedback(models.Model):
    """One per picture; a new verdict replaces the old one.

    The fields from `model` to `origin` say what the verdict was about when it was given. They stay as they
    are when the picture is corrected or rendered again later, so comparisons of models stay right.
    """

    MAX_WORDS = 2000

    picture = models.OneToOneField(
        Picture, on_delete=models.CASCADE, primary_key=True, related_name="feedback"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feedback")
    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    # Members of Reason, without repetition, in their order. Empty for a thumb up.
    reasons = models.JSONField(default=list, blank=True)
    words = models.CharField(max_length=MAX_WORDS, blank=True)

    model = models.CharField(max_length=64)
    refinement = models.CharField(max_length=16)
    # 1 is the model's own matte; later revisions come from people.
    matte_revision = models.PositiveIntegerField()
    recipe_digest = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Job.Origin.choices)

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar = OwnedQuerySet["Feedback"].as_manager()

    class Meta:
        ordering: ClassVar = ["-updated_at"]
        verbose_name_plural = "feedback"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="feedback_verdict_known", condition=models.Q(verdict__in=Verdict.values)
            ),
            models.CheckConstraint(
                name="feedback_up_has_no_reasons",
                condition=models.Q(verdict=Verdict.DOWN) | models.Q(reasons=[]),
            ),
        ]
        # For staff: newest first.
        indexes: ClassVar = [models.Index(fields=["-updated_at", "-picture"], name="feedback_newest")]

    def __str__(self) -> str:
        return str(self.get_verdict_display())

    @property
    def reason_choices(self) -> list[tuple[str, str]]:
        """All reasons with their labels, for a form."""
        return [(reason.value, str(reason.label)) for reason in Reason]

    @property
    def summary(self) -> str:
        """The labels of the reasons; the words if there are none."""
        return ", ".join(str(Reason(reason).label) for reason in self.reasons) or self.words
