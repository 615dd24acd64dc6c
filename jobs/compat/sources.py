"""Where the pictures of a call come from: a part of the body, base64, an address; what their headers say."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from common.threads import run_in_slow_pool
from jobs.compat.body import BASE64, Body, File
from jobs.compat.concurrency import ConcurrencyLimit
from jobs.compat.errors import CompatError, of_picture
from jobs.fetching import FetchRefusedError, fetch
from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures import Limits, PictureInfo, refusals

MAX_BYTES: Final = 22 * 2**20
MAX_PIXELS: Final = 50_000_000
FETCH_SECONDS: Final = 20.0
TAKEN: Final = frozenset({"jpeg", "png", "webp"})
# The pace counts megapixels, and nobody knows those of a picture that is not here yet.
FETCHING: Final = ConcurrencyLimit(4, "Pictures are being fetched for you already: wait for one of them.")
# Calls that come with nothing but an address wait for such a turn: they hold next to nothing meanwhile.
PATIENCE_SECONDS: Final = 15.0
PATIENT: Final = ConcurrencyLimit(50, FETCHING.sentence)
LIMITS: Final = Limits(max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)


@dataclass(frozen=True)
class Words:
    """What the API calls a picture that cannot be fetched."""

    invalid: str
    failed: str


OF_IMAGE: Final = Words("invalid_image_url", "failed_image_download")
OF_BACKGROUND: Final = Words("invalid_bg_image_url", "failed_bg_download")
SOURCES: Final = frozenset({"image_file", BASE64, "image_url"})
# A program that sends one of these alone, and nothing in it, has read an empty file. One that sends several
# fields, all blank, fills in a template.
_EMPTY_ALONE: Final = (frozenset({"image_file"}), frozenset({BASE64}))
_INVALID: Final = frozenset({"invalid_url", "forbidden_address"})


def image(body: Body) -> Callable[[], File]:
    """How to get the one picture of a call. Raises CompatError `missing_source`, `multiple_sources`."""
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
        return lambda: fetched(body.fields["image_url"], OF_IMAGE)
    return lambda: body.files["image_file"] if given == ["image_file"] else decoded(body.fields[BASE64])


def background(body: Body) -> Callable[[], File] | None:
    """How to get the picture behind; None where none is asked for. Raises CompatError
    `multiple_bg_sources`."""
    given: list[str] = [name for name in ("bg_color", "bg_image_url") if name in body.fields]
    if "bg_image_file" in body.files:
        given.append("bg_image_file")
    if not given:
        _check_not_empty(body, "bg_image_file")
    if len(given) > 1:
        raise CompatError("multiple_bg_sources", f"Send only one of {', '.join(given)}.")
    if given == ["bg_image_url"]:
        return lambda: fetched(body.fields["bg_image_url"], OF_BACKGROUND)
    return (lambda: body.files["bg_image_file"]) if given == ["bg_image_file"] else None


def _check_not_empty(body: Body, name: str) -> None:
    """Raises CompatError where a file was sent that holds nothing: that is not the same as none."""
    if name in body.empty:
        raise _empty()


def _empty() -> CompatError:
    error = refusals.empty_file()
    return of_picture(error.code, error.sentence)


def decoded(text: str) -> File:
    """A picture in base64: with or without `data:…;base64,`, line breaks and padding, in either alphabet."""
    if len(text) > (MAX_BYTES * 3) // 2:
        raise CompatError("file_too_large", _too_large())
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        plain = text.translate({ord("-"): "+", ord("_"): "/"}) if "-" in text or "_" in text else text
        return File(binascii.a2b_base64(plain.encode("ascii") + b"=="), "")
    except ValueError as error:
        raise CompatError("failed_to_read_image", "image_file_b64 is not base64.") from error


def spaceless(url: str) -> str:
    """An address as it is asked for: shops name their pictures `My photo.jpg`, and link to them like that."""
    return url.replace(" ", "%20")


def fetched(url: str, words: Words) -> File:
    """A picture at an address. May take FETCH_SECONDS."""
    try:
        found = fetch(spaceless(url), max_bytes=MAX_BYTES, seconds=FETCH_SECONDS)
    except FetchRefusedError as error:
        if error.code == "too_many_bytes":
            raise CompatError("file_too_large", error.sentence) from error
        raise CompatError(
            words.invalid if error.code in _INVALID else words.failed, error.sentence
        ) from error
    with found.file as file:
        return File(file.read(), found.name)


async def from_afar(
    user: int, get: Callable[[], File], words: Words = OF_IMAGE, *, patient: bool = False
) -> File:
    """What `get` returns, which fetches it for a user.

    Raises CompatError `rate_limit_exceeded` where four are fetched for them already (if `patient`: where none
    of them was done in time, or fifty wait), and what `get` raises.
    """
    if patient:
        with PATIENT.held(user):
            give_back = await FETCHING.awaited(user, PATIENCE_SECONDS)
    else:
        give_back = FETCHING.take(user)
    try:
        # The threads that fetch are everybody's: a turn among them is waited for no longer than it may take.
        async with asyncio.timeout(2 * FETCH_SECONDS):
            return await run_in_slow_pool(get, give_back)
    except TimeoutError as error:
        raise CompatError(words.failed, "It could not be fetched in time.") from error


def looked_at(file: File) -> PictureInfo:
    """What a picture's header says. Raises CompatError for what this API does not take."""
    if len(file.data) > MAX_BYTES:
        raise CompatError("file_too_large", _too_large())
    try:
        info = pictures.inspect(file.data, LIMITS)
    except PictureError as error:
        # This API takes fewer kinds than the site.
        sentence = error.sentence.replace(refusals.SUPPORTED, "JPG, PNG and WebP")
        raise of_picture(error.code, sentence) from error
    if info.format not in TAKEN:
        raise CompatError("invalid_file_type", f"This is {info.format.upper()}; send JPG, PNG or WebP.")
    return info


def _too_large() -> str:
    return f"An image has at most {MAX_BYTES // 2**20} MB."
