"""The store's operations on a real S3 store, and its errors while that is unavailable."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import urllib3

from jobs import storage
from jobs.storage.s3 import RangedReader
from jobs.storage.store import StoreRefusedError
from tests.s3.conftest import client_for, free_ports, use_bucket

http = urllib3.PoolManager()


def post(target: dict[str, Any], content: bytes, **other_fields: str) -> int:
    """Send a file by a presigned form, as a browser does. Returns the status."""
    fields = {**target["fields"], **other_fields, "file": ("x", content, "application/octet-stream")}
    return int(http.request("POST", target["url"], fields=fields).status)


def test_written_read_moved_deleted(bucket: str, objects: Any) -> None:
    storage.write("a/one", b"first")
    storage.write("a/one", io.BytesIO(b"second"))
    assert storage.size("a/one") == 6
    with storage.reading("a/one") as file:
        assert file.read() == b"second"
    assert b"".join(storage.chunks("a/one")) == b"second"

    storage.move("a/one", "b/two")
    storage.move("a/one", "b/two")
    assert objects() == {"b/two"}

    storage.delete(["b/two", "b/three"])
    assert objects() == set()


def test_chunks_of_unknown_length_are_stored_whole_or_not_at_all(bucket: str, objects: Any) -> None:
    """More than one part of an upload in parts, and a source that breaks in the second part."""
    block = bytes(range(256)) * 4096
    threads = set()

    def blocks(count: int, *, broken: bool = False) -> Iterator[bytes]:
        for _ in range(count):
            threads.add(threading.current_thread())
            yield block
        if broken:
            raise FileNotFoundError("gone")

    storage.write_chunks("exports/x/1.zip", blocks(20))
    assert storage.size("exports/x/1.zip") == 20 * len(block)
    assert b"".join(storage.chunks("exports/x/1.zip")) == 20 * block
    with pytest.raises(FileNotFoundError):
        storage.write_chunks("exports/x/2.zip", blocks(20, broken=True))
    assert objects() == {"exports/x/1.zip"}
    # The chunks read the database, whose connections belong to a thread.
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("act", [storage.size, lambda key: storage.move(key, "x/y")])
def test_a_missing_file_is_missing(bucket: str, act: Any) -> None:
    with pytest.raises(FileNotFoundError):
        act("nothing/here")


def test_many_are_deleted_in_few_requests(bucket: str, objects: Any) -> None:
    keys = [f"many/{n}" for n in range(30)]
    for key in keys:
        storage.write(key, b"x")
    storage.delete(iter(keys))
    assert objects() == set()


def test_a_partial_read_fetches_only_that_part(bucket: str, seaweed: str) -> None:
    storage.write("big", b"\x89PNG" + bytes(3_000_000))
    raw = RangedReader(client_for(seaweed), bucket, "big")
    with io.BufferedReader(raw, 64 * 1024) as file:
        assert file.read(4) == b"\x89PNG"
        file.seek(-2, io.SEEK_END)
        assert file.read() == b"\0\0"
    assert raw.fetched <= 64 * 1024 + 2


def test_a_presigned_form_accepts_only_its_own_file(bucket: str, objects: Any) -> None:
    upload = uuid4()
    target = storage.upload_target(upload, 1000).as_dict()
    assert bucket in str(target["url"])

    assert post(target, b"y" * 1001) in {400, 403}
    assert post(target, b"") in {400, 403}
    assert post(target, b"hello", key="sources/of-somebody-else") == 403
    assert objects() == set()

    assert post(target, b"hello") == 204
    assert objects() == {f"incoming/{upload}"}


def test_a_download_carries_name_and_type_and_nothing_is_public(bucket: str) -> None:
    storage.write("r/1", b"bytes")
    url = storage.download_url("r/1", name="Kätzchen.png", media_type="image/png", download=True)
    assert url is not None
    answer = http.request("GET", url)
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (200, b"bytes", "image/png")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''K%C3%A4tzchen.png"

    assert http.request("GET", url.split("?")[0]).status == 403
    assert http.request("GET", url.replace("/r/1?", "/r/2?")).status == 403


@pytest.mark.parametrize(
    "act",
    [
        lambda: storage.write("k", b"x"),
        lambda: storage.size("k"),
        lambda: storage.delete(["k"]),
        lambda: storage.move("k", "l"),
        lambda: list(storage.chunks("k")),
    ],
)
def test_an_unresponsive_store_is_unavailable(settings: Any, act: Any) -> None:
    use_bucket(settings, f"http://127.0.0.1:{free_ports(1)[0]}", "pictures")
    with pytest.raises(storage.StoreUnavailableError):
        act()


def test_a_refusal_is_not_a_missing_file(bucket: str, seaweed: str, settings: Any) -> None:
    storage.write("k", b"x")
    use_bucket(settings, seaweed, bucket, secret="another-secret-another-secret")
    for act in (lambda: storage.write("k", b"y"), lambda: list(storage.chunks("k"))):
        with pytest.raises(StoreRefusedError):
            act()
