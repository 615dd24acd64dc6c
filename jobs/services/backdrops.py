"""Backdrops: pictures that stand behind cut-outs, kept by what is in them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from accounts import locks
from accounts.models import User
from accounts.services import quota
from jobs import clock, storage
from jobs.models import Backdrop, Job
from jobs.services import removal
from jobs.services.uploads import limits
from segmentation import pictures, recipe
from segmentation.errors import RecipeError

AT_ONCE = 500


def take_in(user: User, content: bytes, *, ephemeral: bool = False) -> Backdrop:
    """A backdrop of these bytes; recipes name it by its `digest`.

    ephemeral: for a call of which nothing is kept; what was brought to be kept, before or since, stays.
    Raises PictureError for no picture, QuotaExceededError where there is no room for it.
    """
    info = pictures.inspect(content, limits())
    digest = hashlib.sha256(content).hexdigest()
    known = Backdrop.objects.for_user(user).filter(digest=digest)
    now_known = {"last_used_at": timezone.now(), **({} if ephemeral else {"ephemeral": False})}
    with transaction.atomic():
        # Held from here to the look, so that no ephemeral call takes it along in between.
        if known.update(**now_known):
            return known.get()
    facts = {"size": len(content), "format": info.format, "width": info.width, "height": info.height}
    made = Backdrop(user=user, digest=digest, ephemeral=ephemeral, **facts)
    # The file first: a row never names what is not there. One that lost the race is an orphan, and swept.
    quota.check_storage(user, len(content))
    storage.check_room(len(content))
    storage.write(made.key, content)
    with transaction.atomic():
        Backdrop.objects.bulk_create([made], ignore_conflicts=True)
        known.update(**now_known)
        found: Backdrop = known.get()
        if found.pk == made.pk:
            quota.add_storage(user, len(content))
    return found


def of(user: User, wanted: recipe.Recipe) -> Backdrop | None:
    """The backdrop that a recipe names, from now on in use; None where it names none.

    Call it in the transaction that writes what needs it. Raises RecipeError `invalid_background` for one that
    is not this user's.
    """
    background = wanted.background
    if not isinstance(background, recipe.Backdrop):
        return None
    # The row is the lock against the sweep.
    found: Backdrop | None = next(
        iter(locks.fetch_held(Backdrop.objects.for_user(user).filter(digest=background.ref))), None
    )
    if found is None:
        raise RecipeError(
            "invalid_background",
            "This background picture is unknown here. Send it again, or choose a colour.",
            "background",
        )
    Backdrop.objects.filter(pk=found.pk).update(last_used_at=timezone.now())
    return found


def pixels(user: int, wanted: recipe.Recipe) -> NDArray[np.uint8] | None:
    """The picture that a recipe's background names, h×w×3 or h×w×4 uint8 sRGB; None where it names none.

    For workers. Raises RecipeError `missing_background` where it is gone.
    """
    background = wanted.background
    if not isinstance(background, recipe.Backdrop):
        return None
    found = Backdrop.objects.filter(user=user, digest=background.ref).first()
    try:
        if found is None:
            raise FileNotFoundError(background.ref)
        with storage.reading(found.key) as file:
            picture = pictures.decode(file, limits())
    except FileNotFoundError as error:
        sentence = "The background picture is gone. Send it again."
        raise RecipeError("missing_background", sentence, "background") from error
    return picture.rgb if picture.alpha is None else np.dstack((picture.rgb, picture.alpha))


def forget(backdrop: Backdrop) -> bool:
    """Delete one that only ephemeral calls brought and that no job has; whether it is gone."""
    return _delete(backdrop, ephemeral=True)


def sweep() -> int:
    """Delete those that no job has and nobody asked for in UPLOAD_HOURS; how many."""
    before = clock.now() - timedelta(hours=settings.UPLOAD_HOURS)
    stale = Backdrop.objects.filter(last_used_at__lt=before, jobs__isnull=True)[:AT_ONCE]
    return sum(_delete(backdrop) for backdrop in stale)


def _delete(backdrop: Backdrop, **still: bool) -> bool:
    with transaction.atomic():
        # Held, so that no job takes it up between the look and the deletion.
        held = locks.hold(Backdrop.objects.filter(pk=backdrop.pk, **still), to_delete=True)
        if not held or Job.objects.filter(backdrop=backdrop).exists():
            return False
        removal.discard([backdrop.key])
        Backdrop.objects.filter(pk=backdrop.pk).delete()
        quota.free_storage(backdrop.user_id, backdrop.size)
    return True
