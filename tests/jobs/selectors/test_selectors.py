"""Reading: pages by keyset, cursors that cannot be forged into an error, queries that do not multiply."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from jobs import selectors
from jobs.models import Job, Matte, Picture, Rendition
from jobs.selectors.sorting import BadCursorError
from tests.jobs.factories import bare_job, complete, complete_all, pictures_of

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def made_at(user: User, moments: list[datetime]) -> list[Job]:
    jobs = [bare_job(user, title=f"job {number}") for number, _ in enumerate(moments)]
    for job, moment in zip(jobs, moments, strict=True):
        Job.objects.filter(pk=job.pk).update(created_at=moment)
        job.created_at = moment
    return jobs


def titles(page: selectors.Page[Job]) -> list[str]:
    return [job.title for job in page.items]


def test_history_is_ones_own_newest_first(user: User, stranger: User) -> None:
    made_at(user, [NOON, NOON + timedelta(hours=2), NOON + timedelta(hours=1)])
    bare_job(stranger)
    page = selectors.history(user)
    assert titles(page) == ["job 1", "job 2", "job 0"]
    assert (page.older, page.newer) == ("", "")
    assert selectors.history(stranger).items[0].user == stranger


def test_no_history_is_an_empty_page(user: User) -> None:
    page = selectors.history(user)
    assert (page.items, page.older, page.newer) == ([], "", "")


@pytest.mark.parametrize("apart", [0, 1], ids=["all at the same moment", "a second apart"])
def test_history_can_be_walked_there_and_back(user: User, apart: int) -> None:
    made = made_at(user, [NOON + timedelta(seconds=apart * number) for number in range(60)])
    expected = [job.pk for job in sorted(made, key=lambda job: (job.created_at, job.pk), reverse=True)]
    there, older = [], ""
    while True:
        page = selectors.history(user, older=older)
        there.append([job.pk for job in page.items])
        if not page.older:
            break
        older = page.older
    assert [len(items) for items in there] == [25, 25, 10]
    assert [pk for items in there for pk in items] == expected

    back, newer = [], page.newer
    while newer:
        page = selectors.history(user, newer=newer)
        back.append([job.pk for job in page.items])
        newer = page.newer
    assert back == [there[1], there[0]]
    assert page.older, "the first page leads on again"


@pytest.mark.parametrize("sort", ["", "oldest", "pictures", "name"])
def test_every_order_can_be_walked_there_and_back(user: User, sort: str) -> None:
    """With many ties, while pictures that are no concern of the order stand beside."""
    words = ["b", "A", "a|b", "Z", "é", "", "b"]
    made = [bare_job(user, number % 3 + 1, title=words[number % 7]) for number in range(60)]
    for number, job in enumerate(made):
        Job.objects.filter(pk=job.pk).update(created_at=NOON + timedelta(seconds=number % 4))
    wanted = {"sort": sort}
    there, older = [], ""
    while page := selectors.history(user, older=older, wanted=wanted):
        there.append(page.items)
        if not page.older:
            break
        older = page.older
    every = [job for items in there for job in items]
    assert [len(items) for items in there] == [25, 25, 10]
    assert {job.pk for job in every} == {job.pk for job in made}
    places = [(job.place, job.pk) for job in every]
    if sort != "name":
        assert places == sorted(places, reverse=sort != "oldest")
    else:
        # How letters follow each other is the database's; equal titles stand together, by id.
        groups = [
            place for number, place in enumerate(places) if not number or place[0] != places[number - 1][0]
        ]
        assert len(groups) == len({job.title.replace("A", "a").replace("Z", "z") for job in made})

    middle = selectors.history(user, newer=page.newer, wanted=wanted)
    first = selectors.history(user, newer=middle.newer, wanted=wanted)
    assert [first.items, middle.items] == there[:2]
    assert (first.newer, bool(first.older)) == ("", True)


@pytest.mark.parametrize(
    ("sort", "text"),
    [
        ("pictures", "x"),
        ("pictures", "-1"),
        ("pictures", "9" * 10),
        ("pictures", "٣"),
        ("name", "a\0b"),
        ("name", ""),
    ],
)
def test_a_cursor_of_another_kind_is_refused(user: User, sort: str, text: str) -> None:
    with pytest.raises(BadCursorError):
        selectors.history(user, older=cursor(f"{text}|{ANY}" if text else "no id"), wanted={"sort": sort})


def test_a_page_that_is_full_to_the_brim_leads_nowhere(user: User) -> None:
    made_at(user, [NOON] * selectors.JOBS_PER_PAGE)
    page = selectors.history(user)
    assert (len(page.items), page.older, page.newer) == (25, "", "")


def test_new_jobs_do_not_shift_the_pages(user: User) -> None:
    made_at(user, [NOON - timedelta(seconds=number) for number in range(30)])
    first = selectors.history(user)
    made_at(user, [NOON + timedelta(hours=1)] * 10)
    second = selectors.history(user, older=first.older)
    assert titles(second) == [f"job {number}" for number in range(25, 30)]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


ANY = "01890a5dac96774bbcceb302099a8057"
BAD_CURSORS = [
    "x",
    "é",
    "====",
    "%00",
    "A" * 5000,
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    cursor("no separator"),
    cursor("2026-01-02T12:00:00+00:00|not-a-uuid"),
    cursor(f"2026-01-02T12:00:00|{ANY}"),
    cursor(f"yesterday|{ANY}"),
    cursor(f"2026-01-02T12:00:00+00:00|{ANY}|more"),
    cursor(f"9999-12-31T23:59:59-23:59|{ANY}"),
    cursor(f"0001-01-01T00:00:00+23:59|{ANY}"),
]


@pytest.mark.parametrize("bad", BAD_CURSORS, ids=range(len(BAD_CURSORS)))
def test_a_cursor_that_we_did_not_write_is_refused(user: User, bad: str) -> None:
    bare_job(user)
    with pytest.raises(BadCursorError):
        selectors.history(user, older=bad)
    with pytest.raises(BadCursorError):
        selectors.history(user, newer=bad)


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
def test_a_cursor_at_the_end_of_time_is_an_ordinary_one(user: User, when: str) -> None:
    bare_job(user)
    both = selectors.history(user, older=cursor(f"{when}|{uuid4().hex}")).items
    both += selectors.history(user, newer=cursor(f"{when}|{uuid4().hex}")).items
    assert len(both) == 1


def test_a_history_line_knows_its_counts_and_first_pictures(user: User) -> None:
    job = bare_job(user, 6)
    pictures = pictures_of(job)
    complete(pictures[1])
    Picture.objects.filter(pk=pictures[5].pk).update(state="cancelled", finished_at=NOON)
    bare_job(user)
    shown = selectors.history(user).items[1]
    assert shown.counts == {"queued": 4, "running": 0, "done": 1, "failed": 0, "cancelled": 1}
    assert [picture.position for picture in shown.first_pictures] == [0, 1, 2, 3]
    assert [picture.state for picture in shown.first_pictures] == ["queued", "done", "queued", "queued"]


@pytest.mark.parametrize("count", [2, 25])
def test_history_costs_as_many_queries_for_a_full_page(
    user: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        bare_job(user, 3)
    with django_assert_num_queries(4):
        page = selectors.history(user)
        assert [len(job.first_pictures) for job in page.items] == [3] * count
        assert {picture.thumb_key for job in page.items for picture in job.first_pictures} == {""}


@pytest.mark.parametrize("count", [1, 60])
def test_a_job_costs_as_many_queries_for_a_full_page(
    user: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pk = bare_job(user, count).pk
    with django_assert_num_queries(4):
        job = selectors.job_of(user, pk)
        page = selectors.pictures_of(job)
        assert [picture.rendition for picture in page.items] == [None] * count
        assert job.counts["queued"] == count


def test_a_job_is_only_its_owners(user: User, stranger: User) -> None:
    job = bare_job(user)
    assert selectors.job_of(user, job.pk) == job
    with pytest.raises(Job.DoesNotExist):
        selectors.job_of(stranger, job.pk)
    picture = pictures_of(job)[0]
    assert selectors.picture_of(user, picture.pk) == picture
    with pytest.raises(Picture.DoesNotExist):
        selectors.picture_of(stranger, picture.pk)


def test_pictures_come_in_pages(user: User) -> None:
    job = bare_job(user, 130)
    first = selectors.pictures_of(job)
    assert ([p.position for p in first.items], first.older, first.newer) == (list(range(60)), "60", "")
    second = selectors.pictures_of(job, start=60)
    assert ([p.position for p in second.items], second.older, second.newer) == (
        list(range(60, 120)),
        "120",
        "0",
    )
    last = selectors.pictures_of(job, start=120)
    assert ([p.position for p in last.items], last.older, last.newer) == (list(range(120, 130)), "", "60")


@pytest.mark.parametrize("start", [130, 10**9, 2**63, 10**40])
def test_beyond_the_last_picture_is_an_empty_page(user: User, start: int) -> None:
    page = selectors.pictures_of(bare_job(user, 3), start=start)
    assert (page.items, page.older) == ([], "")


def test_before_the_first_picture_is_the_first_page(user: User) -> None:
    page = selectors.pictures_of(bare_job(user, 3), start=-5)
    assert (len(page.items), page.older, page.newer) == (3, "", "")


def test_a_deleted_picture_leaves_a_gap_and_no_hole_in_the_paging(user: User) -> None:
    job = bare_job(user, 62)
    Picture.objects.filter(job=job, position__in=[0, 30]).delete()
    page = selectors.pictures_of(job)
    assert (len(page.items), page.items[-1].position, page.older) == (60, 61, "")


def test_some_pictures_are_those_of_the_job_in_its_order(user: User, stranger: User) -> None:
    job, other = bare_job(user, 3), bare_job(stranger)
    first, _, third = pictures_of(job)
    foreign = pictures_of(other)[0]
    asked = [third.pk, foreign.pk, first.pk, uuid4(), third.pk]
    assert selectors.some_pictures_of(job, asked) == [first, third]
    assert selectors.some_pictures_of(job, []) == []


def test_the_newest_rendition_of_the_newest_matte_counts(user: User) -> None:
    picture = pictures_of(bare_job(user))[0]
    first = complete(picture)
    facts = {"recipe": {}, "key": "k", "preview_key": "p", "size": 1, "width": 1, "height": 1}
    second = Rendition.objects.create(picture=picture, matte=first.matte, recipe_digest="2", **facts)
    brushed = Matte.objects.create(
        picture=picture, revision=2, origin="brush", matte_digest="m", key="k", width=1, height=1
    )
    selectors.attach_renditions([picture])
    assert picture.rendition == second
    assert selectors.newest_matte(picture) == brushed
    third = Rendition.objects.create(picture=picture, matte=brushed, recipe_digest="1", **facts)
    Rendition.objects.create(picture=picture, matte=first.matte, recipe_digest="3", **facts)
    selectors.attach_renditions([picture])
    assert picture.rendition == third


def test_every_picture_comes_in_the_jobs_order_with_its_rendition(user: User) -> None:
    job = bare_job(user, 3)
    complete_all(job)
    pictures = selectors.every_picture_of(job)
    assert [picture.name for picture in pictures] == ["picture-0.png", "picture-1.png", "picture-2.png"]
    assert [picture.rendition.picture_id for picture in pictures if picture.rendition] == [
        picture.pk for picture in pictures_of(job)
    ]
    assert [picture.rendition for picture in selectors.every_picture_of(bare_job(user))] == [None]


def test_five_thousand_pictures_are_read_in_two_queries(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = bare_job(user, 5000)
    with django_assert_num_queries(2):
        assert len(selectors.every_picture_of(job)) == 5000
