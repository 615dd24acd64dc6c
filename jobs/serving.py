"""Streaming responses. Under ASGI, Django would read a synchronous iterator into memory first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header
from zipstream import ZipStream

from jobs import storage

CACHE_A_DAY: Final = "max-age=86400"
# For URLs that name one version of a file: the bytes under a key never change.
CACHE_FOREVER: Final = "max-age=31536000, immutable"
# For URLs that name the newest version: browsers show the cached one and revalidate it.
CACHE_NEWEST: Final = "max-age=60, stale-while-revalidate=86400"

# What a browser may show from our origin: the raster types that we encode ourselves, which contain no script.
# Everything else is a download.
SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
# A file that a browser takes for a page all the same runs no script, loads nothing, and has no origin.
FILE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"

# A streamed file, or a redirect to the file store.
ServedFile = StreamingHttpResponse | HttpResponseRedirect


async def iterate_in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Runs each step of a synchronous iterator in a thread, and closes it when the client disconnects."""
    step = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    try:
        while (chunk := await step()) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            await sync_to_async(close, thread_sensitive=False)()


def serve_zip(archive: ZipStream, name: str) -> StreamingHttpResponse:
    """An archive of known length, generated while it is sent."""
    response = StreamingHttpResponse(iterate_in_thread(iter(archive)), content_type="application/zip")
    response["Content-Length"] = str(len(archive))
    response["Content-Security-Policy"] = FILE_POLICY
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


def serve_file(
    key: str, *, media_type: str, name: str, download: bool, cache: bool = True, keep: str = CACHE_A_DAY
) -> ServedFile:
    """A stored file: a redirect to the store if it supports that, otherwise streamed by this process.

    download: a browser saves it instead of showing it. True for every type that is not in SHOWN.
    keep: the Cache-Control of the response, if browsers may cache it at all (`cache`).
    """
    download = download or media_type not in SHOWN
    url = storage.download_url(key, name=name, media_type=media_type, download=download)
    if url is not None:
        redirect = HttpResponseRedirect(url)
        redirect["Cache-Control"] = "private, no-store"
        return redirect
    try:
        length = storage.size(key)
    except FileNotFoundError as error:
        raise Http404("This file was deleted.") from error
    response = StreamingHttpResponse(iterate_in_thread(storage.chunks(key)), content_type=media_type)
    response["Content-Length"] = str(length)
    response["Content-Security-Policy"] = FILE_POLICY
    response["Content-Disposition"] = content_disposition_header(download, name) or "attachment"
    response["Cache-Control"] = f"private, {keep}" if cache else "private, no-store"
    return response
