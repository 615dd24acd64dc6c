"""The pages of shares: what visitors see under a link, what they are refused, and the owner's list."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import suspension
from jobs.models import Job, Picture, Report, Share
from jobs.services import share_access, shares
from jobs.views import shared
from tests.conftest import make_job
from tests.jobs.factories import complete_all, encoded, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]
PASSWORD = "open sesame"
UNKNOWN = "x" * 27


@pytest.fixture
def job(user: User) -> Job:
    """A finished job of three pictures."""
    return complete_all(make_job(user, 3))


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account."""
    return Client()


def link(share: Share, name: str = "shared", *args: object) -> str:
    return reverse(f"jobs:{name}", args=[share.token, *args])


def links(share: Share) -> list[str]:
    """All addresses below a share's link."""
    first = pictures_of(share.job)[0].pk
    alone = [link(share, name) for name in ("shared", "shared_zip", "shared_report")]
    return alone + [link(share, f"shared_{name}", first) for name in ("picture", "preview", "file")]


def plain(response: Any) -> str:
    """A page without its CSRF token, which differs each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", body_of(response).decode())


def test_a_visitor_sees_the_pictures_without_names(user: User, job: Job, visitor: Client) -> None:
    user.name = "Ada Lovelace"
    user.save()
    share = shares.create(user, job)
    page = plain(visitor.get(link(share)))
    assert "<h1>Shared pictures</h1>" in page
    assert "3 pictures" in page
    assert 'alt="Picture 3"' in page
    for secret in ("disc-", user.email, "Ada Lovelace", job.title):
        assert secret not in page
    assert ".zip" not in page, "for viewing only"
    large = plain(visitor.get(link(share, "shared_picture", pictures_of(job)[1].pk)))
    assert "2 of 3" in large
    assert "disc-" not in large
    assert 'rel="prev"' in large
    assert 'rel="next"' in large


def test_names_are_shown_where_the_owner_chose_so(user: User, job: Job, visitor: Client) -> None:
    user.name = "Ada Lovelace"
    user.save()
    share = shares.create(user, job, title="Shoes", show_names=True, show_owner=True, may_download=True)
    page = plain(visitor.get(link(share)))
    assert "<h1>Shoes</h1>" in page
    assert "shared by Ada Lovelace" in page
    assert 'alt="disc-2.png"' in page
    assert user.email not in page
    file = visitor.get(link(share, "shared_file", pictures_of(job)[0].pk))
    assert file["Content-Disposition"] == 'attachment; filename="disc-0.png"'


ENDS: dict[str, Callable[[Share], object]] = {
    "revoked": shares.revoke,
    "expired": lambda share: Share.objects.filter(pk=share.pk).update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now()
    ),
    "hidden": lambda share: Share.objects.filter(pk=share.pk).update(hidden_at=timezone.now()),
    "suspended": lambda share: suspension.suspend(share.user, until=None, reason="abuse"),
    "closed": lambda share: User.objects.filter(pk=share.user_id).update(is_active=False),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_link_answers_like_an_unknown_one(end: str, user: User, job: Job, visitor: Client) -> None:
    share = shares.create(user, job, may_download=True)
    unknown = visitor.get(reverse("jobs:shared", args=[UNKNOWN]))
    assert (unknown.status_code, "This link does not work" in plain(unknown)) == (404, True)
    for address in links(share):
        assert visitor.get(address).status_code == 200, address
    ENDS[end](share)
    for address in links(share):
        gone = visitor.get(address)
        assert (gone.status_code, plain(gone)) == (404, plain(unknown)), address
        assert gone["X-Robots-Tag"] == unknown["X-Robots-Tag"]


def test_other_pictures_are_not_found(user: User, job: Job, visitor: Client) -> None:
    first, second, _ = pictures_of(job)
    elsewhere = pictures_of(complete_all(make_job(user)))[0]
    waiting = pictures_of(make_job(user))[0]
    share = shares.create(user, job, [first.pk], may_download=True)
    for picture in (second, elsewhere, waiting):
        for name in ("shared_picture", "shared_preview", "shared_file"):
            assert visitor.get(link(share, name, picture.pk)).status_code == 404
    Picture.objects.filter(pk=first.pk).update(hidden_at=timezone.now())
    for name in ("shared_picture", "shared_preview", "shared_file"):
        assert visitor.get(link(share, name, first.pk)).status_code == 404


def test_view_only_never_serves_the_full_file(user: User, job: Job, visitor: Client) -> None:
    first = pictures_of(job)[0]
    share = shares.create(user, job)
    assert body_of(visitor.get(link(share, "shared_preview", first.pk))) == encoded("WEBP")
    for address in (link(share, "shared_file", first.pk), link(share, "shared_zip")):
        assert visitor.get(address).status_code == 404
    share.refresh_from_db()
    assert share.downloads == 0


def test_a_password_opens_this_share_only(user: User, job: Job, visitor: Client) -> None:
    share = shares.create(user, job, password=PASSWORD, may_download=True)
    other = shares.create(user, job, password=PASSWORD)
    first = pictures_of(job)[0]
    door = visitor.get(link(share))
    assert (door.status_code, "These pictures have a password" in plain(door)) == (200, True)
    assert "Picture 1" not in plain(door)
    assert visitor.get(link(share, "shared_picture", first.pk))["Location"] == link(share)
    for address in (
        link(share, "shared_preview", first.pk),
        link(share, "shared_file", first.pk),
        link(share, "shared_zip"),
    ):
        assert visitor.get(address).status_code == 404
    wrong = visitor.post(link(share), {"password": "wrong password"})
    assert (wrong.status_code, "This is not the password" in plain(wrong)) == (400, True)
    assert "share" not in wrong.cookies
    share.refresh_from_db()
    assert share.views == 0

    opened = visitor.post(link(share), {"password": PASSWORD})
    assert (opened.status_code, opened["Location"]) == (302, link(share))
    cookie = opened.cookies["share"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (link(share), True, "Lax")
    assert "Picture 1" in plain(visitor.get(link(share)))
    assert visitor.get(link(share, "shared_file", first.pk)).status_code == 200
    # The test client sends all cookies everywhere, so this is the signature's work, not the path's.
    assert "These pictures have a password" in plain(visitor.get(link(other)))
    forged = Client()
    forged.cookies["share"] = f"{share.pk.hex}:0:forged"
    assert "These pictures have a password" in plain(forged.get(link(share)))


def test_too_many_wrong_passwords_are_refused(
    user: User, job: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_access, "ATTEMPTS_OF_ADDRESS", share_access.Limit(1, 10**9))
    share = shares.create(user, job, password=PASSWORD)
    assert visitor.post(link(share), {"password": "wrong"}).status_code == 400
    refused = visitor.post(link(share), {"password": PASSWORD})
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    assert "share" not in refused.cookies
    assert Client(REMOTE_ADDR="192.0.2.9").post(link(share), {"password": PASSWORD}).status_code == 302


def test_responses_are_private_and_not_indexed(
    user: User, job: Job, visitor: Client, settings: LazySettings
) -> None:
    share = shares.create(user, job, may_download=True)
    for address in links(share):
        response = visitor.get(address)
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive, noimageindex"
        report = address.endswith("/report/")
        assert response["Referrer-Policy"] == ("same-origin" if report else "no-referrer")
        cache = "private, max-age=300" if address.endswith("/preview/") else "private, no-store"
        assert response["Cache-Control"] == cache
        if response["Content-Type"].startswith("text/html"):
            assert '<meta name="robots" content="noindex, nofollow, noarchive">' in plain(response)
    assert body_of(visitor.get("/robots.txt")) == b"User-agent: *\nDisallow: /s/\n"
    settings.PATH_PREFIX = "/cutouts"
    assert body_of(visitor.get("/robots.txt")) == b"User-agent: *\nDisallow: /cutouts/s/\n"


def test_the_archive_holds_exactly_the_shared_results(
    user: User, job: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _, third = pictures_of(job)
    share = shares.create(user, job, [first.pk, third.pk], may_download=True, title="A/B")
    archive = visitor.get(link(share, "shared_zip"))
    assert archive["Content-Disposition"] == 'attachment; filename="A_B.zip"'
    with zipfile.ZipFile(io.BytesIO(body_of(archive))) as files:
        assert files.namelist() == ["picture-0001.png", "picture-0002.png"]
        assert files.read("picture-0001.png") == encoded("PNG")
    monkeypatch.setattr(shared, "PICTURES_AN_ARCHIVE", 1)
    assert "Download part 2 of 2" in plain(visitor.get(link(share)))
    part = visitor.get(link(share, "shared_zip"), {"part": "2"})
    with zipfile.ZipFile(io.BytesIO(body_of(part))) as files:
        assert files.namelist() == ["picture-0002.png"]
    assert visitor.get(link(share, "shared_zip"), {"part": "3"}).status_code == 404


def test_downloads_are_limited_by_address(
    user: User, job: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_access, "FILES", share_access.Limit(1, 10**9))
    monkeypatch.setattr(share_access, "ARCHIVES", share_access.Limit(1, 10**9))
    share = shares.create(user, job, may_download=True)
    for address in (link(share, "shared_file", pictures_of(job)[0].pk), link(share, "shared_zip")):
        assert [visitor.get(address).status_code for _ in range(2)] == [200, 429]
        assert visitor.get(address, REMOTE_ADDR="192.0.2.9").status_code == 200
    share.refresh_from_db()
    assert share.downloads == 4


def test_visits_are_counted_but_not_the_owners(
    user: User, job: Job, visitor: Client, client_of: SignIn
) -> None:
    share = shares.create(user, job)
    client_of(user).get(link(share))
    visitor.head(link(share))
    share.refresh_from_db()
    assert (share.views, share.last_viewed_at) == (0, None)
    for _ in range(3):
        visitor.get(link(share))
    visitor.get(link(share, "shared_picture", pictures_of(job)[0].pk))
    share.refresh_from_db()
    assert share.views == 1
    assert share.last_viewed_at is not None


def test_the_gallery_has_pages(
    user: User, job: Job, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.selectors import shares as selectors

    monkeypatch.setattr(selectors, "PICTURES_PER_PAGE", 2)
    monkeypatch.setattr(selectors.pictures_of, "__defaults__", (0, 2))
    share = shares.create(user, job)
    first, second = (plain(visitor.get(link(share), {"page": page})) for page in ("1", "2"))
    assert ('alt="Picture 2"' in first, 'alt="Picture 3"' in first, "?page=2" in first) == (True, False, True)
    assert ('alt="Picture 3"' in second, "?page=1" in second, "?page=3" in second) == (True, True, False)
    assert visitor.get(link(share), {"page": "3"}).status_code == 404


def test_a_visitor_reports_a_share(user: User, job: Job, visitor: Client) -> None:
    share = shares.create(user, job, password=PASSWORD)
    address = link(share, "shared_report")
    assert visitor.post(address, {"words": "no reason"}).status_code == 400
    assert not Report.objects.exists()
    sent = visitor.post(address, {"reason": "copyright", "words": "Picture 2 is mine."})
    assert (sent.status_code, sent["Location"]) == (302, link(share))
    report = Report.objects.get()
    assert (report.reason, report.words, report.reporter) == ("copyright", "Picture 2 is mine.", None)
    assert (report.case.target, report.case.user) == (share.pk, user)
    assert "A moderator will look at it" in plain(visitor.get(link(share)))


def test_a_report_names_who_is_signed_in_and_reports_are_limited(
    user: User, stranger: User, job: Job, client_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share_access, "REPORTS", share_access.Limit(1, 10**9))
    share = shares.create(user, job)
    client, about = client_of(stranger), {"reason": "other"}
    assert client.post(link(share, "shared_report"), about).status_code == 302
    assert client.post(link(share, "shared_report"), about).status_code == 429
    assert [report.reporter for report in Report.objects.all()] == [stranger]


def test_the_owner_creates_copies_and_revokes(user: User, job: Job, client_of: SignIn) -> None:
    client = client_of(user)
    first = pictures_of(job)[0]
    form = plain(client.get(reverse("jobs:share_create", args=[job.pk]), {"picture": str(first.pk)}))
    assert "One picture of" in form
    assert f'name="picture" value="{first.pk}"' in form
    made = client.post(
        reverse("jobs:share_create", args=[job.pk]),
        {"picture": str(first.pk), "title": "For you", "days": "7", "password": PASSWORD},
    )
    share = Share.objects.get()
    assert made["Location"] == f"{reverse('jobs:shares')}#share-{share.pk}"
    assert (share.title, share.kind, share.may_download) == ("For you", "picture", False)
    page = plain(client.get(reverse("jobs:shares")))
    assert f"http://testserver{link(share)}" in page
    client.post(reverse("jobs:share_revoke", args=[share.pk]))
    assert link(share) not in plain(client.get(reverse("jobs:shares")))
    shares.create(user, job)
    client.post(reverse("jobs:shares_revoke"))
    assert {share.state for share in Share.objects.all()} == {"revoked"}


def test_a_wrong_form_creates_nothing(user: User, job: Job, client_of: SignIn) -> None:
    client = client_of(user)
    address = reverse("jobs:share_create", args=[job.pk])
    for data in ({"days": "366"}, {"days": "30", "password": "short"}, {}):
        assert client.post(address, data).status_code == 400
    assert client.get(address, {"picture": "no id"}).status_code == 404
    elsewhere = pictures_of(complete_all(make_job(user)))[0]
    refused = client.post(address, {"days": "30", "picture": str(elsewhere.pk)})
    assert (refused.status_code, "is not in this job" in plain(refused)) == (400, True)
    assert not Share.objects.exists()


def test_a_stale_selection_never_becomes_the_whole_job(user: User, job: Job, client_of: SignIn) -> None:
    address = reverse("jobs:share_create", args=[job.pk])
    client = client_of(user)
    chosen = pictures_of(job)[0]
    assert client.get(address, {"picture": chosen.pk}).status_code == 200
    Picture.objects.filter(pk=chosen.pk).update(state="queued", finished_at=None)
    answer = client.get(address, {"picture": chosen.pk})
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("jobs:job", args=[job.pk]))
