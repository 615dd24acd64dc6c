"""One shape for every refusal: a stable code, a sentence for a person, and the field that is to blame."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.core.exceptions import (
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from common.errors import SiteError
from jobs.gone import is_gone
from jobs.middleware import RETRY_SECONDS
from jobs.storage import StoreUnavailableError
from segmentation.errors import PictureError, RecipeError

logger = logging.getLogger(__name__)

Said = dict[str, str | None]

# What a request says is not said back to it at any length.
LONGEST = 500
MOST = 50

# When to come back where nobody can tell: what is on its way is soon done, what is kept has to be deleted.
SOON_SECONDS: Final = 5
LATER_SECONDS: Final = 3600
_KEPT: Final = frozenset({"storage_full", "too_many_uploads"})


class UnreadableError(exceptions.ParseError):
    """A body that is not what its media type says."""

    default_code = "bad_request"
    default_detail = "This request cannot be read."


class RefusedError(exceptions.APIException):
    """A value that cannot be, found by a view: `field` names it."""

    status_code = 422

    def __init__(self, code: str, sentence: str, field: str | None = None, status: int = 422) -> None:
        super().__init__(sentence, code)
        self.field = field
        self.status_code = status


def said(code: str, sentence: str, field: str | None = None) -> Said:
    """One refusal as it goes over the wire."""
    return {"code": code, "sentence": _sentence(sentence[:LONGEST]), "field": field and field[:LONGEST]}


def refusal(status: int, errors: list[Said], headers: dict[str, str] | None = None) -> Response:
    """The answer: the first refusal, and all of them in `errors`."""
    return Response({**errors[0], "errors": errors}, status=status, headers=headers)


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """What an exception of a view is answered with; None for a fault of ours, which is a 500."""
    made = _answer(error)
    if made is not None:
        set_rollback()
    return made


def _answer(error: Exception) -> Response | None:
    if isinstance(error, Http404 | exceptions.NotFound) or is_gone(error):
        return refusal(404, [said("not_found", "There is no such thing, or it is not yours.")])
    if isinstance(error, exceptions.ValidationError):
        return refusal(422, list(islice(_flat(error.detail), MOST)))
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, RecipeError):
        field = error.field if error.field in {"recipe", "preset"} else f"recipe.{error.field}"
        return refusal(422, [said(error.code, error.sentence, field)])
    if isinstance(error, PictureError):
        return refusal(422, [said(error.code, error.sentence)])
    if isinstance(error, SiteError):
        about = said(error.code, error.sentence, getattr(error, "field", None))
        return refusal(error.status, [about], _retry(error))
    if isinstance(error, StoreUnavailableError):
        logger.error("the store is away: %s", error)
        return refusal(503, [said(error.code, error.sentence)], {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return refusal(413, [said("too_many_bytes", "This is more than can be sent at once.")])
    if isinstance(error, SuspiciousOperation):
        return refusal(400, [said("bad_request", "This request cannot be read.")])
    return None


def _of_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if (scheme := getattr(error, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = str(scheme)
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", None) or 1)))
        sentence = f"That is too much at once. Try again in {headers['Retry-After']} s."
        return refusal(429, [said("too_many_requests", sentence)], headers)
    code = error.get_codes()
    detail = error.detail
    return refusal(error.status_code, [said(str(code), str(detail), getattr(error, "field", None))], headers)


def _retry(error: SiteError) -> dict[str, str]:
    if error.status != 429:
        return {}
    if (resets_at := getattr(error, "resets_at", None)) is not None:
        return {"Retry-After": str(max(1, round((resets_at - timezone.now()).total_seconds())))}
    return {"Retry-After": str(LATER_SECONDS if error.code in _KEPT else SOON_SECONDS)}


def _flat(detail: Any, path: str = "") -> Iterator[Said]:
    """Every refusal of nested ones, its field as `recipe.format` or `uploads.0`."""
    if isinstance(detail, dict):
        for name, part in detail.items():
            below = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            yield from _flat(part, below)
    elif isinstance(detail, list):
        for number, part in enumerate(detail):
            nested = isinstance(part, dict | list)
            yield from _flat(part, f"{path}.{number}" if nested and path else path)
    else:
        yield said(getattr(detail, "code", "invalid"), str(detail), path or None)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
