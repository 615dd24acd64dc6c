"""Shares: list, create and revoke them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.pagination import PARAMETERS, keyset, page_response
from jobs.api.serializers.common import page_schema
from jobs.api.serializers.shares import NewShare, RevokedSerializer, ShareSerializer
from jobs.models import Share
from jobs.selectors import shares as selectors
from jobs.services import shares


class ShareApiView(ApiView):
    """Base class of the views of shares.

    Publishing has a scope of its own: with `submit` alone, a program that cannot read results could share
    them with itself.
    """

    tag = "shares"
    required_scope: ClassVar[dict[str, str]] = {"GET": "read", "POST": "share", "DELETE": "share"}

    def share(self, share: UUID) -> Share:
        """The user's own share. Raises Http404 for any other."""
        try:
            return selectors.share_of(self.user, share)
        except Share.DoesNotExist as error:
            raise Http404 from error


class SharesView(ShareApiView):
    """Shares."""

    @extend_schema(
        operation_id="shares",
        summary="Your shares",
        parameters=PARAMETERS,
        responses=page_schema(ShareSerializer),
    )
    def get(self, request: Request) -> Response:
        """All shares, newest first, including those that ended within the last 90 days."""
        page = keyset(selectors.shares_of(self.user), request)
        return Response(page_response(request, page, self.serialize(ShareSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="share_create",
        summary="Share results by link",
        request=NewShare,
        responses={201: ShareSerializer},
    )
    def post(self, request: Request) -> Response:
        """Whoever has the `link` sees the newest result of each picture, without an account, until it expires
        or you revoke it.
        """
        given = self.read(NewShare)
        job = self.job(given.pop("job"))
        made = shares.create(self.user, job, given.pop("pictures", None), **given)
        return Response(
            self.serialize(ShareSerializer, self.share(made.pk)),
            status=201,
            headers={"Location": self.url("share", made.pk), "Cache-Control": "no-store"},
        )


class ShareView(ShareApiView):
    """One share."""

    @extend_schema(operation_id="share", summary="A share", responses=ShareSerializer)
    def get(self, request: Request, share_id: UUID) -> Response:
        """The share with its link and counts."""
        return Response(self.serialize(ShareSerializer, self.share(share_id)))

    @extend_schema(
        operation_id="share_revoke",
        summary="Revoke a share",
        responses={204: OpenApiResponse(description="The link no longer works.")},
    )
    def delete(self, request: Request, share_id: UUID) -> Response:
        """End the share at once. It stays in the list for a while, with the state `revoked`."""
        shares.revoke(self.share(share_id))
        return Response(status=204)


class SharesRevokeView(ShareApiView):
    """Revoke all shares."""

    stores_data = False

    @extend_schema(
        operation_id="shares_revoke",
        summary="Revoke all shares",
        request=None,
        responses={200: RevokedSerializer},
    )
    def post(self, request: Request) -> Response:
        """End all live shares at once. Returns how many."""
        return Response({"revoked": shares.revoke_all(self.user)})
