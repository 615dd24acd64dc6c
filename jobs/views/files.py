"""Files of a picture, and all results of a job as one ZIP."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from common import names
from jobs import selectors
from jobs.archive import archive_name, results_archive
from jobs.services import thumbnails
from jobs.serving import FOR_EVER, NEWEST, FileAnswer, stored, zipped
from jobs.views.access import job_or_404, picture_or_404


@login_required
@require_safe
def result(request: HttpRequest, picture_id: UUID) -> FileAnswer:
    """The newest rendition, under the original's name."""
    picture = picture_or_404(request, picture_id)
    rendition = picture.rendition
    if rendition is None:
        raise Http404("This picture has no result yet.")
    return stored(
        rendition.key,
        media_type=rendition.media_type,
        name=names.with_extension(picture.name, rendition.extension),
        download="inline" not in request.GET,
        cache=False,
    )


@login_required
@require_safe
def preview(request: HttpRequest, picture_id: UUID) -> FileAnswer:
    """The newest rendition, small; kept for ever by browsers where the address names it by its version."""
    picture = picture_or_404(request, picture_id)
    key = thumbnails.preview_of(picture)
    if not key:
        raise Http404("This picture has no result yet.")
    named = picture.rendition is not None and request.GET.get("v") == picture.rendition.version
    keep = FOR_EVER if named else NEWEST
    return stored(key, media_type="image/webp", name="preview.webp", download=False, keep=keep)


@login_required
@require_safe
def thumb(request: HttpRequest, picture_id: UUID) -> FileAnswer:
    """The source, small."""
    picture = picture_or_404(request, picture_id)
    key = thumbnails.thumb_of(picture)
    if not key:
        raise Http404("This picture has no small form yet.")
    return stored(key, media_type="image/webp", name="thumb.webp", download=False)


@login_required
@require_safe
def source(request: HttpRequest, picture_id: UUID) -> FileAnswer:
    """The file as it was uploaded. Always a download: its bytes are a stranger's."""
    picture = picture_or_404(request, picture_id)
    if not picture.source_key:
        raise Http404("The original was not kept.")
    return stored(picture.source_key, media_type="application/octet-stream", name=picture.name, download=True)


@login_required
@require_safe
def results_zip(request: HttpRequest, job_id: UUID) -> StreamingHttpResponse:
    """Everything that is done in a job, under the originals' names, made while it is sent."""
    job = job_or_404(request, job_id)
    pictures = selectors.every_picture_of(job)
    if not any(picture.rendition for picture in pictures):
        raise Http404("Nothing of this job is done yet.")
    return zipped(results_archive(pictures), archive_name(job))
