"""Multipart forms as API clients send them: a file may lack a file name, or have one in Latin-1.

Django's parser treats a part without a file name as text, and drops a part whose headers are not UTF-8.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopFutureHandlers, StopUpload
from django.http import QueryDict
from django.http.multipartparser import (
    ChunkIter,
    InterBoundaryIter,
    LazyStream,
    MultiPartParserError,
)
from django.http.multipartparser import MultiPartParser as DjangoParser
from django.utils.datastructures import MultiValueDict

from common.part_headers import MAX_HEAD, PartHeaders, read_headers
from jobs.storage.temporary import temporary_files
from segmentation.file_names import UNNAMED

# Fields that are files even without a file name.
FILE_FIELDS: Final = frozenset({"file", "pictures"})
BASE64: Final = "base64"
Form = tuple[QueryDict, MultiValueDict[str, Any]]


class MultiPartParser(DjangoParser):
    """Django's parser with our own handling of parts. The DATA_UPLOAD_MAX_… settings apply as well."""

    # Attributes of Django's parser.
    _boundary: bytes
    _chunk_size: int
    _close_files: Callable[[], None]
    _content_length: int
    _encoding: str
    _input_data: Any
    _meta: dict[str, Any]
    _upload_handlers: list[FileUploadHandler]

    def __init__(
        self,
        META: Mapping[str, Any],  # noqa: N803  # Django's name
        input_data: Any,
        upload_handlers: Sequence[FileUploadHandler],
        encoding: str | None = None,
    ) -> None:
        kind, semicolon, parameters = str(META.get("CONTENT_TYPE", "")).partition(";")
        meta = {**META, "CONTENT_TYPE": kind.strip().lower() + semicolon + parameters}
        super().__init__(meta, input_data, list(upload_handlers), encoding)
        self._text_bytes = 0

    def _parse(self) -> Form:
        if self._content_length == 0:
            return QueryDict(encoding=self._encoding), MultiValueDict()
        for handler in self._upload_handlers:
            handled = handler.handle_raw_input(
                self._input_data,
                self._meta,
                self._content_length,
                self._boundary,  # type: ignore[arg-type]  # bytes, as Django's own parser hands it over
                self._encoding,
            )
            if handled is not None:
                return handled[0], handled[1]
        self._post = QueryDict(mutable=True)
        self._files: MultiValueDict[str, Any] = MultiValueDict()
        try:
            with temporary_files():
                self._read_parts()
        except StopUpload as error:
            self._close_files()
            if not error.connection_reset:
                exhaust(ChunkIter(self._input_data, self._chunk_size))
        else:
            exhaust(ChunkIter(self._input_data, self._chunk_size))
        any(handler.upload_complete() for handler in self._upload_handlers)  # type: ignore[func-returns-value]  # it may, says its documentation
        self._post._mutable = False
        return self._post, self._files

    def _read_parts(self) -> None:
        stream = LazyStream(ChunkIter(self._input_data, self._chunk_size))
        files = fields = 0
        for part in InterBoundaryIter(stream, b"--" + self._boundary):
            headers = _headers(part)
            if headers is not None and (headers.file_name or headers.name in FILE_FIELDS):
                # Browsers send an empty part without a file name where no file was chosen.
                if not headers.file_name and _is_empty(part):
                    continue
                files += 1
                if files > (settings.DATA_UPLOAD_MAX_NUMBER_FILES or files):
                    raise TooManyFilesSent("The form has more files than DATA_UPLOAD_MAX_NUMBER_FILES.")
                self._read_file(headers, part)
                continue
            fields += 1
            # Plus two: the part before the first boundary and the one after the last.
            if fields > (settings.DATA_UPLOAD_MAX_NUMBER_FIELDS or fields) + 2:
                raise TooManyFieldsSent("The form has more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS.")
            if headers is not None:
                self._read_text(headers, part)
            exhaust(part)

    def _read_text(self, headers: PartHeaders, part: LazyStream) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        data = part.read(size=None if most is None else max(0, most - self._text_bytes) + 1)
        # Plus two, as for the & and = of a URL-encoded form.
        self._text_bytes += len(data) + len(headers.name) + 2
        if most is not None and self._text_bytes > most:
            raise RequestDataTooBig("The form has more text than DATA_UPLOAD_MAX_MEMORY_SIZE.")
        if headers.transfer_encoding == BASE64:
            with suppress(binascii.Error):
                data = base64.b64decode(data)
        self._post.appendlist(headers.name, data.decode(self._encoding, "replace"))

    def _read_file(self, headers: PartHeaders, part: LazyStream) -> None:
        name = self.sanitize_file_name(headers.file_name or "") or UNNAMED
        facts = (headers.content_type, headers.content_length)
        charset = headers.content_type_parameters.get("charset")
        parameters: Any = headers.content_type_parameters
        counts = [0] * len(self._upload_handlers)
        try:
            for handler in self._upload_handlers:
                try:
                    handler.new_file(headers.name, name, *facts, charset, parameters)
                except StopFutureHandlers:
                    break
            for piece in _decoded(part) if headers.transfer_encoding == BASE64 else part:
                self._feed_handlers(piece, counts)
        except SkipFile:
            self._close_files()
            exhaust(part)
        else:
            self.handle_file_complete(headers.name, counts)

    def _feed_handlers(self, piece: bytes, counts: list[int]) -> None:
        left: bytes | None = piece
        for number, handler in enumerate(self._upload_handlers):
            if left is None:
                return
            size = len(left)
            left = handler.receive_data_chunk(left, counts[number])
            counts[number] += size


def exhaust(pieces: Iterable[bytes]) -> None:
    """Read to the end and discard everything."""
    deque(pieces, maxlen=0)


def _headers(part: LazyStream) -> PartHeaders | None:
    """Parse the part's headers and leave its content in the stream; None where the part is no field."""
    start = part.read(MAX_HEAD)
    end = start.find(b"\r\n\r\n")
    if end < 0:
        if len(start) == MAX_HEAD and start.startswith(b"\r\n"):
            raise MultiPartParserError(f"A part has headers of more than {MAX_HEAD} bytes.")
        return None
    part.unget(start[end + 4 :])
    try:
        return read_headers(start[:end])
    except ValueError as error:
        raise MultiPartParserError(str(error)) from error


def _is_empty(part: LazyStream) -> bool:
    first = part.read(1)
    part.unget(first)
    return not first


def _decoded(part: LazyStream) -> Iterator[bytes]:
    """Yields the decoded content of a base64 part, four characters at a time."""
    rest = b""
    try:
        for piece in part:
            text = rest + b"".join(piece.split())
            whole = len(text) // 4 * 4
            rest = text[whole:]
            if whole:
                yield base64.b64decode(text[:whole])
    except binascii.Error as error:
        raise MultiPartParserError("A part in base64 cannot be decoded.") from error
    if rest:
        raise MultiPartParserError("A part in base64 is incomplete.")
