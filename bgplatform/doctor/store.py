"""The file store: write, read, sign, CORS, delete."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import urllib3
from django.conf import settings

from bgplatform.doctor.finding import Finding, error, ok, warning
from jobs import storage

SECONDS: Final = 5.0
CONTENT: Final = b"written by manage.py doctor"


def check() -> Iterator[Finding]:
    """Yields the findings. The probe file is deleted at the end."""
    key = f"doctor/{uuid4()}"
    try:
        storage.write(key, CONTENT)
        with storage.reading(key) as file:
            found = file.read()
        storage.check_room(settings.MAX_PICTURE_BYTES)
    except (OSError, storage.StoreUnavailableError, storage.StoreRefusedError) as problem:
        yield error("store", f"A file could not be written and read: {problem}", _remedy())
        return
    try:
        if found != CONTENT:
            yield error("store", "A file was read with other content than was written.", _remedy())
            return
        yield ok("store", "A file was written and read.")
        if url := storage.download_url(key, name="doctor.txt", media_type="text/plain", download=True):
            yield _signed(url)
            yield _cors()
    finally:
        storage.delete([key])


def _remedy() -> str:
    if settings.S3_BUCKET:
        return "Check S3_ENDPOINT, S3_BUCKET and the keys, and run manage.py prepare_store."
    return "Check the permissions and the free space of BGPLATFORM_STATE."


def _signed(url: str) -> Finding:
    try:
        answer = urllib3.request("GET", url, timeout=SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as problem:
        return warning(
            "signed URLs",
            f"{settings.S3_PUBLIC_ENDPOINT} cannot be reached from here: {problem}",
            "Browsers must reach it: open a picture of the site, or set S3_PUBLIC_ENDPOINT.",
        )
    if answer.status == 200 and answer.data == CONTENT:
        return ok("signed URLs", "A file was downloaded by a signed URL.")
    return error(
        "signed URLs",
        f"The store answered {answer.status} to a signed URL.",
        "S3_PUBLIC_ENDPOINT must be the address that browsers use, and no proxy may change the host name.",
    )


def _cors() -> Finding:
    if not settings.SITE_URL:
        return warning(
            "CORS", "Not checked: SITE_URL is not set.", "Set SITE_URL, and run manage.py prepare_store."
        )
    target = storage.upload_target(uuid4(), 1024)
    asked = {"Origin": settings.SITE_URL, "Access-Control-Request-Method": "POST"}
    try:
        answer = urllib3.request("OPTIONS", target.url, headers=asked, timeout=SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as problem:
        return warning(
            "CORS",
            f"{settings.S3_PUBLIC_ENDPOINT} cannot be reached from here: {problem}",
            "Upload a picture in a browser to see whether it works.",
        )
    if answer.headers.get("Access-Control-Allow-Origin") in {"*", settings.SITE_URL}:
        return ok("CORS", f"Pages of {settings.SITE_URL} may upload to the store.")
    return error(
        "CORS", f"The store does not let pages of {settings.SITE_URL} upload.", "Run manage.py prepare_store."
    )
