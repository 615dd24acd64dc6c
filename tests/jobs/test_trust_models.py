"""Database constraints of shares, exports and refused pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from jobs.models import DataExport, RefusedPicture, Share
from jobs.services import shares
from tests.conftest import make_job
from tests.jobs.factories import complete, pictures_of
from tests.jobs.test_models import refused

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def test_constraints_of_shares(user: User) -> None:
    job = make_job(user)
    complete(pictures_of(job)[0])
    share = shares.create(user, job)
    rows = Share.objects.filter(pk=share.pk)
    refused(rows, "share_kind_known", kind="album")
    refused(rows, "share_expires_after_creation", expires_at=share.created_at)


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("data_export_ends", {"state": "ready"}),
        ("data_export_ends", {"state": "ready", "finished_at": NOW}),
        ("data_export_ends", {"expires_at": NOW + timedelta(days=1)}),
        ("data_export_failed_says_why", {"state": "failed", "finished_at": NOW, "expires_at": NOW}),
        ("data_export_failed_says_why", {"error_code": "broken"}),
    ],
)
def test_constraints_of_exports(user: User, constraint: str, facts: dict[str, Any]) -> None:
    refused(DataExport.objects.filter(pk=DataExport.objects.create(user=user).pk), constraint, **facts)


def test_an_account_has_one_export_at_a_time(user: User, stranger: User) -> None:
    DataExport.objects.create(user=user)
    DataExport.objects.create(user=stranger)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        DataExport.objects.create(user=user)
    assert DataExport.objects.count() == 2


@pytest.mark.parametrize(
    "facts", [{"phash": 1}, {"band0": 1}, {"phash": 1, "band0": 1, "band1": 0, "band2": 0}]
)
def test_a_perceptual_hash_has_all_its_parts(facts: dict[str, int]) -> None:
    row = RefusedPicture.objects.create(sha256="0" * 64)
    refused(RefusedPicture.objects.filter(pk=row.pk), "refused_picture_bands_of_hash", **facts)
