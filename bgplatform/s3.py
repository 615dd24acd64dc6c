"""boto3's configuration, and the origins of an S3 store for browsers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def s3_client_config(addressing: str) -> Any:
    """Returns a configuration with explicit timeouts and few retries: a job waits for an unavailable store in
    the queue, not in a socket.
    """
    from botocore.config import Config

    return Config(
        signature_version="s3v4",
        s3={"addressing_style": addressing},
        connect_timeout=3,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,
        # Some S3-compatible stores do not support the newer default checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def origins(endpoint: str, bucket: str) -> list[str]:
    """Returns the origins at which a browser reaches the bucket: path style and virtual-hosted style."""
    parts = urlsplit(endpoint)
    return [f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{bucket}.{parts.netloc}"]
