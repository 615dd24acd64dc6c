"""What every view of the API has: whose request it is, their own objects, the headers of an answer."""

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

_KEEPING_NOTHING = {"GET", "HEAD", "DELETE"}


class ApiView(APIView):
    """A view of the API. `tag`: under which heading the documentation shows it."""

    tag: ClassVar[str] = ""
    # Whether what is sent here stays after the answer; tokens that leave nothing behind may not do that.
    keeps: ClassVar[bool] = True
    # Whether the documentation says that a POST here takes If-Match.
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
    # What is left of what: set by the throttle, and by views that spend something else.
    budgets: Sequence[Budget] = ()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """One shape of refusals."""
        return errors.answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A method that there is not is said to be none before anybody's scopes are looked at."""
        if (request.method or "") not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
        self._refuse_ephemeral(request)
        if preconditions.has_condition(request):
            preconditions.take_turn(self.user.pk or 0)
            if not self._is_repeated():
                preconditions.check(request, self.tags(request, *args, **kwargs))

    def _is_repeated(self) -> bool:
        """Whether the request has an Idempotency-Key and was answered before, when its condition held."""
        from jobs.api import idempotent  # which needs this class

        return idempotent.replay(self) is not None

    def _refuse_ephemeral(self, request: Request) -> None:
        if self.keeps and self.token and self.token.ephemeral and request.method not in _KEEPING_NOTHING:
            raise PermissionDenied(
                "This token keeps nothing. Send pictures one at a time to /v1.0/removebg or /api/remove.",
                "ephemeral_token",
            )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A request with a condition is one transaction; what was refused has changed nothing."""
        if not preconditions.has_condition(request):
            return super().dispatch(request, *args, **kwargs)
        with preconditions.one_transaction():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            return response

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """The ETags that an If-Match may name: the one that a GET of this address answers with.

        None where there is nothing, or nothing yet. Raises Http404 where that is what the request will get.
        """
        represent = getattr(self, "get", None)
        tag = preconditions.tag_of(partial(represent, request, *args, **kwargs)) if represent else None
        if tag is None and represent and request.method != "PUT":
            raise Http404
        return [tag]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What is left of the minute; and that an answer is one person's, and asked for anew each time."""
        final: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        for name, value in throttling.headers(self.budgets).items():
            final.headers.setdefault(name, value)
        final.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(final, ["Authorization", "Cookie"])
        return final

    @property
    def user(self) -> User:
        """Who asks."""
        return cast(User, self.request.user)

    @property
    def token(self) -> ApiToken | None:
        """The token of the request; None where a person is signed in."""
        return self.request.auth if isinstance(self.request.auth, ApiToken) else None

    def job(self, job: UUID) -> Job:
        """The user's own job, with its counts; any other is a 404."""
        try:
            return selectors.job_of(self.user, job)
        except Job.DoesNotExist as error:
            raise Http404 from error

    def picture(self, picture: UUID) -> Picture:
        """The user's own picture, with its rendition and job; any other is a 404."""
        try:
            return selectors.picture_of(self.user, picture)
        except Picture.DoesNotExist as error:
            raise Http404 from error

    def upload(self, upload: UUID) -> Upload:
        """The user's own upload; any other is a 404."""
        try:
            return Upload.objects.for_user(self.user).get(pk=upload)
        except Upload.DoesNotExist as error:
            raise Http404 from error

    def url(self, name: str, *args: object) -> str:
        """The absolute address of one of the API's own."""
        return self.request.build_absolute_uri(reverse(f"api:{name}", args=args))

    def shown(self, serializer: type[BaseSerializer[Any]], value: Any, *, many: bool = False) -> Any:
        """A value as it goes over the wire."""
        return serializer(value, many=many, context={"request": self.request}).data

    def read(self, serializer: type[BaseSerializer[Any]], data: object = None) -> dict[str, Any]:
        """The request's body, or `data`, as the serializer takes it. Raises ValidationError."""
        form = serializer(data=self.request.data if data is None else data, context={"request": self.request})
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)
