"""Renditions: other recipes for a finished matte, without running the model. Also corrected mattes."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import names, selectors
from jobs.api import preconditions
from jobs.api.base import ApiView
from jobs.api.endpoints.pictures import ANY_PICTURE, file_schema
from jobs.api.errors import UnreadableError
from jobs.api.files import file_etag, file_response
from jobs.api.idempotent import once
from jobs.api.long_polling import Pending, mark_pending, wait_seconds
from jobs.api.pagination import PARAMETERS, keyset, page_response
from jobs.api.parsers import FormParser
from jobs.api.schema import IDEMPOTENCY_KEY, WAIT
from jobs.api.serializers.common import page_schema
from jobs.api.serializers.pictures import MatteSerializer, PictureSerializer
from jobs.api.serializers.rendition_requests import MatteFile, NewRendition, RenditionStatus
from jobs.errors import WrongStateError
from jobs.long_polling import wait_made
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.selectors.hidden import refuse_hidden
from jobs.services import downloads, presets, rendition_requests
from segmentation.recipe import Recipe


class PictureRenditionsView(ApiView):
    """Renditions of a picture."""

    tag = "renditions"

    @extend_schema(
        operation_id="picture_renditions",
        summary="Renditions of a picture",
        parameters=PARAMETERS,
        responses=page_schema(RenditionStatus),
    )
    def get(self, request: Request, picture_id: UUID) -> Response:
        """The finished renditions, newest first."""
        rows = Rendition.objects.filter(picture=self.picture(picture_id)).select_related("matte")
        page = keyset(rows, request)
        return Response(page_response(request, page, self.serialize(RenditionStatus, page.items, many=True)))

    @extend_schema(
        operation_id="rendition_create",
        summary="Create a rendition",
        request=NewRendition,
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={200: RenditionStatus, 202: RenditionStatus},
    )
    def post(self, request: Request, picture_id: UUID) -> Response:
        """Render a matte with another recipe; no model runs. 200: the rendition exists, or was made within
        `wait`.
        202: it is in progress; poll `url`. The same recipe for the same matte is always one rendition,
        however often you request it.
        """
        wait_seconds(request._request)
        picture = refuse_hidden(self.picture(picture_id))
        return with_pending(self, once(self, lambda: self._render(picture)))

    def _render(self, picture: Picture) -> Response:
        given = self.read(NewRendition)
        matte = self._matte(picture, given.get("revision"))
        base = presets.ground(self.user, given["preset"]) if given.get("preset") else {}
        recipe = rendition_requests.recipe_for(picture, base, given.get("recipe", {}))
        return answer(self, rendition_requests.render(picture, matte, recipe))

    def _matte(self, picture: Picture, revision: int | None) -> Matte:
        if revision is None:
            newest = selectors.newest_matte(picture)
            if newest is None:
                raise WrongStateError(
                    "no_matte", "This picture has no matte yet. Wait until the picture is done."
                )
            return newest
        found = Matte.objects.filter(picture=picture, revision=revision).first()
        if found is None:
            raise Http404
        return found


class RenditionView(ApiView):
    """One rendition."""

    tag = "renditions"

    @extend_schema(
        operation_id="rendition",
        summary="A rendition",
        parameters=[WAIT],
        responses=RenditionStatus,
    )
    def get(self, request: Request, rendition_id: UUID) -> Response:
        """The rendition's state. With `wait`, the response comes when it is made or has failed."""
        wait_seconds(request._request)
        return with_pending(self, Response(self.serialize(RenditionStatus, rendition_of(self, rendition_id))))


class RenditionFileView(ApiView):
    """A rendition's file."""

    tag = "renditions"

    @extend_schema(operation_id="rendition_file", summary="The file", responses=file_schema(*ANY_PICTURE))
    def get(self, request: Request, rendition_id: UUID) -> HttpResponseBase:
        """The file; 404 until it is made."""
        row = rendition_of(self, rendition_id)
        if isinstance(row, RenditionRequest):
            raise Http404
        refuse_hidden(row.picture)
        name = names.with_extension(row.picture.name, row.extension)
        response = file_response(request, row.key, media_type=row.media_type, name=name)
        if request.method == "GET":
            downloads.note([row.picture])
        return response


