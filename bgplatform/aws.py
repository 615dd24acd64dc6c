"""What boto3 must be told, and what browsers must be told of an S3 store."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def s3_client_config(addressing: str) -> Any:
    """Explicit timeouts and few retries: a store that is away is waited for in the queue, not in a socket."""
    from botocore.config import Config

    return Config(
        signature_version="s3v4",
        s3={"addressing_style": addressing},
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,
        # Stores other than Amazon's do not all know the newer default checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def origins(endpoint: str, bucket: str) -> list[str]:
    """The origins under which a browser may meet the bucket: by path, and as a host of its own."""
    parts = urlsplit(endpoint)
    return [f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{bucket}.{parts.netloc}"]
