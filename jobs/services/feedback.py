"""Feedback: users' thumbs up and down on results."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from jobs.errors import FeedbackRefusedError, GoneError, WrongStateError
from jobs.models import Feedback, Picture, Rendition
from jobs.models.feedback import Reason, Verdict
from segmentation.recipe import Recipe


def give(picture: Picture, verdict: str, reasons: Collection[str] = (), words: str = "") -> Feedback:
    """Saves a user's verdict on the newest result of a picture; replaces an earlier verdict.

    reasons: members of Reason, for a thumb down only. Raises FeedbackRefusedError if the verdict or a reason
    is not known, or if a thumb up has reasons; WrongStateError if there is no result yet, GoneError if the
    picture was deleted. Saves nothing then.
    """
    _check(verdict, reasons, words)
    about = (
        Rendition.objects.filter(picture=picture)
        .select_related("matte", "picture__job")
        .order_by("-matte__revision", "-created_at", "-id")
        .first()
    )
    if about is None:
        if not Picture.objects.filter(pk=picture.pk).exists():
            raise GoneError
        raise WrongStateError(
            "no_result", _("This picture has no result yet. Give your feedback when it is done.")
        )
    recipe = Recipe.stored(about.recipe)
    found: Feedback = Feedback.objects.update_or_create(
        picture=picture,
        defaults={
            "user_id": picture.user_id,
            "verdict": verdict,
            "reasons": [reason for reason in Reason.values if reason in reasons],
            "words": words,
            "model": recipe.model,
            "refinement": recipe.refine,
            "matte_revision": about.matte.revision,
            "recipe_digest": about.recipe_digest,
            "origin": about.picture.job.origin,
        },
    )[0]
    return found


def take_back(picture: Picture) -> bool:
    """Deletes the verdict on a picture. Returns whether there was one."""
    deleted: int = Feedback.objects.filter(picture=picture).delete()[0]
    return bool(deleted)


def _check(verdict: str, reasons: Collection[str], words: str) -> None:
    if verdict not in Verdict.values:
        raise FeedbackRefusedError("invalid_verdict", _("A verdict is “up” or “down”."), "verdict")
    if unknown := [reason for reason in reasons if reason not in Reason.values]:
        raise FeedbackRefusedError(
            "invalid_reason",
            _("There is no reason “%(unknown)s”. Choose from: %(known)s.")
            % {"unknown": str(unknown[0])[:40], "known": ", ".join(Reason.values)},
            "reasons",
        )
    if reasons and verdict == Verdict.UP:
        raise FeedbackRefusedError(
            "reasons_of_up",
            _("Reasons say what is wrong, so they go with a thumb down. Leave them out, or send “down”."),
            "reasons",
        )
    if "\0" in words:
        raise FeedbackRefusedError(
            "null_character", _("Remove the null character: it cannot be stored."), "words"
        )
    if len(words) > Feedback.MAX_WORDS:
        raise FeedbackRefusedError(
            "max_length",
            _("Write at most %(most)d characters.") % {"most": Feedback.MAX_WORDS},
            "words",
        )
