"""Renditions: any recipe of a finished matte, without a run of the model; and mattes, corrected by people."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common import names
from jobs import selectors
from jobs.api import preconditions
from jobs.api.base import ApiView
from jobs.api.endpoints.pictures import ANY_PICTURE, file_response
from jobs.api.errors import UnreadableError
from jobs.api.files import file_answer, file_tag
from jobs.api.idempotent import once
from jobs.api.pages import PARAMETERS, keyset, paged
from jobs.api.parsers import FormParser
from jobs.api.schema import IDEMPOTENCY_KEY, WAIT
from jobs.api.serializers.common import page_of
from jobs.api.serializers.pictures import MatteSerializer, PictureSerializer
from jobs.api.serializers.rendition_requests import MatteFile, NewRendition, RenditionStatus
from jobs.api.waiting import Pending, promised, seconds_of
from jobs.errors import WrongStateError
from jobs.long_polling import wait_made
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.services import presets, rendition_requests
from segmentation.recipe import Recipe


class PictureRenditionsView(ApiView):
    """Renditions of a picture."""

    tag = "renditions"

    @extend_schema(
        operation_id="picture_renditions",
        summary="Renditions of a picture",
        parameters=PARAMETERS,
        responses=page_of(RenditionStatus),
    )
    def get(self, request: Request, picture_id: UUID) -> Response:
        """Those that are made, the newest first."""
        rows = Rendition.objects.filter(picture=self.picture(picture_id)).select_related("matte")
        page = keyset(rows, request)
        return Response(paged(request, page, self.shown(RenditionStatus, page.items, many=True)))

    @extend_schema(
        operation_id="rendition_create",
        summary="Another rendition",
        request=NewRendition,
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={200: RenditionStatus, 202: RenditionStatus},
    )
    def post(self, request: Request, picture_id: UUID) -> Response:
        """Render a matte with another recipe; no model runs. 200: it is there, already or after the wait;
        202: it is on its way, and `url` says how it stands. One recipe of one matte is one rendition, however
        often asked for."""
        seconds_of(request._request)
        picture = self.picture(picture_id)
        return promise_of(self, once(self, lambda: self._render(picture)))

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
                raise WrongStateError("no_matte", "This picture has no matte yet: wait until it is done.")
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
        summary="How a rendition stands",
        parameters=[WAIT],
        responses=RenditionStatus,
    )
    def get(self, request: Request, rendition_id: UUID) -> Response:
        """How it stands. With `wait`: when it is made or failed."""
        seconds_of(request._request)
        return promise_of(self, Response(self.shown(RenditionStatus, rendition_of(self, rendition_id))))


class RenditionFileView(ApiView):
    """The file of a rendition."""

    tag = "renditions"

    @extend_schema(operation_id="rendition_file", summary="The file", responses=file_response(*ANY_PICTURE))
    def get(self, request: Request, rendition_id: UUID) -> HttpResponseBase:
        """The file; 404 until it is made."""
        row = rendition_of(self, rendition_id)
        if isinstance(row, RenditionRequest):
            raise Http404
        name = names.with_extension(row.picture.name, row.extension)
        return file_answer(request, row.key, media_type=row.media_type, name=name)


class PictureMattesView(ApiView):
    """Mattes of a picture."""

    tag = "mattes"
    conditional_post: ClassVar[bool] = True
    parser_classes = (FormParser,)

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """Those of the list, of the picture and of the newest matte's file, whichever the client has.

        None of them holds while another correction is on its way, which none of them shows yet.
        """
        picture = self.picture(kwargs["picture_id"])
        if rendition_requests.is_being_corrected(picture):
            return [None]
        newest = selectors.newest_matte(picture)
        return [
            *super().tags(request, *args, **kwargs),
            preconditions.tag_of(lambda: Response(self.shown(PictureSerializer, picture))),
            file_tag(newest.key) if newest else None,
        ]

    @extend_schema(
        operation_id="picture_mattes",
        summary="Mattes of a picture",
        parameters=PARAMETERS,
        responses=page_of(MatteSerializer),
    )
    def get(self, request: Request, picture_id: UUID) -> Response:
        """The newest revision first."""
        page = keyset(Matte.objects.filter(picture=self.picture(picture_id)), request)
        return Response(paged(request, page, self.shown(MatteSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="matte_create",
        summary="Send a corrected matte",
        request={"multipart/form-data": MatteFile},
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={200: RenditionStatus, 202: RenditionStatus},
    )
    def post(self, request: Request, picture_id: UUID) -> Response:
        """A new revision, and with it a new rendition by the recipe of the newest. Earlier revisions stay.
        202: it is on its way, and `url` says how it stands; 200: it was made within the wait."""
        seconds_of(request._request)
        picture = self.picture(picture_id)
        return promise_of(self, once(self, lambda: self._correct(request, picture)))

    def _correct(self, request: Request, picture: Picture) -> Response:
        file = cast(Any, request.FILES).get("file")
        if not isinstance(file, UploadedFile) or file.size is None:
            raise UnreadableError("Send the matte as field “file” of a multipart form.")
        base = Recipe.stored(picture.rendition.recipe if picture.rendition else picture.job.recipe).as_dict()
        recipe = rendition_requests.recipe_for(picture, base, {})
        return answer(self, rendition_requests.correct(picture, cast(Any, file), file.size, recipe=recipe))


class MatteFileView(ApiView):
    """The file of a matte."""

    tag = "mattes"

    @extend_schema(operation_id="matte_file", summary="The file", responses=file_response("image/png"))
    def get(self, request: Request, matte_id: UUID) -> HttpResponseBase:
        """A grey PNG of the source's size."""
        matte = Matte.objects.filter(picture__user=self.user, pk=matte_id).select_related("picture").first()
        if matte is None:
            raise Http404
        name = f"{names.with_extension(matte.picture.name, 'matte')}.png"
        return file_answer(request, matte.key, media_type="image/png", name=name)


def rendition_of(view: ApiView, rendition: UUID) -> Rendition | RenditionRequest:
    """A rendition of the user's, made or on its way; any other is a 404."""
    # The rendition request first: one that is fulfilled between the two looks is found by the second.
    rendition_request = rendition_requests.open_rendition_request(view.user.pk, rendition)
    if rendition_request is not None:
        return rendition_request
    made = (
        Rendition.objects.filter(picture__user=view.user, pk=rendition)
        .select_related("matte", "picture")
        .first()
    )
    if made is None:
        raise Http404
    return made


def answer(view: ApiView, row: Rendition | RenditionRequest) -> Response:
    """A rendition that is there, or one that is on its way."""
    status = 202 if isinstance(row, RenditionRequest) else 200
    return Response(
        view.shown(RenditionStatus, row), status=status, headers={"Location": view.url("rendition", row.pk)}
    )


def promise_of(view: ApiView, response: Response) -> Response:
    """An answer about a rendition that may come when it is made."""
    rendition = UUID(str(response.data["id"]))
    return promised(
        response,
        Pending(
            lambda seconds: wait_made(rendition, seconds),
            lambda: view.shown(RenditionStatus, rendition_of(view, rendition)),
            lambda said: bool(said["state"] == "done"),
        ),
    )
