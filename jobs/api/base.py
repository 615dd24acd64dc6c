"""The base view of the API: authentication and scopes, lookup of the user's own objects, response headers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.models import ApiToken, User
from jobs import selectors
from jobs.api import errors, preconditions, throttling
from jobs.api.negotiation import DefaultJSONRenderer
from jobs.api.parsers import StrictJSONParser
from jobs.api.throttling import Budget, RateLimit
from jobs.models import Job, Picture, Upload

_STORES_NOTHING = {"GET", "HEAD", "DELETE"}


class ApiView(APIView):
    """Base class of all API views. `tag` is the heading in the documentation."""

    tag: ClassVar[str] = ""
    # Whether a request here stores something that outlives the response. Ephemeral tokens may not call such
    # views.
    stores_data: ClassVar[bool] = True
    # Whether the schema lists If-Match for POST.
    conditional_post: ClassVar[bool] = False
    required_scope: ClassVar[dict[str, str]] = {
        "GET": "read",
        "POST": "submit",
        "PUT": "submit",
        "PATCH": "submit",
        "DELETE": "delete",
    }
    parser_classes: Sequence[type[BaseParser]] = (StrictJSONParser,)
    throttle_classes: Sequence[type[BaseThrottle]] = (RateLimit,)
    content_negotiation_class = DefaultJSONRenderer
    http_method_names: list[str] = ["get", "post", "put", "patch", "delete", "head"]  # noqa: RUF012  # Django's
    # Remaining quotas for the RateLimit headers. Set by the throttle, and by views that spend another quota.
    budgets: Sequence[Budget] = ()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """All errors have one format."""
        return errors.answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Answers 405 for an unknown method before scopes are checked."""
        if (request.method or "") not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        self._refuse_ephemeral(request)
        if preconditions.has_condition(request):
            preconditions.lock_user(self.user.pk or 0)
            if not self._is_repeated():
                preconditions.check(request, self.tags(request, *args, **kwargs))

    def _is_repeated(self) -> bool:
        """Whether a stored response for this Idempotency-Key exists. Its precondition held the first time."""
        from jobs.api import idempotent  # imports this module

        return idempotent.replay(self) is not None

    def _refuse_ephemeral(self, request: Request) -> None:
        if self.stores_data and self.token and self.token.ephemeral and request.method not in _STORES_NOTHING:
            raise PermissionDenied(
                "An ephemeral token stores nothing. Send single pictures to /v1.0/removebg or /api/remove.",
                "ephemeral_token",
            )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Runs a conditional request in one transaction; an error response rolls it back."""
        if not preconditions.has_condition(request):
            return super().dispatch(request, *args, **kwargs)
        with preconditions.one_transaction():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """The ETags that If-Match may name: by default the ETag of a GET of this URL.

        None stands for an object that does not exist (yet). Raises Http404 if the request itself will get a
        404.
        """
        represent = getattr(self, "get", None)
        tag = preconditions.etag_of(partial(represent, request, *args, **kwargs)) if represent else None
        if tag is None and represent and request.method != "PUT":
            raise Http404
        return [tag]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Adds the RateLimit headers, and marks the response as private and to be revalidated."""
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        for name, value in throttling.headers(self.budgets).items():
            final.headers.setdefault(name, value)
        final.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(final, ["Authorization", "Cookie"])
        return final

    @property
    def user(self) -> User:
        """The authenticated user."""
        return cast(User, self.request.user)

    @property
    def token(self) -> ApiToken | None:
        """The request's API token; None for a browser session."""
        return self.request.auth if isinstance(self.request.auth, ApiToken) else None

    def job(self, job: UUID) -> Job:
        """The user's own job, with its counts. Raises Http404 for any other."""
        try:
            return selectors.job_of(self.user, job)
        except Job.DoesNotExist as error:
            raise Http404 from error

    def picture(self, picture: UUID) -> Picture:
        """The user's own picture, with its rendition and job. Raises Http404 for any other."""
        try:
            return selectors.picture_of(self.user, picture)
        except Picture.DoesNotExist as error:
            raise Http404 from error

    def upload(self, upload: UUID) -> Upload:
        """The user's own upload. Raises Http404 for any other."""
        try:
            return Upload.objects.for_user(self.user).get(pk=upload)
        except Upload.DoesNotExist as error:
            raise Http404 from error

    def url(self, name: str, *args: object) -> str:
        """The absolute URL of an API route."""
        return self.request.build_absolute_uri(reverse(f"api:{name}", args=args))

    def serialize(self, serializer: type[BaseSerializer[Any]], value: Any, *, many: bool = False) -> Any:
        """A value in its JSON representation."""
        return serializer(value, many=many, context={"request": self.request}).data

    def read(self, serializer: type[BaseSerializer[Any]], data: object = None) -> dict[str, Any]:
        """Validates the request's body, or `data`, with a serializer. Raises ValidationError."""
        form = serializer(data=self.request.data if data is None else data, context={"request": self.request})
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)
