"""`manage.py doctor` against a real store."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from bgplatform.doctor import store
from bgplatform.doctor.finding import Level
from tests.s3.conftest import client_for, free_ports, use_bucket
from tests.seaweed import SECRET


def levels() -> dict[str, Level]:
    return {finding.check: finding.level for finding in store.check()}


def test_a_prepared_bucket_passes_and_is_left_empty(seaweed: str, bucket: str, settings: Any) -> None:
    settings.SITE_URL = "https://cut.example.org"
    call_command("prepare_store", verbosity=0)
    assert levels() == {"store": Level.OK, "signed URLs": Level.OK, "CORS": Level.OK}
    assert "Contents" not in client_for(seaweed).list_objects_v2(Bucket=bucket)


def test_a_public_address_that_nobody_answers_is_a_warning(bucket: str, settings: Any) -> None:
    settings.SITE_URL = "https://cut.example.org"
    settings.S3_PUBLIC_ENDPOINT = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert levels() == {"store": Level.OK, "signed URLs": Level.WARNING, "CORS": Level.WARNING}


def test_a_wrong_key_is_an_error(seaweed: str, bucket: str, settings: Any) -> None:
    use_bucket(settings, seaweed, bucket, secret=SECRET[::-1])
    assert levels() == {"store": Level.ERROR}
