"""Makes the thumbnail of a picture and the previews of its renditions. The files replace the request."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import transaction

from jobs import storage
from jobs.models import Picture, Rendition, ThumbnailRequest
from jobs.queue import circuit
from jobs.queue.claims import Claim
from jobs.queue.retries import with_retries
from jobs.services import discards, lines, uploads
from jobs.worker import task
from jobs.worker.task import CannotSucceedError
from segmentation.pictures import Limits, decode
from segmentation.pipeline import encode_preview

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE: Final = 640
# For files of our own, which may be larger than a source may be.
OUR_LIMITS: Final = Limits(max_bytes=2**30, max_pixels=250_000_000, max_side=65_535)


def make(request: UUID) -> None:
    """Make what a thumbnail request asks for. Safe to run twice: the second claim finds nothing."""
    task.run(lines.THUMBNAILS, request, _work)


def _work(claim: Claim[ThumbnailRequest]) -> None:
    circuit.check_store()
    picture, thumb_key = claim.row.picture, ""
    if picture.state == Picture.State.DONE:
        try:
            _make_previews(picture)
            thumb_key = "" if picture.thumb_key else _make_thumb(picture)
        except FileNotFoundError as error:
            raise CannotSucceedError("file_gone", "A file of this picture is gone.") from error
    with_retries(partial(_conclude, claim, thumb_key))


def _make_previews(picture: Picture) -> None:
    for rendition in Rendition.objects.filter(picture=picture, preview_key="").select_related("matte"):
        key = storage.preview_key(picture.pk, rendition.matte.revision, rendition.recipe_digest)
        storage.write(key, encode_preview(*_planes(rendition), SIDE).data)
        if not Rendition.objects.filter(pk=rendition.pk).update(preview_key=key):
            discards.discard([key])


def _make_thumb(picture: Picture) -> str:
    with storage.reading(picture.source_key) as source:
        decoded = decode(source, uploads.limits())
    key = storage.thumb_key(picture.pk)
    storage.write(key, encode_preview(decoded.rgb, decoded.alpha, SIDE).data)
    return key


def _conclude(claim: Claim[ThumbnailRequest], thumb_key: str) -> None:
    with transaction.atomic():
        picture = Picture.objects.filter(pk=claim.row.picture_id)
        if not thumb_key or picture.update(thumb_key=thumb_key):
            lines.THUMBNAILS.delete(claim)
            return
    # The picture was deleted, and the request with it.
    discards.discard([thumb_key])


def _planes(rendition: Rendition) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The colours and the alpha of a finished file."""
    with storage.reading(rendition.key) as file:
        if rendition.extension != "zip":
            decoded = decode(file, OUR_LIMITS)
            return decoded.rgb, decoded.alpha
        with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            colours, alpha = (decode(archive.read(name), OUR_LIMITS) for name in ("color.jpg", "alpha.png"))
            return colours.rgb, alpha.rgb[..., 0]