class PictureMattesView(ApiView):
    """Mattes of a picture."""

    tag = "mattes"
    conditional_post: ClassVar[bool] = True
    parser_classes = (FormParser,)

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """The ETags of the list, of the picture and of the newest matte's file. A client may use any of them.

        None is valid while another correction is in progress, because none of them reflects it yet.
        """
        picture = self.picture(kwargs["picture_id"])
        if rendition_requests.is_being_corrected(picture):
            return [None]
        newest = selectors.newest_matte(picture)
        return [
            *super().tags(request, *args, **kwargs),
            preconditions.etag_of(lambda: Response(self.serialize(PictureSerializer, picture))),
            file_etag(newest.key) if newest else None,
        ]

    @extend_schema(
        operation_id="picture_mattes",
        summary="Mattes of a picture",
        parameters=PARAMETERS,
        responses=page_schema(MatteSerializer),
    )
    def get(self, request: Request, picture_id: UUID) -> Response:
        """The mattes, newest revision first."""
        page = keyset(Matte.objects.filter(picture=self.picture(picture_id)), request)
        return Response(page_response(request, page, self.serialize(MatteSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="matte_create",
        summary="Send a corrected matte",
        request={"multipart/form-data": MatteFile},
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={200: RenditionStatus, 202: RenditionStatus},
    )
    def post(self, request: Request, picture_id: UUID) -> Response:
        """Add a revision, and render it with the recipe of the newest result. Earlier revisions stay.
        202: it is in progress; poll `url`. 200: it was made within `wait`.
        """
        wait_seconds(request._request)
        picture = refuse_hidden(self.picture(picture_id))
        return with_pending(self, once(self, lambda: self._correct(request, picture)))

    def _correct(self, request: Request, picture: Picture) -> Response:
        file = cast(Any, request.FILES).get("file")
        if not isinstance(file, UploadedFile) or file.size is None:
            raise UnreadableError("Send the matte as field “file” of a multipart form.")
        base = Recipe.stored(picture.rendition.recipe if picture.rendition else picture.job.recipe).as_dict()
        recipe = rendition_requests.recipe_for(picture, base, {})
        return answer(self, rendition_requests.correct(picture, cast(Any, file), file.size, recipe=recipe))


class MatteFileView(ApiView):
    """A matte's file."""

    tag = "mattes"

    @extend_schema(operation_id="matte_file", summary="The file", responses=file_schema("image/png"))
    def get(self, request: Request, matte_id: UUID) -> HttpResponseBase:
        """A greyscale PNG of the source's size."""
        matte = (
            Matte.objects.filter(picture__user=self.user, pk=matte_id).select_related("picture__job").first()
        )
        if matte is None:
            raise Http404
        refuse_hidden(matte.picture)
        name = f"{names.with_extension(matte.picture.name, 'matte')}.png"
        return file_response(request, matte.key, media_type="image/png", name=name)


def rendition_of(view: ApiView, rendition: UUID) -> Rendition | RenditionRequest:
    """The user's rendition, finished or in progress. Raises Http404 for any other."""
    # Look for the request first: if it is fulfilled between the two queries, the second finds the rendition.
    rendition_request = rendition_requests.open_rendition_request(view.user.pk, rendition)
    if rendition_request is not None:
        return rendition_request
    made = (
        Rendition.objects.filter(picture__user=view.user, pk=rendition)
        .select_related("matte", "picture__job")
        .first()
    )
    if made is None:
        raise Http404
    return made


def answer(view: ApiView, row: Rendition | RenditionRequest) -> Response:
    """200 for a finished rendition, 202 for one in progress."""
    status = 202 if isinstance(row, RenditionRequest) else 200
    return Response(
        view.serialize(RenditionStatus, row),
        status=status,
        headers={"Location": view.url("rendition", row.pk)},
    )


def with_pending(view: ApiView, response: Response) -> Response:
    """The response, with what long polling needs to wait for the rendition."""
    rendition = UUID(str(response.data["id"]))
    return mark_pending(
        response,
        Pending(
            lambda seconds: wait_made(rendition, seconds),
            lambda: view.serialize(RenditionStatus, rendition_of(view, rendition)),
            lambda body: bool(body["state"] == "done"),
        ),
    )
