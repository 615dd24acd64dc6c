"""Uploads: start gives a target, the bytes go there, finish checks them."""

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
    """Files on their way in."""

    tag = "uploads"

    @extend_schema(
        operation_id="upload_start",
        summary="Announce a file",
        request=UploadStart,
        parameters=[IDEMPOTENCY_KEY],
        responses={201: UploadStarted},
    )
    def post(self, request: Request) -> Response:
        """Announce a file. The answer's `target` says where its bytes go: a multipart form of its `fields`,
        then the file as field `file`. Where the target is this site, send your token along."""
        return once(self, lambda: self._start(request))

    def _start(self, request: Request) -> Response:
        given = self.read(UploadStart)
        by_program = self.token is not None
        upload = uploads.start(self.user, given["name"], given["size"], by_program=by_program)
        own = self.url("upload-body", upload.pk)
        target = storage.upload_target(upload.pk, uploads.most(upload), own).as_dict()
        body = {**self.shown(UploadSerializer, upload), "target": target}
        body["finish_url"] = self.url("upload-finish", upload.pk)
        return Response(body, status=201, headers={"Location": self.url("upload", upload.pk)})


class UploadView(ApiView):
    """One file on its way in."""

    tag = "uploads"
    # Nothing is deleted that was ever part of anything: who sent it may take it back.
    required_scope: ClassVar[dict[str, str]] = {**ApiView.required_scope, "DELETE": "submit"}

    @extend_schema(operation_id="upload", summary="How an upload stands", responses=UploadSerializer)
    def get(self, request: Request, upload_id: UUID) -> Response:
        """How an upload stands."""
        return Response(self.shown(UploadSerializer, self.upload(upload_id)))

    @extend_schema(
        operation_id="upload_discard",
        summary="Discard an upload",
        responses={
            204: OpenApiResponse(description="Gone with its bytes."),
            409: OpenApiResponse(Refusal, description=REFUSALS["409"]),
        },
    )
    def delete(self, request: Request, upload_id: UUID) -> Response:
        """Take a file back that is in no job, with its bytes. What is in one goes with its picture."""
        upload = self.upload(upload_id)
        if not upload_resume.discard(self.user, [upload.pk]):
            raise WrongStateError(
                "upload_submitted", "This upload is in a job: delete its picture, or the job, instead."
            )
        return Response(status=204)


class UploadBodyView(ApiView):
    """Where the bytes go on a site without a store of its own."""

    tag = "uploads"
    parser_classes = (FormParser,)

    @extend_schema(
        operation_id="upload_body",
        summary="Send the bytes",
        request={"multipart/form-data": UploadBody},
        responses={204: OpenApiResponse(description="They are here.")},
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """The bytes, as field `file`. Take the address from the upload's `target`: it may be another host."""
        upload = self.upload(upload_id)
        file = cast(Any, request.FILES).get("file")
        if not isinstance(file, UploadedFile) or file.size is None:
            raise UnreadableError("Send the picture as field “file” of a multipart form.")
        uploads.receive(upload, cast(Any, file), file.size)
        return Response(status=204)


class UploadFinishView(ApiView):
    """The end of an upload."""

    tag = "uploads"

    @extend_schema(
        operation_id="upload_finish",
        summary="Check what arrived",
        request=None,
        responses={200: UploadSerializer},
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        """Check what arrived: the upload is then `uploaded`, or `refused` with an `error` that says why.
        A refused one may still be submitted, and is then a failed picture. Doing it twice changes nothing."""
        upload: Upload = uploads.finish(self.upload(upload_id))
        return Response(self.shown(UploadSerializer, upload))
