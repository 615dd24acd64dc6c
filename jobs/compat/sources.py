"""The pictures of a request: from a file, from base64 or from a URL. Also their validation by header."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from common.threads import run_in_slow_pool
from jobs.compat.body import BASE64, Body, File
from jobs.compat.concurrency import ConcurrencyLimit
from jobs.compat.errors import CompatError, picture_error
from jobs.fetching import FetchRefusedError, fetch
from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures import Limits, PictureInfo, refusals

MAX_BYTES: Final = 22 * 2**20
MAX_PIXELS: Final = 50_000_000
FETCH_SECONDS: Final = 20.0
TAKEN: Final = frozenset({"jpeg", "png", "webp"})
# The rate limit counts megapixels, which are unknown before the download.
FETCHING: Final = ConcurrencyLimit(
    4, "Too many downloads for your account are running. Wait for one to finish."
)
# Requests with nothing but a URL wait for a slot, because they hold almost no memory meanwhile.
PATIENCE_SECONDS: Final = 15.0
PATIENT: Final = ConcurrencyLimit(50, FETCHING.sentence)
LIMITS: Final = Limits(max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)


@dataclass(frozen=True)
class DownloadCodes:
    """This API's codes for a picture that cannot be downloaded."""

    invalid: str
    failed: str


OF_IMAGE: Final = DownloadCodes("invalid_image_url", "failed_image_download")
OF_BACKGROUND: Final = DownloadCodes("invalid_bg_image_url", "failed_bg_download")
SOURCES: Final = frozenset({"image_file", BASE64, "image_url"})
# A client that sends only one of these, and sends it empty, has read an empty file. A client that sends
# several empty fields fills in a template.
_EMPTY_ALONE: Final = (frozenset({"image_file"}), frozenset({BASE64}))
_INVALID: Final = frozenset({"invalid_url", "forbidden_address"})


def image(body: Body) -> Callable[[], File]:
    """Loads the one picture of a request. Raises CompatError `missing_source`, `multiple_sources`."""
    given: list[str] = [name for name in (BASE64, "image_url") if name in body.fields]
    if "image_file" in body.files:
        given.append("image_file")
    if not given:
        _check_not_empty(body, "image_file")
        if body.blank & SOURCES in _EMPTY_ALONE:
            raise _empty()
        raise CompatError("missing_source", "Send image_file, image_file_b64 or image_url.")
    if len(given) > 1:
        raise CompatError("multiple_sources", f"Send only one of {', '.join(given)}.")
    if given == ["image_url"]:
        return lambda: fetch_file(body.fields["image_url"], OF_IMAGE)
    return lambda: body.files["image_file"] if given == ["image_file"] else decoded(body.fields[BASE64])


def background(body: Body) -> Callable[[], File] | None:
    """Loads the background picture; None if there is none. Raises CompatError `multiple_bg_sources`."""
    given: list[str] = [name for name in ("bg_color", "bg_image_url") if name in body.fields]
    if "bg_image_file" in body.files:
        given.append("bg_image_file")
    if not given:
        _check_not_empty(body, "bg_image_file")
    if len(given) > 1:
        raise CompatError("multiple_bg_sources", f"Send only one of {', '.join(given)}.")
    if given == ["bg_image_url"]:
        return lambda: fetch_file(body.fields["bg_image_url"], OF_BACKGROUND)
    return (lambda: body.files["bg_image_file"]) if given == ["bg_image_file"] else None


def _check_not_empty(body: Body, name: str) -> None:
    """Raises CompatError for an empty file, which is not the same as no file."""
    if name in body.empty:
        raise _empty()


def _empty() -> CompatError:
    error = refusals.empty_file()
    return picture_error(error.code, error.sentence)


def decoded(text: str) -> File:
    """A picture in base64, with or without `data:…;base64,`, line breaks and padding, in either alphabet."""
    if len(text) > (MAX_BYTES * 3) // 2:
        raise CompatError("file_too_large", _too_large())
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        plain = text.translate({ord("-"): "+", ord("_"): "/"}) if "-" in text or "_" in text else text
        return File(binascii.a2b_base64(plain.encode("ascii") + b"=="), "")
    except ValueError as error:
        raise CompatError("failed_to_read_image", "image_file_b64 is not base64.") from error


def encode_spaces(url: str) -> str:
    """Escapes spaces: shops name their pictures `My photo.jpg` and link to them unescaped."""
    return url.replace(" ", "%20")


def fetch_file(url: str, codes: DownloadCodes) -> File:
    """Downloads a picture. May take FETCH_SECONDS."""
    try:
        found = fetch(encode_spaces(url), max_bytes=MAX_BYTES, seconds=FETCH_SECONDS)
    except FetchRefusedError as error:
        if error.code == "too_many_bytes":
            raise CompatError("file_too_large", error.sentence) from error
        raise CompatError(
            codes.invalid if error.code in _INVALID else codes.failed, error.sentence
        ) from error
    with found.file as file:
        return File(file.read(), found.name)


async def download(
    user: int, get: Callable[[], File], codes: DownloadCodes = OF_IMAGE, *, wait_for_slot: bool = False
) -> File:
    """Runs `get`, which downloads a picture, within the user's concurrency limit.

    Raises CompatError `rate_limit_exceeded` if four downloads of the user are running (with `wait_for_slot`:
    if none of them ends in time, or fifty requests wait), and the errors of `get`.
    """
    if wait_for_slot:
        with PATIENT.held(user):
            give_back = await FETCHING.awaited(user, PATIENCE_SECONDS)
    else:
        give_back = FETCHING.take(user)
    try:
        # All users share the download threads. Waiting for one is limited as well.
        async with asyncio.timeout(2 * FETCH_SECONDS):
            return await run_in_slow_pool(get, give_back)
    except TimeoutError as error:
        raise CompatError(codes.failed, "The download took too long.") from error


def inspect_header(file: File) -> PictureInfo:
    """A picture's header data. Raises CompatError for pictures that this API does not accept."""
    if len(file.data) > MAX_BYTES:
        raise CompatError("file_too_large", _too_large())
    try:
        info = pictures.inspect(file.data, LIMITS)
    except PictureError as error:
        # This API accepts fewer formats than the site.
        sentence = error.sentence.replace(refusals.SUPPORTED, "JPG, PNG and WebP")
        raise picture_error(error.code, sentence) from error
    if info.format not in TAKEN:
        raise CompatError("invalid_file_type", f"This is {info.format.upper()}; send JPG, PNG or WebP.")
    return info


def _too_large() -> str:
    return f"An image has at most {MAX_BYTES // 2**20} MB."
