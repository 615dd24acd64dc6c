"""Which rendition requests go to the workers: a window by the plan's weight, and every user's turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import redis
from pytest_django import Settings

from accounts.models import Plan, User
from jobs.models import Matte, Picture, RenditionRequest
from jobs.queue import rendition_dispatch, windows
from tests.jobs.factories import bare_job, complete, pictures_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
Queued = Callable[[str], list[str]]


def finished(user: User) -> Picture:
    """A picture that is done."""
    picture = pictures_of(bare_job(user))[0]
    complete(picture)
    return picture


def requests(users: Iterable[User], picture: Picture, each: int) -> None:
    """Rendition requests as rows alone, the first of every user before anybody's second."""
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


def test_a_heavier_plan_has_more_rendition_requests_out(
    user: User, stranger: User, settings: Settings, queued: Queued
) -> None:
    settings.WINDOW = 2
    heavy = Plan.objects.create(name="Heavy", weight=3)
    User.objects.filter(pk=user.pk).update(plan=heavy)
    requests([user, stranger], finished(user), 10)

    assert rendition_dispatch.top_up_everyone() == 6 + 2
    assert (sent(user), sent(stranger)) == (6, 2)
    assert len(queued("interactive")) == 8
    assert rendition_dispatch.top_up_everyone() == 0

    RenditionRequest.objects.filter(dispatched_at__isnull=False).delete()
    assert rendition_dispatch.top_up(user.pk) == 4, "all that is left"
    assert rendition_dispatch.top_up(stranger.pk) == 2


def test_the_weight_of_the_default_plan_counts_for_whoever_has_no_other(
    user: User, settings: Settings
) -> None:
    settings.WINDOW = 2
    Plan.objects.update_or_create(is_default=True, defaults={"name": "Everybody", "weight": 2})
    requests([user], finished(user), 10)

    assert rendition_dispatch.top_up_everyone() == 4


def test_of_600_users_who_wait_each_has_had_a_turn_after_two_ticks(user: User, settings: Settings) -> None:
    settings.WINDOW = 1
    crowd = User.objects.bulk_create(User(email=f"crowd{number}@example.org") for number in range(600))
    requests(crowd, finished(user), 3)

    assert rendition_dispatch.top_up_everyone() == 500
    assert rendition_dispatch.top_up_everyone() == 100
    assert set(
        RenditionRequest.objects.filter(dispatched_at__isnull=False).values_list("user", flat=True)
    ) == {one.pk for one in crowd}
    assert rendition_dispatch.top_up_everyone() == 0


def test_where_workers_are_quick_each_tick_draws_anew_whose_turn_it_is(
    user: User, stranger: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody has room again before the next tick: nobody may come first each time."""
    settings.WINDOW = 1
    monkeypatch.setattr(windows, "USERS_AT_ONCE", 1)
    ways = iter([lambda rows: rows.sort(), lambda rows: rows.sort(reverse=True)])
    monkeypatch.setattr(windows.random, "shuffle", lambda rows: next(ways)(rows))
    requests([user, stranger], finished(user), 3)

    served = []
    for _ in range(2):
        assert rendition_dispatch.top_up_everyone() == 1
        out = RenditionRequest.objects.filter(dispatched_at__isnull=False)
        served += out.values_list("user", flat=True)
        out.delete()

    assert served == [user.pk, stranger.pk]


def test_nothing_goes_out_while_the_store_is_away(
    user: User, valkey: redis.Redis, settings: Settings
) -> None:
    requests([user], finished(user), 1)
    valkey.set("circuit:store", "away")

    assert rendition_dispatch.top_up_everyone() == rendition_dispatch.top_up(user.pk) == 0
