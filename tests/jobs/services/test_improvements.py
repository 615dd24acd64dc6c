"""Improvements: they count towards storage, are limited, and expire."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.errors import QuotaExceededError
from accounts.models import Plan, Storage, User
from accounts.services import quota
from jobs.models import Improvement
from jobs.services import improvements, storage_usage
from jobs.services.synchronous import Source
from segmentation import pictures
from tests.conftest import make_picture
from tests.jobs.factories import stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture()


def limit(**limits: int | None) -> None:
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Standard", **limits})


def kept(user: User, days_ago: float = 0) -> Improvement:
    made = improvements.keep(user, Source(PHOTO, "disc.png", pictures.inspect(PHOTO)))
    moment = timezone.now() - timedelta(days=days_ago)
    Improvement.objects.filter(pk=made.pk).update(created_at=moment)
    return made


def test_an_improvement_counts_towards_the_users_storage(user: User) -> None:
    kept(user)
    assert Storage.objects.get(user=user).bytes == len(PHOTO)
    assert storage_usage.recount([user]) == {}


def test_an_improvement_is_not_kept_if_the_storage_fills_up_meanwhile(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two concurrent requests both pass the first check; the counter then admits only one."""
    monkeypatch.setattr(quota, "check_storage", lambda *_: None)
    limit(storage_bytes=len(PHOTO) - 1)
    with pytest.raises(QuotaExceededError):
        kept(user)
    assert stored_files() == []
    assert not Improvement.objects.exists()


@pytest.mark.parametrize(("keep_days", "days"), [(None, 90), (365, 90), (7, 7)])
def test_improvements_expire_after_the_plans_retention_or_90_days(
    user: User, keep_days: int | None, days: int
) -> None:
    limit(keep_days=keep_days)
    kept(user, days + 0.1)
    fresh = kept(user, days - 0.1)
    call_command("dispatch", once=True)
    assert list(Improvement.objects.all()) == [fresh]
    assert stored_files() == [fresh.key]
    assert Storage.objects.get(user=user).bytes == len(PHOTO)
    assert improvements.sweep() == 0
