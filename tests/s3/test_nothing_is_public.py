"""Every kind of stored file, requested from the S3 store itself without a signed URL."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from common.ids import new_id
from jobs import storage
from tests.access.kinds import KINDS, key_of, mark

pytestmark = [pytest.mark.usefixtures("bucket")]
http = urllib3.PoolManager()


def status(method: str, address: str, **more: bytes) -> int:
    return http.request(method, address, retries=False, redirect=False, **more).status


@pytest.mark.parametrize("kind", KINDS)
def test_unsigned_requests_cannot_read_replace_or_delete(kind: str, bucket: str, seaweed: str) -> None:
    key = key_of(kind, new_id())
    content = mark(key)
    address = f"{seaweed}/{bucket}/{key}"
    answers = {method: status(method, address) for method in ("GET", "HEAD", "DELETE")}
    answers["PUT"] = status("PUT", address, body=b"other bytes")
    answers["POST"] = status("POST", f"{seaweed}/{bucket}/", body=b"other bytes")
    assert answers.keys() == {"GET", "HEAD", "DELETE", "PUT", "POST"}
    assert set(answers.values()) <= {400, 403, 405}, answers
    assert answers["GET"] == answers["HEAD"] == 403
    with storage.reading(key) as file:
        assert file.read() == content


def test_the_bucket_cannot_be_listed(bucket: str, seaweed: str) -> None:
    mark(key_of("source_key", new_id()))
    for address in (f"{seaweed}/{bucket}", f"{seaweed}/{bucket}/?list-type=2", f"{seaweed}/"):
        answer = http.request("GET", address, retries=False)
        assert answer.status == 403, address
        assert b"sources/" not in answer.data


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_url_opens_its_own_file_for_minutes(kind: str, bucket: str, seaweed: str) -> None:
    key, other = key_of(kind, new_id()), key_of(kind, new_id())
    content = mark(key)
    mark(other)
    address = storage.download_url(key, name="a.png", media_type="image/png", download=True)
    assert address is not None
    assert http.request("GET", address).data == content
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["300"]
    assert status("GET", address.replace(key, other)) == 403
    assert status("DELETE", address) == 403
    assert status("GET", address.replace("X-Amz-Expires=300", "X-Amz-Expires=86400")) == 403
