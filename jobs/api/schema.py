"""The OpenAPI schema: what drf-spectacular cannot find out by itself."""

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
    "401": "No token, or one that is unknown, expired or revoked.",
    "403": "The token lacks the scope, or is not allowed from this address.",
    "404": "Not found, or it belongs to another account.",
    "409": "Not possible in the current state.",
    "412": "The condition in `If-Match` does not hold. Nothing was changed.",
    "413": "The request is too large.",
    "415": "The media type is not supported here.",
    "422": "A value is not valid: `field` names it.",
    "429": "Too many requests, or the quota is used up. `Retry-After` says when to come back.",
    "503": "The file store is unavailable. Try again after `Retry-After` seconds.",
}
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    OpenApiParameter.HEADER,
    description=(
        "A unique key for this request, such as a UUID. Repeating the request with the same key within a day "
        "returns the first response and has no further effect. A different request with the key is refused."
    ),
)
IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    {"type": "string"},
    OpenApiParameter.HEADER,
    description="Proceed only if this is the current ETag, as a GET of this URL returns it; otherwise 412.",
)
WAIT: Final = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    description="Long polling: respond when it is done, or after this many seconds.",
)


class RefusalPart(serializers.Serializer[Any]):
    """One error."""

    code = serializers.CharField(help_text="A stable code, for programs.")
    sentence = serializers.CharField(help_text="A message for people: what is wrong and what to do.")
    field = serializers.CharField(
        allow_null=True, help_text="The field at fault, for example `recipe.format`."
    )


class Refusal(RefusalPart):
    """An error response: the first error, and all of them in `errors`."""

    errors = RefusalPart(many=True)  # type: ignore[assignment]  # the metaclass makes a field of it


class Schema(AutoSchema):
    """Adds the error responses of each operation, and groups operations by resource."""

    def get_tags(self) -> list[str]:
        """The view's heading."""
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
        """If-Match, for operations that support it."""
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
    """`Authorization: Bearer SECRET`. `Token` in place of `Bearer` works too."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The OpenAPI security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token. `Authorization: Token SECRET` is the same.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Not listed in the schema: browsers send the session cookie by themselves, programs use tokens."""

    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The OpenAPI security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
