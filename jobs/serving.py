"""Answers that stream. Under ASGI a synchronous iterator would be read whole into memory first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header
from zipstream import ZipStream

from jobs import storage

A_DAY: Final = "max-age=86400"
# Of an address that names one version of a file: keys are never written twice with other bytes.
FOR_EVER: Final = "max-age=31536000, immutable"
# Of one that means the newest version, whichever that is: shown at once, and asked for anew beside it.
NEWEST: Final = "max-age=60, stale-while-revalidate=86400"

# A file on its way: streamed by us, or a redirect to where it lies.
FileAnswer = StreamingHttpResponse | HttpResponseRedirect


async def in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks of a synchronous iterator, each made in a thread; closed when the client goes away."""
    step = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    try:
        while (chunk := await step()) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            await sync_to_async(close, thread_sensitive=False)()


def zipped(archive: ZipStream, name: str) -> StreamingHttpResponse:
    """An archive of known length, made while it is sent."""
    response = StreamingHttpResponse(in_thread(iter(archive)), content_type="application/zip")
    response["Content-Length"] = str(len(archive))
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


def stored(
    key: str, *, media_type: str, name: str, download: bool, cache: bool = True, keep: str = A_DAY
) -> FileAnswer:
    """A stored file as the answer: from the store itself where it can, otherwise through this process.

    keep: how long browsers may keep what they got of an address, where they may at all (`cache`).
    """
    url = storage.download_url(key, name=name, media_type=media_type, download=download)
    if url is not None:
        redirect = HttpResponseRedirect(url)
        redirect["Cache-Control"] = "private, no-store"
        return redirect
    try:
        length = storage.size(key)
    except FileNotFoundError as error:
        raise Http404("This file is gone.") from error
    response = StreamingHttpResponse(in_thread(storage.chunks(key)), content_type=media_type)
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = content_disposition_header(download, name) or "attachment"
    response["Cache-Control"] = f"private, {keep}" if cache else "private, no-store"
    return response
