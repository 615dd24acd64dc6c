"""Shares: what a link shows, when it works, and what is counted."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import AuditAction, AuditEntry, User
from accounts.services import suspension
from jobs import share_tokens
from jobs.errors import GoneError, ShareRefusedError, TooManyError
from jobs.models import Continuation, Job, Picture, Share
from jobs.selectors import shares as gate
from jobs.services import removal, share_access, shares
from tests.conftest import make_job
from tests.jobs.factories import complete, complete_all, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
ADDRESS = "192.0.2.7"


@pytest.fixture
def job(user: User) -> Job:
    """A finished job of three pictures."""
    return complete_all(make_job(user, 3))


def ids(share: Share) -> list[object]:
    return [picture.pk for picture in gate.pictures_of(share)]


def test_a_link_shows_the_pictures_of_the_job(user: User, job: Job) -> None:
    share = shares.create(user, job)
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", share.token)
    found = gate.live(share.token)
    assert (found, found.kind, found.may_download) == (share, "job", False)
    assert ids(found) == [picture.pk for picture in pictures_of(job)]
    assert gate.count_of(found) == 3
    assert found.expires_at - found.created_at == timedelta(days=30)


def test_the_row_alone_does_not_hold_the_token(user: User, job: Job, settings: LazySettings) -> None:
    share = shares.create(user, job)
    token = share.token
    row = Share.objects.filter(pk=share.pk).values().get()
    assert all(token not in str(value) for value in row.values())
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-0123456789"
    share.refresh_from_db()
    assert share.token == "", "it can no longer be shown"
    assert gate.live(token) == share, "and still works"


def test_pictures_that_finish_later_join_a_shared_job(user: User) -> None:
    job = make_job(user, 2)
    first, second = pictures_of(job)
    complete(first)
    share = shares.create(user, job)
    assert ids(share) == [first.pk]
    complete(second)
    assert ids(share) == [first.pk, second.pk]


def test_a_selection_shows_nothing_else(user: User, job: Job) -> None:
    first, second, third = pictures_of(job)
    share = shares.create(user, job, [third.pk, first.pk, third.pk])
    assert (share.kind, ids(share)) == ("selection", [first.pk, third.pk])
    with pytest.raises(Picture.DoesNotExist):
        gate.picture_of(share, second.pk)
    shown = gate.shown_of(share, third.pk)
    assert (shown.number, shown.before, shown.after) == (2, first.pk, None)
    assert shares.create(user, job, [second.pk]).kind == "picture"


@pytest.mark.parametrize(
    "end",
    [
        lambda share: shares.revoke(share),
        lambda share: shares.revoke_all(share.user),
        lambda share: Share.objects.filter(pk=share.pk).update(
            created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now()
        ),
        lambda share: Share.objects.filter(pk=share.pk).update(hidden_at=timezone.now()),
        lambda share: User.objects.filter(pk=share.user_id).update(is_active=False),
        lambda share: suspension.suspend(share.user, until=None, reason="abuse"),
        lambda share: suspension.suspend(
            share.user, until=timezone.now() + timedelta(days=1), reason="abuse"
        ),
        lambda share: Job.objects.filter(pk=share.job_id).update(hidden_at=timezone.now()),
        lambda share: Continuation.objects.create(job=share.job, user=share.user, deleting=True),
        lambda share: removal.delete_jobs([share.job_id]),
        lambda share: share.user.delete(),
    ],
    ids=[
        "revoked",
        "all revoked",
        "expired",
        "hidden",
        "closed",
        "banned",
        "suspended",
        "job hidden",
        "being deleted",
        "job deleted",
        "erased",
    ],
)
def test_an_ended_share_is_as_good_as_unknown(end: Callable[[Share], object], user: User, job: Job) -> None:
    share = shares.create(user, job)
    token = share.token
    end(share)
    with pytest.raises(Share.DoesNotExist):
        gate.live(token)
    with pytest.raises(Share.DoesNotExist):
        gate.live(share_tokens.derive("unknown"))


def test_a_suspension_that_has_ended_does_no_harm(user: User, job: Job) -> None:
    share = shares.create(user, job)
    User.objects.filter(pk=user.pk).update(
        suspended_at=timezone.now() - timedelta(days=2), suspended_until=timezone.now() - timedelta(days=1)
    )
    assert gate.live(share.token) == share


def test_a_hidden_picture_is_not_shown(user: User, job: Job) -> None:
    first, second, third = pictures_of(job)
    share = shares.create(user, job)
    Picture.objects.filter(pk=second.pk).update(hidden_at=timezone.now())
    assert ids(share) == [first.pk, third.pk]
    with pytest.raises(Picture.DoesNotExist):
        gate.picture_of(share, second.pk)
    with pytest.raises(ShareRefusedError, match="has no result"):
        shares.create(user, job, [second.pk])


def test_a_deleted_picture_leaves_its_shares_and_the_last_one_ends_them(user: User, job: Job) -> None:
    first, second, _third = pictures_of(job)
    whole, some = shares.create(user, job), shares.create(user, job, [first.pk, second.pk])
    one = shares.create(user, job, [first.pk])
    removal.delete_pictures([first.pk])
    assert len(ids(whole)) == 2
    assert ids(some) == [second.pk]
    assert set(Share.objects.all()) == {whole, some}
    with pytest.raises(Share.DoesNotExist):
        gate.live(one.token)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"days": 0}, "invalid_days"),
        ({"days": 366}, "invalid_days"),
        ({"title": "x" * 101}, "invalid_title"),
        ({"password": "short"}, "invalid_password"),
        ({"password": "x" * 129}, "invalid_password"),
        ({"pictures": []}, "invalid_pictures"),
        ({"pictures": [uuid4()]}, "not_shareable"),
    ],
)
def test_invalid_values_are_refused(values: dict[str, object], code: str, user: User, job: Job) -> None:
    with pytest.raises(ShareRefusedError) as refused:
        shares.create(user, job, **values)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.code == code
    assert not Share.objects.exists()
    assert not AuditEntry.objects.filter(action=AuditAction.SHARE_CREATED).exists()


def test_only_done_pictures_of_ones_own_job_are_shared(user: User, stranger: User, job: Job) -> None:
    waiting = make_job(user)
    with pytest.raises(ShareRefusedError, match="no results yet"):
        shares.create(user, waiting)
    with pytest.raises(ShareRefusedError, match="has no result"):
        shares.create(user, waiting, [pictures_of(waiting)[0].pk])
    with pytest.raises(ShareRefusedError, match="not in this job"):
        shares.create(user, waiting, [pictures_of(job)[0].pk])
    with pytest.raises(GoneError):
        shares.create(stranger, job)
    assert not Share.objects.exists()


def test_an_account_has_a_limited_number_of_shares(
    user: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "SHARES_A_USER", 1)
    share = shares.create(user, job)
    with pytest.raises(ShareRefusedError, match="at most 1 shares"):
        shares.create(user, job)
    shares.revoke(share)
    assert shares.create(user, job).state == "live"


def test_revoking_does_not_evade_the_limit_of_a_day(
    user: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "SHARES_A_DAY", 1)
    share = shares.create(user, job)
    shares.revoke(share)
    with pytest.raises(ShareRefusedError, match="at most 1 shares a day"):
        shares.create(user, job)
    Share.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    assert shares.create(user, job).state == "live"


def test_the_audit_log_records_creation_and_revocation_once(user: User, job: Job) -> None:
    share = shares.create(user, job, title="Our secret title", password="a password")
    assert shares.revoke(share) is True
    assert shares.revoke(share) is False
    shares.create(user, job)
    assert (shares.revoke_all(user), shares.revoke_all(user)) == (1, 0)
    entries = AuditEntry.objects.filter(action__startswith="share").order_by("id")
    assert [(entry.action, entry.subject, entry.facts) for entry in entries] == [
        ("share_created", user.pk, {"kind": "job", "days": 30, "password": True, "download": False}),
        ("share_revoked", user.pk, {}),
        ("share_created", user.pk, {"kind": "job", "days": 30, "password": False, "download": False}),
        ("shares_revoked", user.pk, {"shares": 1}),
    ]


def test_a_visitor_is_counted_once_within_a_while(
    user: User, job: Job, redis_away: Callable[[], AbstractContextManager[None]]
) -> None:
    share = shares.create(user, job)
    for address in (ADDRESS, ADDRESS, "192.0.2.8"):
        shares.count_view(share, address)
        shares.count_download(share, "all", address)
    shares.count_download(share, "a picture", ADDRESS)
    share.refresh_from_db()
    assert (share.views, share.downloads) == (2, 3)
    with redis_away():
        shares.count_view(share, ADDRESS)
    share.refresh_from_db()
    assert share.views == 3


def test_wrong_passwords_are_limited_by_address_and_by_share(
    user: User, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_access, "ATTEMPTS_OF_ADDRESS", share_access.Limit(2, 10**9))
    monkeypatch.setattr(share_access, "ATTEMPTS_OF_SHARE", share_access.Limit(3, 10**9))
    share = shares.create(user, job, password="open sesame")
    assert share.password.startswith("md5$"), "the tests' quick hash, never the words themselves"
    for _ in range(5):
        assert share_access.is_password(share, "open sesame", ADDRESS), "right ones do not count"
    assert not share_access.is_password(share, "wrong", ADDRESS)
    assert not share_access.is_password(share, "", ADDRESS)
    with pytest.raises(TooManyError):
        share_access.is_password(share, "open sesame", ADDRESS)
    assert share_access.is_password(share, "open sesame", "192.0.2.8"), "others are not locked out"
    assert not share_access.is_password(share, "wrong", "192.0.2.8")
    with pytest.raises(TooManyError):
        share_access.is_password(share, "open sesame", "192.0.2.9")


def test_ended_shares_are_deleted_after_a_while(user: User, job: Job) -> None:
    now = timezone.now()
    kept, old = shares.create(user, job), shares.create(user, job)
    Share.objects.filter(pk=old.pk).update(
        created_at=now - timedelta(days=200), expires_at=now - timedelta(days=91)
    )
    revoked = shares.create(user, job)
    Share.objects.filter(pk=revoked.pk).update(revoked_at=now - timedelta(days=91))
    assert shares.sweep() == 2
    assert list(Share.objects.all()) == [kept]
