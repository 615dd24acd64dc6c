"""Feedback: a user's rating of a result."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from common.gate import OwnedQuerySet
from jobs.models.picture import Picture


class Feedback(models.Model):
    """One per picture; a new rating replaces the old one."""

    LEAST, MOST = 1, 5
    MAX_WORDS = 2000

    picture = models.OneToOneField(
        Picture, on_delete=models.CASCADE, primary_key=True, related_name="feedback"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feedback")
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(LEAST), MaxValueValidator(MOST)])
    words = models.CharField(max_length=MAX_WORDS, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar = OwnedQuerySet["Feedback"].as_manager()

    class Meta:
        ordering: ClassVar = ["-updated_at"]
        verbose_name_plural = "feedback"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="feedback_one_to_five", condition=models.Q(rating__gte=1, rating__lte=5)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} of {self.MOST}"
