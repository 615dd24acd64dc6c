"""Database constraints of rendition requests, presets, backdrops and other rows of the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import User
from common.ids import new_id
from jobs.models import Backdrop, Feedback, Idempotency, Preset, RenditionRequest
from jobs.services import feedback
from tests.jobs.factories import bare_job, complete, pictures_of
from tests.jobs.test_models import refused

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def rendition_request(user: User) -> RenditionRequest:
    """A queued request for a finished picture."""
    rendition = complete(pictures_of(bare_job(user))[0])
    return RenditionRequest.objects.create(
        user=user, picture=rendition.picture, matte=rendition.matte, recipe={}, recipe_digest="d"
    )


def refused_twice(row: models.Model) -> None:
    """Asserts that a copy of the row with another id is refused."""
    before = type(row)._default_manager.count()
    row.pk = new_id() if isinstance(row, RenditionRequest | Backdrop) else None
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        row.save(force_insert=True)
    assert type(row)._default_manager.count() == before


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("rendition_request_of_a_matte", {"matte": None}),
        ("rendition_request_of_a_matte", {"revision": 2}),
        ("rendition_request_of_a_matte", {"matte": None, "revision": 1}),
        ("rendition_request_leased_when_running", {"state": "running"}),
        ("rendition_request_leased_when_running", {"lease_until": NOW}),
        ("rendition_request_failed_says_why", {"state": "failed"}),
        ("rendition_request_failed_says_why", {"state": "failed", "error_code": "x"}),
        ("rendition_request_failed_says_why", {"error_code": "x"}),
    ],
)
def test_constraints_of_rendition_requests(
    rendition_request: RenditionRequest, constraint: str, facts: dict[str, Any]
) -> None:
    refused(RenditionRequest.objects.all(), constraint, **facts)


def test_rendition_requests_are_unique_for_each_matte_and_revision(
    rendition_request: RenditionRequest,
) -> None:
    refused_twice(rendition_request)
    RenditionRequest.objects.update(matte=None, revision=2)
    refused_twice(RenditionRequest.objects.get())


def test_preset_names_are_unique_for_each_user(user: User, stranger: User) -> None:
    Preset.objects.create(user=stranger, name="shop", title="Shop", recipe={})
    preset = Preset.objects.create(user=user, name="shop", title="Shop", recipe={})
    refused_twice(preset)
    refused(Preset.objects.filter(user=user), "preset_has_name", name="")


def test_backdrops_are_unique_for_each_user(user: User, stranger: User) -> None:
    facts = {"digest": "d" * 64, "size": 1, "format": "png", "width": 1, "height": 1}
    Backdrop.objects.create(user=stranger, **facts)
    refused_twice(Backdrop.objects.create(user=user, **facts))


def test_idempotency_keys_are_unique_for_each_user(user: User, stranger: User) -> None:
    Idempotency.objects.create(user=stranger, key="k", body_digest="d")
    refused_twice(Idempotency.objects.create(user=user, key="k", body_digest="d"))


def test_verdicts_are_up_or_down_and_only_down_has_reasons(user: User) -> None:
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    feedback.give(picture, "down", ["hair"])
    refused(Feedback.objects.all(), "feedback_verdict_known", verdict="3")
    refused(Feedback.objects.all(), "feedback_up_has_no_reasons", verdict="up")
    assert Feedback.objects.update(verdict="up", reasons=[]) == 1
