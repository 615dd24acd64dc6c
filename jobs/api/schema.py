"""The OpenAPI schema: what drf-spectacular finds out by itself, and what it cannot know."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from jobs.api.fields import StrictSerializer

REFUSALS: Final = {
    "400": "The request cannot be read.",
    "401": "No token, or one that does not open: unknown, expired or revoked.",
    "403": "The token lacks the scope, or may not come from here.",
    "404": "There is no such thing, or it is somebody else's.",
    "409": "Not in its present state.",
    "412": "It is not as the condition in `If-Match` says. Nothing was changed.",
    "413": "More than can be sent at once.",
    "415": "Not in this media type.",
    "422": "A value that cannot be: `field` names it.",
    "429": "Too many requests, or the quota is used up. `Retry-After` says when to come back.",
    "503": "The file store is away. Come back after `Retry-After`.",
}
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    OpenApiParameter.HEADER,
    description=(
        "A word of yours for this request, such as a UUID. The same request with the same word within a day "
        "is answered as the first one was, and makes nothing anew; another request with it is refused."
    ),
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="Do it only if this is still the ETag that a GET of this address answers with; else 412.",
)
WAIT: Final = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    description="Answer when it is done, at the latest after so many seconds.",
)


class RefusalPart(serializers.Serializer[Any]):
    """One refusal."""

    code = serializers.CharField(help_text="Stable, for programs.")
    sentence = serializers.CharField(help_text="For people: what is wrong, and what to do.")
    field = serializers.CharField(
        allow_null=True, help_text="The field that is to blame, as `recipe.format`."
    )


class Refusal(RefusalPart):
    """Why not: the first refusal, and all of them."""

    errors = RefusalPart(many=True)  # type: ignore[assignment]  # the metaclass makes a field of it


class Schema(AutoSchema):
    """Adds what every operation may answer, and sorts operations by the thing that they are about."""

    def get_tags(self) -> list[str]:
        """The view's own heading."""
        return [getattr(self.view, "tag", "") or "api"]

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema: Any = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        return (
            {**schema, "additionalProperties": False} if isinstance(serializer, StrictSerializer) else schema
        )

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            if status not in bodies:
                body = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    Refusal, status, ["application/json"], direction
                )
                body["description"] = REFUSALS[status]
                bodies[status] = body
        return dict(sorted(bodies.items()))

    def get_override_parameters(self) -> list[Any]:
        """A condition, where there is a thing that may have changed."""
        return [IF_MATCH] if self._is_conditional() else []

    def _is_conditional(self) -> bool:
        return self.method in {"PUT", "PATCH", "DELETE"} or (
            self.method == "POST" and getattr(self.view, "conditional_post", False)
        )

    def _refusals(self) -> list[str]:
        statuses = ["400", "401", "403", "429", "503"]
        if "{" in self.path:
            statuses.append("404")
        if self._is_conditional():
            statuses.append("412")
        if self.method in {"POST", "PUT", "PATCH"}:
            statuses += ["409", "413", "415", "422"]
        elif any(one is not IF_MATCH for one in self.get_override_parameters()):
            statuses.append("422")
        return statuses


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer SECRET`; `Token` instead of `Bearer` is the same."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI says it."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token. `Authorization: Token SECRET` is the same.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Left out: a browser that is signed in sends its cookie by itself, programs use tokens."""

    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """As OpenAPI says it."""
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
