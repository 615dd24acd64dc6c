"""Windows: the size for users without a plan, and the random draw if more users wait than one tick serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from pytest_django import Settings

from accounts.models import Plan, User
from jobs.models import Matte, Picture, RenditionRequest
from jobs.queue import windows
from jobs.services import lines
from tests.jobs.factories import bare_job, complete, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
Queued = Callable[[str], list[str]]


def finished(user: User) -> Picture:
    """A finished picture."""
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    return picture


def requests(users: Iterable[User], picture: Picture, each: int) -> None:
    """Rendition requests as rows only: the first of every user, then the second, and so on."""
    matte = Matte.objects.get(picture=picture)
    owners = list(users)
    RenditionRequest.objects.bulk_create(
        RenditionRequest(
            user=user, picture=picture, matte=matte, recipe={}, recipe_digest=f"{user.pk}-{number}"
        )
        for number in range(each)
        for user in owners
    )


def sent(user: User) -> int:
    return RenditionRequest.objects.filter(user=user, dispatched_at__isnull=False).count()


def test_the_weight_of_the_default_plan_counts_for_users_without_a_plan(
    user: User, settings: Settings
) -> None:
    settings.WINDOW = 2
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Everybody", "weight": 2})
    requests([user], finished(user), 10)

    assert lines.RENDITIONS.top_up_everyone() == 4


def test_each_tick_draws_the_users_to_serve_at_random(
    user: User, stranger: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fast workers every user has room before the next tick. The same users must not always be first."""
    settings.WINDOW = 1
    monkeypatch.setattr(windows, "USERS_PER_TICK", 1)
    ways = iter([lambda rows: rows.sort(), lambda rows: rows.sort(reverse=True)])
    monkeypatch.setattr(windows.random, "shuffle", lambda rows: next(ways)(rows))
    requests([user, stranger], finished(user), 3)

    served = []
    for _ in range(2):
        assert lines.RENDITIONS.top_up_everyone() == 1
        out = RenditionRequest.objects.filter(dispatched_at__isnull=False)
        served += out.values_list("user", flat=True)
        out.delete()

    assert served == [user.pk, stranger.pk]
