"""A job's pictures, one picture, and its files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import names, selectors
from jobs.api.base import ApiView
from jobs.api.errors import RefusedError
from jobs.api.files import file_response
from jobs.api.pagination import PARAMETERS, keyset, page_response, position
from jobs.api.serializers.common import page_schema
from jobs.api.serializers.pictures import PictureSerializer
from jobs.models import Picture
from jobs.selectors.hidden import refuse_hidden
from jobs.services import downloads, removal, thumbnails


def file_schema(*media_types: str) -> dict[Any, Any]:
    """The schema of a response that is a file or a redirect to one."""
    found = OpenApiResponse(description="A temporary URL of the file, valid for some minutes.")
    return {(200, media_type): OpenApiTypes.BINARY for media_type in media_types} | {302: found}


ANY_PICTURE = ("image/png", "image/jpeg", "image/webp", "image/avif", "application/zip")


class JobPicturesView(ApiView):
    """The pictures of a job."""

    tag = "pictures"

    @extend_schema(
        operation_id="job_pictures",
        summary="Pictures of a job",
        parameters=[OpenApiParameter("state", str, enum=Picture.State.values), *PARAMETERS],
        responses=page_schema(PictureSerializer),
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """The pictures, in the job's order."""
        rows = Picture.objects.filter(job=self.job(job_id))
        if (state := request.query_params.get("state")) is not None:
            if state not in Picture.State.values:
                known = ", ".join(Picture.State.values)
                raise RefusedError("invalid_state", f"A picture's state is one of {known}.", "state")
            rows = rows.filter(state=state)
        page = keyset(rows, request, by="position", read=position, downwards=False)
        selectors.attach_renditions(page.items)
        return Response(
            page_response(request, page, self.serialize(PictureSerializer, page.items, many=True))
        )


class PictureView(ApiView):
    """One picture."""

    tag = "pictures"

    @extend_schema(operation_id="picture", summary="A picture", responses=PictureSerializer)
    def get(self, request: Request, picture_id: UUID) -> Response:
        """The picture's state, with its newest result."""
        return Response(self.serialize(PictureSerializer, self.picture(picture_id)))

    @extend_schema(
        operation_id="picture_delete",
        summary="Delete a picture now",
        responses={204: OpenApiResponse(description="Deleted with all its files.")},
    )
    def delete(self, request: Request, picture_id: UUID) -> Response:
        """Delete the picture now, with all its files. A job whose last picture is deleted is deleted too."""
        removal.delete_pictures([self.picture(picture_id).pk])
        return Response(status=204)


class ResultView(ApiView):
    """The newest result."""

    tag = "pictures"

    @extend_schema(
        operation_id="picture_result",
        summary="The newest result",
        responses=file_schema(*ANY_PICTURE),
    )
    def get(self, request: Request, picture_id: UUID) -> HttpResponseBase:
        """The file, named after the original; 404 if there is none yet."""
        picture = refuse_hidden(self.picture(picture_id))
        rendition = picture.rendition
        if rendition is None:
            raise Http404
        name = names.with_extension(picture.name, rendition.extension)
        response = file_response(request, rendition.key, media_type=rendition.media_type, name=name)
        if request.method == "GET":
            downloads.note([picture])
        return response


class PreviewView(ApiView):
    """A preview of the newest result."""

    tag = "pictures"

    @extend_schema(
        operation_id="picture_preview", summary="A preview of the result", responses=file_schema("image/webp")
    )
    def get(self, request: Request, picture_id: UUID) -> HttpResponseBase:
        """At most 640 pixels a side; 404 if there is no result yet."""
        picture = refuse_hidden(self.picture(picture_id))
        key = thumbnails.preview_of(picture)
        if not key:
            raise Http404
        return file_response(request, key, media_type="image/webp", name="preview.webp", download=False)


class ThumbView(ApiView):
    """A thumbnail of the source."""

    tag = "pictures"

    @extend_schema(
        operation_id="picture_thumb", summary="A thumbnail of the source", responses=file_schema("image/webp")
    )
    def get(self, request: Request, picture_id: UUID) -> HttpResponseBase:
        """At most 640 pixels a side; 404 until a worker has made it."""
        picture = refuse_hidden(self.picture(picture_id))
        key = thumbnails.thumb_of(picture)
        if not key:
            raise Http404
        return file_response(request, key, media_type="image/webp", name="thumb.webp", download=False)


class SourceView(ApiView):
    """The source file."""

    tag = "pictures"

    @extend_schema(
        operation_id="picture_source",
        summary="The source",
        responses=file_schema("application/octet-stream"),
    )
    def get(self, request: Request, picture_id: UUID) -> HttpResponseBase:
        """The file as it was uploaded."""
        picture = refuse_hidden(self.picture(picture_id))
        if not picture.source_key:
            raise Http404
        kind = "application/octet-stream"
        return file_response(request, picture.source_key, media_type=kind, name=picture.name)
