"""Backdrops: background pictures for cut-outs, stored once per user and content (SHA-256)."""

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
from jobs.services import discards, refused_pictures
from jobs.services.uploads import limits
from segmentation import pictures, recipe
from segmentation.errors import RecipeError

AT_ONCE = 500


def take_in(user: User, content: bytes, *, ephemeral: bool = False) -> Backdrop:
    """Stores a backdrop, or returns the user's existing one with the same bytes.

    Recipes name it by its `digest`.

    ephemeral: the call keeps nothing. A backdrop that was also uploaded to be kept stays.

    Raises PictureError if the bytes are not a picture, UploadRefusedError if staff refuse it,
    QuotaExceededError if the storage is full.
    """
    info = pictures.inspect(content, limits())
    digest = hashlib.sha256(content).hexdigest()
    refused_pictures.check_digest(digest)
    known = Backdrop.objects.for_user(user).filter(digest=digest)
    now_known = {"last_used_at": timezone.now(), **({} if ephemeral else {"ephemeral": False})}
    with transaction.atomic():
        # The update locks the row until it is read, so no ephemeral call can delete it in between.
        if known.update(**now_known):
            return known.get()
    facts = {"size": len(content), "format": info.format, "width": info.width, "height": info.height}
    made = Backdrop(user=user, digest=digest, ephemeral=ephemeral, **facts)
    # Write the file before the row, so that a row never names a missing file. If another request creates the
    # row first, this file is an orphan and gets swept.
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
    """Returns the backdrop that a recipe names, and marks it as used now. None if the recipe names none.

    Call it in the transaction that writes the row that needs the backdrop. Raises RecipeError
    `invalid_background` if the backdrop is not this user's.
    """
    background = wanted.background
    if not isinstance(background, recipe.Backdrop):
        return None
    # The row lock keeps the sweep from deleting it.
    found: Backdrop | None = next(
        iter(locks.fetch_held(Backdrop.objects.for_user(user).filter(digest=background.ref))), None
    )
    if found is None:
        raise RecipeError(
            "invalid_background",
            "This background picture does not exist. Send it again, or choose a colour.",
            "background",
        )
    Backdrop.objects.filter(pk=found.pk).update(last_used_at=timezone.now())
    return found


def pixels(user: int, wanted: recipe.Recipe) -> NDArray[np.uint8] | None:
    """Returns the backdrop of a recipe as an h×w×3 or h×w×4 uint8 sRGB array. None if the recipe names none.

    For workers only. Raises RecipeError `missing_background` if the file or its row is gone.
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
    """Deletes a backdrop of ephemeral calls, unless a job uses it. Returns whether it was deleted."""
    return _delete(backdrop, ephemeral=True)


def sweep() -> int:
    """Deletes backdrops that no job uses and no request named for UPLOAD_HOURS. Returns how many."""
    before = clock.now() - timedelta(hours=settings.UPLOAD_HOURS)
    stale = Backdrop.objects.filter(last_used_at__lt=before, jobs__isnull=True)[:AT_ONCE]
    return sum(_delete(backdrop) for backdrop in stale)


def _delete(backdrop: Backdrop, **still: bool) -> bool:
    with transaction.atomic():
        # The lock keeps a job from using it between the check and the deletion.
        held = locks.hold(Backdrop.objects.filter(pk=backdrop.pk, **still), to_delete=True)
        if not held or Job.objects.filter(backdrop=backdrop).exists():
            return False
        discards.discard([backdrop.key])
        Backdrop.objects.filter(pk=backdrop.pk).delete()
        quota.free_storage(backdrop.user_id, backdrop.size)
    return True
