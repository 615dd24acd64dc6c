"""Any S3-compatible store, with a private bucket: clients send and fetch straight from it, by signed forms
and addresses that live for minutes."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, Final
from uuid import UUID

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from jobs.storage.keys import incoming_key
from jobs.storage.store import CHUNK, Stored, StoreRefusedError, StoreUnavailableError, UploadTarget

UPLOAD_SECONDS: Final = 3600
DOWNLOAD_SECONDS: Final = 300
DELETE_AT_ONCE: Final = 1000
IN_MEMORY: Final = 4 * 2**20
_GONE: Final = {"404", "NoSuchKey", "NotFound"}
_LATER: Final = {408, 429}


@contextmanager
def _speaking(key: str) -> Iterator[None]:
    """S3's errors in our words: a file that is missing, a store that is away, a request that it refuses."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        # A transfer wraps what the store answered.
        answer = error if isinstance(error, ClientError) else error.__context__
        if not isinstance(answer, ClientError):
            raise StoreUnavailableError(str(error)) from error
        if answer.response.get("Error", {}).get("Code") in _GONE:
            raise FileNotFoundError(key) from error
        status = answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or status in _LATER:
            raise StoreUnavailableError(str(error)) from error
        raise StoreRefusedError(str(error)) from error


class S3Store:
    """Files in a private bucket."""

    def __init__(self, storage: Any) -> None:
        self._client: Any = storage.connection.meta.client
        self._bucket: str = storage.bucket_name
        # Signed for the address under which browsers reach the store, which need not be the workers'.
        self._signer: Any = storage.connection.meta.client
        if settings.S3_PUBLIC_ENDPOINT and settings.S3_PUBLIC_ENDPOINT != settings.S3_ENDPOINT:
            options = {**settings.STORAGES["default"]["OPTIONS"], "endpoint_url": settings.S3_PUBLIC_ENDPOINT}
            self._signer = S3Storage(**options).connection.meta.client

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """See Store. S3 shows an object whole or not at all."""
        with _speaking(key):
            body = io.BytesIO(content) if isinstance(content, bytes) else content
            self._client.upload_fileobj(body, self._bucket, key)

    @contextmanager
    def reading(self, key: str) -> Iterator[BinaryIO]:
        """See Store. Small files are held in memory, larger ones in a temporary file."""
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            with _speaking(key):
                self._client.download_fileobj(self._bucket, key, file)
            file.seek(0)
            yield file  # type: ignore[misc]  # a SpooledTemporaryFile is a BinaryIO in all but name

    def chunks(self, key: str) -> Iterator[bytes]:
        """See Store."""
        with _speaking(key):
            yield from self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(CHUNK)

    @contextmanager
    def peeking(self, key: str) -> Iterator[BinaryIO]:
        """See Store. Ranged reads of the parts that are asked for."""
        with io.BufferedReader(RangedReader(self._client, self._bucket, key), 64 * 1024) as file:
            yield file

    def size(self, key: str) -> int:
        """See Store."""
        with _speaking(key):
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def move(self, key: str, to: str) -> None:
        """See Store. Copied inside the store, then deleted."""
        source = {"Bucket": self._bucket, "Key": key}
        try:
            with _speaking(key):
                self._client.copy_object(Bucket=self._bucket, Key=to, CopySource=source)
        except FileNotFoundError:
            self.size(to)
            return
        self.delete([key])

    def delete(self, keys: Iterable[str]) -> None:
        """See Store. A thousand in a request."""
        every = list(keys)
        for start in range(0, len(every), DELETE_AT_ONCE):
            part = every[start : start + DELETE_AT_ONCE]
            with _speaking(part[0]):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in part], "Quiet": True}
                )
            refused = [one for one in answer.get("Errors", []) if one.get("Code") not in _GONE]
            if refused:
                raise StoreUnavailableError(f"{len(refused)} files were not deleted: {refused[0]}")

    def keys(self, prefix: str, after: str = "") -> Iterator[Stored]:
        """See Store. A thousand in a request."""
        asked = {"Bucket": self._bucket, "Prefix": prefix, **({"StartAfter": after} if after else {})}
        with _speaking(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(**asked):
                for one in page.get("Contents", []):
                    yield Stored(one["Key"], one["LastModified"])

    def upload_target(self, upload: UUID, most: int, own: str = "") -> UploadTarget:
        """See Store: a presigned POST for exactly this key, with at least one and at most `most` bytes."""
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
        """See Store: a presigned GET that carries the file's name and type."""
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
        """See Store. A bucket does not say how much room there is."""

    def probe(self) -> None:
        """See Store. Whether the bucket answers; a file is not written, as some stores keep every version."""
        try:
            self.size("probe")
        except (FileNotFoundError, StoreRefusedError):
            # An answer. Without the right to list the bucket, a missing file is a refusal.
            return


class RangedReader(io.RawIOBase):
    """A file in a bucket, read by ranges: a header costs its own bytes, not the whole file's."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        with _speaking(key):
            self._size = int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])
        self._at = 0
        self.fetched = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Costs nothing: only reading asks the store."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetch the next bytes; 0 at the end."""
        want = min(len(buffer), self._size - self._at)
        if want <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + want - 1}"
        with _speaking(self._key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=span)["Body"].read()
        buffer[: len(body)] = body
        self._at += len(body)
        self.fetched += len(body)
        return len(body)
