"""API tokens: made, rotated, revoked; by a person or by a token, which never gives more than it has."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, Scope
from accounts.services import delegation, tokens
from jobs.api.base import ApiView
from jobs.api.fields import Flag, StrictCharField, StrictSerializer
from jobs.api.pages import PARAMETERS, keyset, paged, position
from jobs.api.serializers.common import Shape, page_of
from jobs.errors import WrongStateError

# A secret is told once, and kept by nobody on the way.
SECRET = {"Cache-Control": "no-store"}


class NewToken(StrictSerializer):
    """What a token shall be called, and may do."""

    name = StrictCharField(max_length=64)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    preview_means_full = Flag(required=False)
    ephemeral = Flag(required=False)
    allowed_addresses = serializers.ListField(
        child=StrictCharField(max_length=64),
        required=False,
        max_length=100,
        help_text="Addresses or networks.",
    )


class TokenSerializer(Shape):
    """A token without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How its secret begins.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry", allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_from = serializers.CharField(allow_null=True)
    preview_means_full = serializers.BooleanField()
    ephemeral = serializers.BooleanField()
    allowed_addresses = serializers.ListField(child=serializers.CharField())
    made_by = serializers.IntegerField(
        source="made_by_id",
        allow_null=True,
        help_text="The token that made it, or was told its newest secret; it is revoked with that one.",
    )


class TokenSecretSerializer(TokenSerializer):
    """A token with its secret, which nobody is told again."""

    secret = serializers.CharField()


class TokensView(ApiView):
    """Tokens."""

    tag = "tokens"

    @extend_schema(
        operation_id="tokens",
        summary="Your tokens",
        parameters=PARAMETERS,
        responses=page_of(TokenSerializer),
    )
    def get(self, request: Request) -> Response:
        """The newest first, revoked ones among them."""
        page = keyset(ApiToken.objects.for_user(self.user), request, read=position)
        return Response(paged(request, page, self.shown(TokenSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="token_create",
        summary="Make a token",
        request=NewToken,
        responses={201: TokenSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """Its `secret` is in this answer and nowhere else. A token makes none that may more than itself."""
        given = self.read(NewToken)
        if self.token is not None:
            given.setdefault("expires_at", self.token.expiry)
            given.setdefault("allowed_addresses", self.token.allowed_addresses)
            delegation.check(
                self.token,
                scopes=given["scopes"],
                expires_at=given["expires_at"],
                allowed_addresses=given["allowed_addresses"],
            )
        name, scopes = given.pop("name"), given.pop("scopes")
        token, secret = tokens.create(self.user, name, scopes, made_by=self.token, **given)
        headers = {**SECRET, "Location": self.url("token", token.pk)}
        return Response(_told(self, token, secret), status=201, headers=headers)


class TokenView(ApiView):
    """One token."""

    tag = "tokens"

    @extend_schema(operation_id="token", summary="A token", responses=TokenSerializer)
    def get(self, request: Request, token_id: int) -> Response:
        """When and from where it was last used, and what it may."""
        return Response(self.shown(TokenSerializer, _token(self, token_id)))

    @extend_schema(
        operation_id="token_revoke",
        summary="Revoke a token",
        responses={204: OpenApiResponse(description="It is worth nothing any more.")},
    )
    def delete(self, request: Request, token_id: int) -> Response:
        """At once and everywhere, with the tokens that it made and those that they made. The rows stay, so
        that it is known what they were."""
        token = _token(self, token_id)
        if self.token is not None:
            delegation.check_over(self.token, token)
        tokens.revoke(token)
        return Response(status=204)


class TokenRotateView(ApiView):
    """Another secret."""

    tag = "tokens"

    @extend_schema(
        operation_id="token_rotate",
        summary="Give a token another secret",
        request=None,
        responses={200: TokenSecretSerializer},
    )
    def post(self, request: Request, token_id: int) -> Response:
        """The old secret is worth nothing from here on. Tokens that it made stay as they are. Where a token
        rotates another, that one hangs on it from here on, as if it had made it."""
        token = _token(self, token_id)
        if self.token is not None:
            delegation.check_over(self.token, token)
        if not token.is_live:
            raise WrongStateError("token_over", "This token was revoked or has expired. Make another.")
        secret = tokens.rotate(token, self.token)
        return Response(_told(self, token, secret), headers=SECRET)


def _token(view: ApiView, token: int) -> ApiToken:
    found = ApiToken.objects.for_user(view.user).filter(pk=token).first()
    if found is None:
        raise Http404
    return found


def _told(view: ApiView, token: ApiToken, secret: str) -> dict[str, Any]:
    return {**view.shown(TokenSerializer, token), "secret": secret}
