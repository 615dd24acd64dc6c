"""Small pictures of what synchronous calls made: a worker makes them when somebody first looks."""

from __future__ import annotations

import io
import logging
import time
import zipfile
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core.cache import cache
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from jobs import selectors, storage
from jobs.models import Picture, Rendition
from jobs.services import removal, uploads
from segmentation.pictures import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

SIDE: Final = 640
LOOK_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.05
# One that can never be made is asked for, and waited for, no more often than that.
ASK_AGAIN_SECONDS: Final = 60
# Of files that we made ourselves, which may be larger than a source may.
OURS: Final = Limits(max_bytes=2**30, max_pixels=250_000_000, max_side=65_535)


def preview_of(picture: Picture) -> str:
    """The key of the newest result, small; "" where there is none, or no worker made it in time. Blocks."""
    rendition = picture.rendition
    if rendition is None or rendition.preview_key or not _wait(picture):
        return rendition.preview_key if rendition else ""
    selectors.attach_renditions([picture])
    return picture.rendition.preview_key if picture.rendition else ""


def thumb_of(picture: Picture) -> str:
    """The key of the source, small; as `preview_of`."""
    if picture.thumb_key or picture.state != Picture.State.DONE or not _wait(picture):
        return picture.thumb_key
    return Picture.objects.filter(pk=picture.pk).values_list("thumb_key", flat=True).first() or ""


def make(picture_id: UUID) -> None:
    """Make what is missing of a picture. For workers; safe to run twice."""
    from segmentation.pictures import decode
    from segmentation.pipeline import encode_preview

    picture = Picture.objects.filter(pk=picture_id, state=Picture.State.DONE).first()
    if picture is None:
        return
    for rendition in Rendition.objects.filter(picture=picture, preview_key=""):
        key = storage.preview_key(picture.pk, rendition.matte.revision, rendition.recipe_digest)
        storage.write(key, encode_preview(*_planes(rendition), SIDE).data)
        _note(key, Rendition.objects.filter(pk=rendition.pk).update(preview_key=key))
    if not picture.thumb_key:
        with storage.reading(picture.source_key) as source:
            seen = decode(source, uploads.limits())
        key = storage.thumb_key(picture.pk)
        storage.write(key, encode_preview(seen.rgb, seen.alpha, SIDE).data)
        # Last: it says that all of it is there.
        _note(key, Picture.objects.filter(pk=picture.pk).update(thumb_key=key))


def _note(key: str, rows: int) -> None:
    if not rows:
        removal.discard([key])


def _planes(rendition: Rendition) -> tuple[NDArray, NDArray | None]:  # type: ignore[type-arg]  # of bytes, both
    """The colours and the alpha of a finished file."""
    from segmentation.pictures import decode

    with storage.reading(rendition.key) as file:
        if rendition.extension != "zip":
            seen = decode(file, OURS)
            return seen.rgb, seen.alpha
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            colours, alpha = (decode(archive.read(name), OURS) for name in ("color.jpg", "alpha.png"))
            return colours.rgb, alpha.rgb[..., 0]


def _wait(picture: Picture) -> bool:
    """Ask a worker, and look until it is done; false where it takes too long or nobody can be asked.

    Who comes while another waits waits with them; who comes later does not, until it may be asked again.
    """
    from jobs.actors import (
        make_thumbnails,  # the actors call services: the import at the top would be a circle
    )

    key, look = f"small:{picture.pk}", LOOK_SECONDS
    if cache.add(key, time.time() + look, ASK_AGAIN_SECONDS):
        try:
            make_thumbnails.send(str(picture.pk))
        except (BrokerConnectionError, RedisError) as error:
            logger.warning("nobody can make the small pictures of %s: %s", picture.pk, error)
            return False
    else:
        look = min(look, cache.get(key, 0.0) - time.time())
    deadline = time.monotonic() + look
    while time.monotonic() < deadline:
        if not Picture.objects.filter(pk=picture.pk, thumb_key="").exists():
            return True
        time.sleep(PAUSE_SECONDS)
    return False
