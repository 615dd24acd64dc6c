"""Uploads from the page: start, send the bytes, finish."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.errors import QuotaExceededError
from jobs import storage
from jobs.errors import JobsError, UploadRefusedError
from jobs.models import Upload
from jobs.services import upload_resume, uploads
from jobs.views.access import upload_or_404, user_of


@login_required
@require_POST
def start(request: HttpRequest) -> JsonResponse:
    """Announce a file. The response says where to send the bytes, in the format of an S3 presigned POST.

    `resume` names an earlier upload of the same file, which is continued if it is still in no job.
    """
    user = user_of(request)
    try:
        name, size, earlier = _announcement(request.body)
        resumed = upload_resume.resume(user, earlier, name, size) if earlier else None
        upload = resumed or uploads.start(user, name, size)
    except (JobsError, QuotaExceededError) as error:
        return JsonResponse(error.as_dict(), status=error.status)
    target = storage.upload_target(upload.pk, uploads.max_bytes(upload)).as_dict()
    finish_url = reverse("jobs:upload_finish", args=[upload.pk])
    return JsonResponse(
        {"id": str(upload.pk), "state": upload.state, "target": target, "finish_url": finish_url},
        status=200 if resumed else 201,
    )


def _announcement(body: bytes) -> tuple[str, int, UUID | None]:
    try:
        said: Any = json.loads(body)
        name, size, earlier = said["name"], said["size"], said.get("resume")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UploadRefusedError("bad_request", "Send the file's name and size as JSON.") from error
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool):
        raise UploadRefusedError("bad_request", "The name must be text and the size a whole number of bytes.")
    return name, size, _uuid(earlier) if earlier else None


def _uuid(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError as error:
        raise UploadRefusedError("bad_request", "Name an upload by its id.") from error


@login_required
@require_POST
def body(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Receive an announced file, as field `file` of a multipart form."""
    upload = upload_or_404(request, upload_id)
    file = request.FILES.get("file")
    if file is None or file.size is None:
        return JsonResponse(
            {"code": "bad_request", "sentence": "Send the picture as field “file”."}, status=400
        )
    try:
        uploads.receive(upload, file, file.size)
    except JobsError as error:
        return JsonResponse(error.as_dict(), status=error.status)
    return HttpResponse(status=204)


@login_required
@require_POST
def finish(request: HttpRequest, upload_id: UUID) -> JsonResponse:
    """Validate the received bytes."""
    upload = uploads.finish(upload_or_404(request, upload_id))
    if upload.state == Upload.State.REFUSED:
        refusal = {"id": str(upload.pk), "state": upload.state, "code": upload.error_code}
        return JsonResponse({**refusal, "sentence": upload.error_sentence}, status=422)
    facts = {"width": upload.width, "height": upload.height, "format": upload.format}
    return JsonResponse({"id": str(upload.pk), "state": upload.state, **facts})


@login_required
@require_POST
def discard(request: HttpRequest) -> HttpResponse:
    """Discard uploads that are in no job: those that the script lists, or all."""
    named = request.POST.getlist("uploads")
    try:
        chosen = [_uuid(text) for text in named] if named else None
    except UploadRefusedError as error:
        return JsonResponse(error.as_dict(), status=error.status)
    count = upload_resume.discard(user_of(request), chosen)
    if named:
        return JsonResponse({"discarded": count})
    messages.info(request, f"Discarded: {count} upload{'' if count == 1 else 's'}.")
    return redirect("jobs:studio")
