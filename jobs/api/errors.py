"""One format for all errors: a stable code, a sentence for people, and the field at fault."""

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

ErrorEntry = dict[str, str | None]

# Limits on how much of a request an error repeats.
MAX_ECHO = 500
MAX_ERRORS = 50

# Retry-After where no exact time is known: work in progress ends soon; stored data must first be deleted.
SOON_SECONDS: Final = 5
LATER_SECONDS: Final = 3600
_STORED: Final = frozenset({"storage_full", "too_many_uploads"})


class UnreadableError(exceptions.ParseError):
    """A body that does not match its media type."""

    default_code = "bad_request"
    default_detail = "This request cannot be read."


class RefusedError(exceptions.APIException):
    """A value that a view refuses; `field` names it."""

    status_code = 422

    def __init__(self, code: str, sentence: str, field: str | None = None, status: int = 422) -> None:
        super().__init__(sentence, code)
        self.field = field
        self.status_code = status


def error_entry(code: str, sentence: str, field: str | None = None) -> ErrorEntry:
    """One error of a response."""
    return {"code": code, "sentence": _sentence(sentence[:MAX_ECHO]), "field": field and field[:MAX_ECHO]}


def refusal(status: int, errors: list[ErrorEntry], headers: dict[str, str] | None = None) -> Response:
    """An error response: the first error, and all of them in `errors`."""
    return Response({**errors[0], "errors": errors}, status=status, headers=headers)


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Returns None for a bug, which becomes a 500."""
    made = _answer(error)
    if made is not None:
        set_rollback()
    return made


def _answer(error: Exception) -> Response | None:
    if isinstance(error, Http404 | exceptions.NotFound) or is_gone(error):
        return refusal(404, [error_entry("not_found", "Not found, or it belongs to another account.")])
    if isinstance(error, exceptions.ValidationError):
        return refusal(422, list(islice(_flatten(error.detail), MAX_ERRORS)))
    if isinstance(error, exceptions.APIException):
        return _framework_error(error)
    if isinstance(error, RecipeError):
        field = error.field if error.field in {"recipe", "preset"} else f"recipe.{error.field}"
        return refusal(422, [error_entry(error.code, error.sentence, field)])
    if isinstance(error, PictureError):
        return refusal(422, [error_entry(error.code, error.sentence)])
    if isinstance(error, SiteError):
        about = error_entry(error.code, error.sentence, getattr(error, "field", None))
        return refusal(error.status, [about], _retry(error))
    if isinstance(error, StoreUnavailableError):
        logger.error("The file store is unavailable: %s", error)
        return refusal(503, [error_entry(error.code, error.sentence)], {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent):
        return refusal(413, [error_entry("too_many_bytes", "The request is too large.")])
    if isinstance(error, SuspiciousOperation):
        return refusal(400, [error_entry("bad_request", "This request cannot be read.")])
    return None


def _framework_error(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if (scheme := getattr(error, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = str(scheme)
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", None) or 1)))
        sentence = f"Too many requests. Try again in {headers['Retry-After']} s."
        return refusal(429, [error_entry("too_many_requests", sentence)], headers)
    code = error.get_codes()
    detail = error.detail
    return refusal(
        error.status_code, [error_entry(str(code), str(detail), getattr(error, "field", None))], headers
    )


def _retry(error: SiteError) -> dict[str, str]:
    if error.status != 429:
        return {}
    if (resets_at := getattr(error, "resets_at", None)) is not None:
        return {"Retry-After": str(max(1, round((resets_at - timezone.now()).total_seconds())))}
    return {"Retry-After": str(LATER_SECONDS if error.code in _STORED else SOON_SECONDS)}


def _flatten(detail: Any, path: str = "") -> Iterator[ErrorEntry]:
    """Flattens nested validation errors; fields become paths such as `recipe.format` or `uploads.0`."""
    if isinstance(detail, dict):
        for name, part in detail.items():
            below = path if name == "non_field_errors" else f"{path}.{name}" if path else str(name)
            yield from _flatten(part, below)
    elif isinstance(detail, list):
        for number, part in enumerate(detail):
            nested = isinstance(part, dict | list)
            yield from _flatten(part, f"{path}.{number}" if nested and path else path)
    else:
        yield error_entry(getattr(detail, "code", "invalid"), str(detail), path or None)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
