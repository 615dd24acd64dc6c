"""API tokens: create, rotate and revoke them. A token cannot create one with more rights than its own."""

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
from jobs.api.fields import StrictBooleanField, StrictCharField, StrictSerializer
from jobs.api.pagination import PARAMETERS, keyset, page_response, position
from jobs.api.serializers.common import ResponseSerializer, page_schema
from jobs.errors import WrongStateError

# A secret appears in one response only; no cache may keep it.
SECRET = {"Cache-Control": "no-store"}


class NewToken(StrictSerializer):
    """A token's name and permissions."""

    name = StrictCharField(max_length=64)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices), allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    preview_means_full = StrictBooleanField(required=False)
    ephemeral = StrictBooleanField(required=False)
    allowed_addresses = serializers.ListField(
        child=StrictCharField(max_length=64),
        required=False,
        max_length=100,
        help_text="IP addresses or networks from which the token may be used.",
    )


class TokenSerializer(ResponseSerializer):
    """A token without its secret."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The first characters of the secret.")
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
        help_text="The token that created or last rotated this one. Revoking that one revokes this one.",
    )


class TokenSecretSerializer(TokenSerializer):
    """A token with its secret, which is shown only once."""

    secret = serializers.CharField()


class TokensView(ApiView):
    """Tokens."""

    tag = "tokens"

    @extend_schema(
        operation_id="tokens",
        summary="Your tokens",
        parameters=PARAMETERS,
        responses=page_schema(TokenSerializer),
    )
    def get(self, request: Request) -> Response:
        """All tokens, newest first, including revoked ones."""
        page = keyset(ApiToken.objects.for_user(self.user), request, read=position)
        return Response(page_response(request, page, self.serialize(TokenSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="token_create",
        summary="Create a token",
        request=NewToken,
        responses={201: TokenSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        """The response holds the `secret`, which is never shown again. A token cannot create one with more
        rights than its own.
        """
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
        return Response(_with_secret(self, token, secret), status=201, headers=headers)


class TokenView(ApiView):
    """One token."""

    tag = "tokens"

    @extend_schema(operation_id="token", summary="A token", responses=TokenSerializer)
    def get(self, request: Request, token_id: int) -> Response:
        """The token's permissions, and when and from where it was last used."""
        return Response(self.serialize(TokenSerializer, _token(self, token_id)))

    @extend_schema(
        operation_id="token_revoke",
        summary="Revoke a token",
        responses={204: OpenApiResponse(description="Revoked.")},
    )
    def delete(self, request: Request, token_id: int) -> Response:
        """Revokes the token at once, with all tokens that it created, directly or indirectly. The rows stay
        as a record.
        """
        token = _token(self, token_id)
        if self.token is not None:
            delegation.check_over(self.token, token)
        tokens.revoke(token)
        return Response(status=204)


class TokenRotateView(ApiView):
    """Rotate a token's secret."""

    tag = "tokens"

    @extend_schema(
        operation_id="token_rotate",
        summary="Rotate a token",
        request=None,
        responses={200: TokenSecretSerializer},
    )
    def post(self, request: Request, token_id: int) -> Response:
        """The old secret stops working at once. Tokens that this one created stay valid. If a token rotates
        another one, the rotated token is from then on treated as its creation, and revoked with it.
        """
        token = _token(self, token_id)
        if self.token is not None:
            delegation.check_over(self.token, token)
        if not token.is_live:
            raise WrongStateError("token_over", "This token was revoked or has expired. Create another.")
        secret = tokens.rotate(token, self.token)
        return Response(_with_secret(self, token, secret), headers=SECRET)


def _token(view: ApiView, token: int) -> ApiToken:
    found = ApiToken.objects.for_user(view.user).filter(pk=token).first()
    if found is None:
        raise Http404
    return found


def _with_secret(view: ApiView, token: ApiToken, secret: str) -> dict[str, Any]:
    return {**view.serialize(TokenSerializer, token), "secret": secret}
