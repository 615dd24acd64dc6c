"""Parsers: strict JSON, which refuses what cannot be stored or echoed, and multipart forms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http.multipartparser import MultiPartParserError
from rest_framework.parsers import DataAndFiles, JSONParser
from rest_framework.parsers import MultiPartParser as FrameworkParser
from rest_framework.request import Request

from jobs.api.errors import RefusedError, UnreadableError
from jobs.multipart import MultiPartParser


class StrictJSONParser(JSONParser):
    """Accepts a UTF-8 object of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes, without NaN, lone surrogates or
    NUL.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object. Raises UnreadableError, RefusedError, RequestDataTooBig."""
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise RequestDataTooBig
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
            # Half of a surrogate pair is not a character: it can be neither stored nor echoed.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
            has_nul = b"\\u0000" in body and _holds_nul(value)
        except RecursionError as error:
            raise UnreadableError("This JSON is nested too deeply.") from error
        except ValueError as error:
            raise UnreadableError("Send JSON in UTF-8.") from error
        if not isinstance(value, dict):
            raise UnreadableError("Send a JSON object.")
        if has_nul:
            raise RefusedError("nul_character", "Text must not contain the NUL character.")
        return value


class FormParser(FrameworkParser):
    """Multipart forms, parsed as everywhere on the site."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles[Any, Any]:
        """The fields and the files. Raises UnreadableError."""
        context = parser_context or {}
        request: Request = context["request"]
        encoding = context.get("encoding", settings.DEFAULT_CHARSET)
        meta = {**request.META, "CONTENT_TYPE": media_type}
        try:
            fields, files = MultiPartParser(meta, stream, request.upload_handlers, encoding).parse()
        except MultiPartParserError as error:
            raise UnreadableError(f"This multipart form cannot be read: {error}") from error
        return DataAndFiles(fields, files)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\0" in value
