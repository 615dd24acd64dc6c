"""Feedback: what people think of a result, for the staff."""

from __future__ import annotations

from jobs.models import Feedback, Picture


def give(picture: Picture, rating: int, words: str) -> Feedback:
    """Note it; the last word counts."""
    found: Feedback = Feedback.objects.update_or_create(
        picture=picture, defaults={"user_id": picture.user_id, "rating": rating, "words": words}
    )[0]
    return found


def take_back(picture: Picture) -> bool:
    """Forget it; whether there was any."""
    deleted: int = Feedback.objects.filter(picture=picture).delete()[0]
    return bool(deleted)
