"""Feedback: users' ratings of results, for staff."""

from __future__ import annotations

from jobs.models import Feedback, Picture


def give(picture: Picture, rating: int, words: str) -> Feedback:
    """Saves a user's rating of a picture; replaces an earlier one."""
    found: Feedback = Feedback.objects.update_or_create(
        picture=picture, defaults={"user_id": picture.user_id, "rating": rating, "words": words}
    )[0]
    return found


def take_back(picture: Picture) -> bool:
    """Deletes the rating of a picture. Returns whether there was one."""
    deleted: int = Feedback.objects.filter(picture=picture).delete()[0]
    return bool(deleted)
