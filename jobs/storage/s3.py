"""Any S3-compatible store with a private bucket. Clients upload to and download from the store directly, with
presigned forms and URLs: a form is valid for an hour, a URL for five minutes.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, Final
from uuid import UUID

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from jobs.storage.keys import incoming_key
from jobs.storage.store import (
    CHUNK,
    ChunkReader,
    Stored,
    StoreRefusedError,
    StoreUnavailableError,
    UploadTarget,
)

UPLOAD_SECONDS: Final = 3600
DOWNLOAD_SECONDS: Final = 300
DELETE_AT_ONCE: Final = 1000
IN_MEMORY: Final = 4 * 2**20
STREAM_PART: Final = 16 * 2**20
_GONE: Final = {"404", "NoSuchKey", "NotFound"}
_RETRIABLE: Final = {408, 429}


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Translates S3 errors: missing file, unavailable store or refused request."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        # A transfer wraps the store's error response.
        answer = error if isinstance(error, ClientError) else error.__context__
        if not isinstance(answer, ClientError):
            raise StoreUnavailableError(str(error)) from error
        if answer.response.get("Error", {}).get("Code") in _GONE:
            raise FileNotFoundError(key) from error
        status = answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or status in _RETRIABLE:
            raise StoreUnavailableError(str(error)) from error
        raise StoreRefusedError(str(error)) from error


class S3Store:
    """Files in a private bucket."""

    def __init__(self, storage: Any) -> None:
        self._client: Any = storage.connection.meta.client
        self._bucket: str = storage.bucket_name
        # Signs for the endpoint that browsers use, which may differ from the workers' endpoint.
        self._signer: Any = storage.connection.meta.client
        if settings.S3_PUBLIC_ENDPOINT and settings.S3_PUBLIC_ENDPOINT != settings.S3_ENDPOINT:
            options = {**settings.STORAGES["default"]["OPTIONS"], "endpoint_url": settings.S3_PUBLIC_ENDPOINT}
            self._signer = S3Storage(**options).connection.meta.client

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """See Store. S3 writes are atomic."""
        with _translated(key):
            body = io.BytesIO(content) if isinstance(content, bytes) else content
            self._client.upload_fileobj(body, self._bucket, key)

    def write_chunks(self, key: str, chunks: Iterator[bytes]) -> None:
        """See Store. Sends parts of 16 MB one after another, so a file may have up to 160 GB."""
        config = TransferConfig(use_threads=False, multipart_chunksize=STREAM_PART)
        with _translated(key):
            body = io.BufferedReader(ChunkReader(chunks), CHUNK)
            self._client.upload_fileobj(body, self._bucket, key, Config=config)

    @contextmanager
    def reading(self, key: str) -> Iterator[BinaryIO]:
        """See Store. Keeps small files in memory and larger ones in a temporary file."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            with _translated(key):
                self._client.download_fileobj(self._bucket, key, file)
            file.seek(0)
            yield file  # type: ignore[misc]  # a SpooledTemporaryFile is a BinaryIO in all but name

    def chunks(self, key: str) -> Iterator[bytes]:
        """See Store."""
        with _translated(key):
            yield from self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(CHUNK)

    @contextmanager
    def peeking(self, key: str) -> Iterator[BinaryIO]:
        """See Store. Uses ranged reads to fetch the requested parts."""
        with io.BufferedReader(RangedReader(self._client, self._bucket, key), 64 * 1024) as file:
            yield file

    def size(self, key: str) -> int:
        """See Store."""
        with _translated(key):
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def move(self, key: str, to: str) -> None:
        """See Store. Copies inside the store, then deletes the original."""
        source = {"Bucket": self._bucket, "Key": key}
        try:
            with _translated(key):
                self._client.copy_object(Bucket=self._bucket, Key=to, CopySource=source)
        except FileNotFoundError:
            self.size(to)
            return
        self.delete([key])

    def delete(self, keys: Iterable[str]) -> None:
        """See Store. Deletes 1,000 files per request."""
        every = list(keys)
        for start in range(0, len(every), DELETE_AT_ONCE):
            part = every[start : start + DELETE_AT_ONCE]
            with _translated(part[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in part], "Quiet": True}
                )
            refused = [one for one in answer.get("Errors", []) if one.get("Code") not in _GONE]
            if refused:
                raise StoreUnavailableError(f"{len(refused)} files were not deleted: {refused[0]}")

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """See Store. Lists 1,000 files per request."""
        asked = {"Bucket": self._bucket, "Prefix": prefix, **({"StartAfter": after} if after else {})}
        with _translated(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(**asked):
                for one in page.get("Contents", []):
                    yield Stored(one["Key"], one["LastModified"])

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """See Store. Returns a presigned POST for exactly this key, with at least one and at most `most`
        bytes.
        """
        kind = "application/octet-stream"
        post = self._signer.generate_presigned_post(
            self._bucket,
            incoming_key(upload),
            Fields={"Content-Type": kind},
            Conditions=[{"Content-Type": kind}, ["content-length-range", 1, most]],
            ExpiresIn=UPLOAD_SECONDS,
        )
        return UploadTarget(post["url"], post["fields"])

    def download_url(self, key: str, *, name: str, media_type: str, download: bool) -> str | None:
        """See Store. Returns a presigned GET that sets the file's name and media type."""
        return str(
            self._signer.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentType": media_type,
                    "ResponseContentDisposition": content_disposition_header(download, name) or "attachment",
                },
                ExpiresIn=DOWNLOAD_SECONDS,
            )
        )

    def check_room(self, size: int) -> None:
        """See Store. Does nothing: a bucket does not report its free space."""

    def probe(self) -> None:
        """See Store. Checks that the bucket answers. Writes no file: some stores keep every version."""
        try:
            self.size("probe")
        except (FileNotFoundError, StoreRefusedError):
            # The store answered. Without permission to list the bucket, S3 reports a missing file as
            # forbidden.
            return


class RangedReader(io.RawIOBase):
    """A file in a bucket, read by ranges: reading a header downloads the header, not the whole file."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        with _translated(key):
            self._size = int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])
        self._at = 0
        self.fetched = 0

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the position without a request; only reads make requests."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Returns the position of the next read."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetches the next bytes. Returns their number, 0 at the end."""
        want = min(len(buffer), self._size - self._at)
        if want <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + want - 1}"
        with _translated(self._key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=span)["Body"].read()
        buffer[: len(body)] = body
        self._at += len(body)
        self.fetched += len(body)
        return len(body)
