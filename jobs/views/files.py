"""A picture's files, and all results of a job as a ZIP."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from jobs import names, selectors
from jobs.archive import archive_name, results_archive
from jobs.selectors.hidden import refuse_hidden, refuse_hidden_job
from jobs.services import downloads, thumbnails
from jobs.serving import CACHE_FOREVER, CACHE_NEWEST, ServedFile, serve_file, serve_zip
from jobs.views.access import job_or_404, picture_or_404


@login_required
@require_safe
def result(request: HttpRequest, picture_id: UUID) -> ServedFile:
    """The newest rendition, named after the original."""
    picture = refuse_hidden(picture_or_404(request, picture_id))
    rendition = picture.rendition
    if rendition is None:
        raise Http404("This picture has no result yet.")
    download = "inline" not in request.GET
    response = serve_file(
        rendition.key,
        media_type=rendition.media_type,
        name=names.with_extension(picture.name, rendition.extension),
        download=download,
        cache=False,
    )
    if download and request.method == "GET":
        downloads.note([picture])
    return response


@login_required
@require_safe
def preview(request: HttpRequest, picture_id: UUID) -> ServedFile:
    """A preview of the newest rendition. Browsers cache it forever if the URL names its version."""
    picture = refuse_hidden(picture_or_404(request, picture_id))
    key = thumbnails.preview_of(picture)
    if not key:
        raise Http404("This picture has no result yet.")
    named = picture.rendition is not None and request.GET.get("v") == picture.rendition.version
    keep = CACHE_FOREVER if named else CACHE_NEWEST
    return serve_file(key, media_type="image/webp", name="preview.webp", download=False, keep=keep)


@login_required
@require_safe
def thumb(request: HttpRequest, picture_id: UUID) -> ServedFile:
    """A thumbnail of the source."""
    picture = refuse_hidden(picture_or_404(request, picture_id))
    key = thumbnails.thumb_of(picture)
    if not key:
        raise Http404("This picture has no thumbnail yet.")
    return serve_file(key, media_type="image/webp", name="thumb.webp", download=False)


@login_required
@require_safe
def source(request: HttpRequest, picture_id: UUID) -> ServedFile:
    """The uploaded file. It is always a download, because its content is untrusted."""
    picture = refuse_hidden(picture_or_404(request, picture_id))
    if not picture.source_key:
        raise Http404("The original was not kept.")
    return serve_file(
        picture.source_key, media_type="application/octet-stream", name=picture.name, download=True
    )


@login_required
@require_safe
def results_zip(request: HttpRequest, job_id: UUID) -> StreamingHttpResponse:
    """All finished results of a job, named after the originals, generated while they are sent."""
    job = refuse_hidden_job(job_or_404(request, job_id))
    pictures = selectors.every_picture_of(job)
    if not any(picture.rendition for picture in pictures):
        raise Http404("This job has no results yet.")
    response = serve_zip(results_archive(pictures), archive_name(job))
    if request.method == "GET":
        downloads.note(pictures)
    return response
