"""Uploads: start returns a target, the client sends the bytes there, finish validates them."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import storage
from jobs.api.base import ApiView
from jobs.api.errors import UnreadableError
from jobs.api.idempotent import once
from jobs.api.parsers import FormParser
from jobs.api.schema import IDEMPOTENCY_KEY, REFUSALS, Refusal
from jobs.api.serializers.uploads import UploadBody, UploadSerializer, UploadStart, UploadStarted
from jobs.errors import WrongStateError
from jobs.models import Upload
from jobs.services import upload_resume, uploads


class UploadsView(ApiView):
    """Uploads."""

    tag = "uploads"

    @extend_schema(
        operation_id="upload_start",
        summary="Announce a file",
        request=UploadStart,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: UploadStarted},
    )
    def post(self, request: Request) -> Response:
        """Announce a file. The response's `target` says where to send it: a multipart form with its `fields`,
        then the file as field `file`. If the target is on this site, send your token as well.
        """
        return once(self, lambda: self._start(request))

    def _start(self, request: Request) -> Response:
        given = self.read(UploadStart)
        by_program = self.token is not None
        upload = uploads.start(self.user, given["name"], given["size"], by_program=by_program)
        own = self.url("upload-body", upload.pk)
        target = storage.upload_target(upload.pk, uploads.max_bytes(upload), own).as_dict()
        body = {**self.serialize(UploadSerializer, upload), "target": target}
        body["finish_url"] = self.url("upload-finish", upload.pk)
        return Response(body, status=201, headers={"Location": self.url("upload", upload.pk)})


class UploadView(ApiView):
    """One upload."""

    tag = "uploads"
    # An upload belongs to no job yet, so whoever may submit may also discard it.
    required_scope: ClassVar[dict[str, str]] = {**ApiView.required_scope, "DELETE": "submit"}

    @extend_schema(operation_id="upload", summary="An upload", responses=UploadSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        """The upload's state."""
        return Response(self.serialize(UploadSerializer, self.upload(upload_id)))

    @extend_schema(
        operation_id="upload_discard",
        summary="Discard an upload",
        responses={
            204: OpenApiResponse(description="Deleted with its bytes."),
            409: OpenApiResponse(Refusal, description=REFUSALS["409"]),
        },
    )
    def delete(self, request: Request, upload_id: UUID) -> Response:
        """Discard a file that is in no job, with its bytes. A file in a job is deleted with its picture."""
        upload = self.upload(upload_id)
        if not upload_resume.discard(self.user, [upload.pk]):
            raise WrongStateError(
                "upload_submitted", "This upload is in a job. Delete its picture or the job instead."
            )
        return Response(status=204)


class UploadBodyView(ApiView):
    """Receives the bytes on a site without an object store."""

    tag = "uploads"
    parser_classes = (FormParser,)

    @extend_schema(
        operation_id="upload_body",
        summary="Send the bytes",
        request={"multipart/form-data": UploadBody},
        responses={204: OpenApiResponse(description="Received.")},
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Send the bytes as field `file`. The URL is in the upload's `target`: it may be on another host."""
        upload = self.upload(upload_id)
        file = cast(Any, request.FILES).get("file")
        if not isinstance(file, UploadedFile) or file.size is None:
            raise UnreadableError("Send the picture as field “file” of a multipart form.")
        uploads.receive(upload, cast(Any, file), file.size)
        return Response(status=204)


class UploadFinishView(ApiView):
    """Finish an upload."""

    tag = "uploads"

    @extend_schema(
        operation_id="upload_finish",
        summary="Finish an upload",
        request=None,
        responses={200: UploadSerializer},
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Validate the bytes: the upload becomes `uploaded`, or `refused` with an `error`. A refused upload
        can still be submitted and becomes a failed picture. The call is idempotent.
        """
        upload: Upload = uploads.finish(self.upload(upload_id))
        return Response(self.serialize(UploadSerializer, upload))
