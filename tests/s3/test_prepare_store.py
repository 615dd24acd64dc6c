"""`manage.py prepare_store` against a real store."""

from __future__ import annotations

from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from tests.s3.conftest import client_for, free_ports, use_bucket


def prepare() -> str:
    out = StringIO()
    call_command("prepare_store", stdout=out)
    return out.getvalue()


def test_it_creates_the_bucket_once_and_allows_the_site(seaweed: str, settings: Any) -> None:
    name = f"new-{uuid4().hex[:12]}"
    use_bucket(settings, seaweed, name)
    settings.SITE_URL = "https://cut.example.org"
    assert prepare().splitlines()[0] == f"Created the bucket {name}."
    assert prepare().splitlines()[0] == f"The bucket {name} exists."
    rules = client_for(seaweed).get_bucket_cors(Bucket=name)["CORSRules"]
    assert [(rule["AllowedOrigins"], sorted(rule["AllowedMethods"])) for rule in rules] == [
        (["https://cut.example.org"], ["GET", "HEAD", "POST"])
    ]


def test_without_a_site_url_the_cors_rule_is_left(bucket: str, settings: Any) -> None:
    settings.SITE_URL = ""
    assert prepare().splitlines() == [
        f"The bucket {bucket} exists.",
        "SITE_URL is not set: the CORS rule stays as it is.",
    ]


def test_a_store_that_does_not_answer_is_an_error(settings: Any) -> None:
    use_bucket(settings, f"http://127.0.0.1:{free_ports(1)[0]}", "pictures")
    with pytest.raises(CommandError, match="The store at"):
        prepare()


def test_without_a_bucket_there_is_nothing_to_do(settings: Any) -> None:
    settings.S3_BUCKET = ""
    assert prepare() == "Files are in the state folder: nothing to prepare.\n"
