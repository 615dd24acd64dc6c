"""Schemathesis over the whole schema with a token and all checks: no 500, no undocumented status.

This is a short run; `make schemathesis` runs the long one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.files.base import ContentFile
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from schemathesis import GenerationMode

from accounts.models import User
from jobs.api import site_urls
from jobs.models import Picture
from jobs.services import feedback, presets, uploads
from jobs.webhooks import notifications, services
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, pictures_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore"),
]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))


def _loaded() -> Any:
    """The served schema, bound to the application."""
    schema = schemathesis.openapi.from_dict(SchemaGenerator(urlconf=site_urls).get_schema(public=True))
    schema.app = get_wsgi_application()
    # A value that matches the schema may still be refused for its meaning, with 422 or 409.
    schema.config.checks.positive_data_acceptance.expected_statuses = [
        "2xx",
        "302",
        "401",
        "403",
        "404",
        "409",
        "415",
        "422",
    ]
    refused = schema.config.checks.negative_data_rejection
    refused.expected_statuses = [*refused.expected_statuses, "413"]
    return schema


api = _loaded()


@pytest.fixture
def things(user: User) -> dict[str, Any]:
    """The objects in the URLs, each in the state that allows most operations."""
    job = make_job(user, 2)
    picture = pictures_of(job)[0]
    rendition = complete(picture)
    feedback.give(picture, "down", ["hair"], "fair")
    presets.save(user, "mine", "", Recipe())
    Picture.objects.filter(pk=picture.pk).update(width=64, height=48)
    upload = uploads.start(user, "new.png", 10_000)
    uploads.receive(upload, ContentFile(make_picture()), 10)
    endpoint, _ = services.create(user, "https://example.org/hook")
    return {
        "job_id": str(job.pk),
        "picture_id": str(picture.pk),
        "upload_id": str(upload.pk),
        "rendition_id": str(rendition.pk),
        "matte_id": str(rendition.matte_id),
        "name": "mine",
        "token_id": Program(user, "read").token.pk,
        "webhook_id": str(endpoint.pk),
        "delivery_id": str(notifications.test(endpoint).pk),
    }


@pytest.fixture
def secret(user: User) -> str:
    """The secret of a token with all scopes that no test case revokes."""
    return Program(user).secret


@pytest.fixture
def site(settings: Settings, valkey: object) -> Iterator[None]:
    """Disables rate limits, and makes requests use the test's own database connection."""
    settings.API_REQUESTS_A_MINUTE = 1_000_000
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@api.parametrize()
@hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="SCHEMATHESIS_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_generated_requests(
    case: schemathesis.Case, user: User, things: dict[str, Any], secret: str, site: None
) -> None:
    mode = case.meta.generation.mode if case.meta else GenerationMode.POSITIVE
    if mode is GenerationMode.POSITIVE:
        _name_what_is_there(case, user, things)
    _fill_empty_file(case)
    if case.query and str(case.query.get("wait", "0")).isdigit():
        case.query.pop("wait", None)
    case.call_and_validate(headers={"Authorization": f"Bearer {secret}"})


def _name_what_is_there(case: schemathesis.Case, user: User, things: dict[str, Any]) -> None:
    """Makes every second request refer to existing objects."""
    if case.path_parameters and len(str(case.body)) % 2 == 0:
        case.path_parameters = {name: things.get(name, value) for name, value in case.path_parameters.items()}
    if case.path.endswith("/jobs/") and isinstance(case.body, dict) and "uploads" in case.body:
        case.body["uploads"] = [str(make_upload(user).pk)]


def _fill_empty_file(case: schemathesis.Case) -> None:
    """Werkzeug's client omits the blank line before an empty file, so the part would be malformed."""
    if isinstance(case.body, dict) and case.body.get("file") in ("", b""):
        case.body["file"] = b"\0"
