"""Refused pictures: no upload of the same bytes is accepted, and similar ones are found by index."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.models import AuditAction, AuditEntry, Entry, Storage, User
from jobs import storage
from jobs.compat.error_handling import to_compat_error
from jobs.errors import UploadRefusedError
from jobs.models import Backdrop, Improvement, Job, RefusedPicture, Upload
from jobs.models.refused_picture import MAX_DISTANCE, distance_between, signed
from jobs.selectors.refused_pictures import nearest, sharing_a_band
from jobs.services import backdrops, improvements, refused_pictures, synchronous
from jobs.services.synchronous import Source
from segmentation import pictures
from segmentation.recipe import Recipe
from tests.conftest import make_picture, make_upload
from tests.jobs.factories import stored_files

pytestmark = pytest.mark.django_db
BYTES = make_picture(40, 30)
DIGEST = hashlib.sha256(BYTES).hexdigest()
ADDRESS = "/admin/jobs/refusedpicture/"


@pytest.fixture
def refused(stranger: User) -> RefusedPicture:
    """The picture BYTES, on the list."""
    return refused_pictures.add(DIGEST, size=len(BYTES), note="not here", moderator=stranger)


@pytest.mark.usefixtures("refused")
def test_an_upload_of_a_refused_picture_stores_and_charges_nothing(user: User) -> None:
    upload = make_upload(user, content=BYTES)

    assert (upload.state, upload.error_code) == ("refused", "refused_picture")
    assert upload.error_sentence == refused_pictures.SENTENCE
    assert stored_files() == []
    assert not Entry.objects.exists()
    assert Storage.objects.filter(user=user).values_list("bytes", flat=True).first() in {None, 0}


@pytest.mark.usefixtures("refused")
def test_the_page_gets_the_code(user: User, client_of: Callable[[User], Client]) -> None:
    upload = Upload.objects.create(user=user, name="a.png", announced_size=len(BYTES))
    storage.write(storage.incoming_key(upload.pk), BYTES)

    answer = client_of(user).post(f"/uploads/{upload.pk}/finish/")

    assert (answer.status_code, answer.json()["code"]) == (422, "refused_picture")
    assert stored_files() == []


@pytest.mark.usefixtures("refused")
def test_a_file_of_another_size_is_not_read(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(key: str) -> Any:
        raise AssertionError(key)

    monkeypatch.setattr(storage, "chunks", never)
    assert make_upload(user, content=make_picture(41, 31)).state == "uploaded"


def test_an_entry_without_a_size_refuses_as_well(user: User, stranger: User) -> None:
    refused_pictures.add(DIGEST, moderator=stranger)
    assert make_upload(user, content=BYTES).error_code == "refused_picture"
    assert make_upload(user, content=make_picture(41, 31)).state == "uploaded"


@pytest.mark.usefixtures("refused", "valkey")
def test_calls_backgrounds_and_improvements_are_refused(user: User) -> None:
    source = Source(BYTES, "a.png", pictures.inspect(BYTES))
    with pytest.raises(UploadRefusedError) as call:
        synchronous.begin(user, source, Recipe(model="u2netp"), token=None)
    with pytest.raises(UploadRefusedError):
        backdrops.take_in(user, BYTES)
    with pytest.raises(UploadRefusedError):
        improvements.keep(user, source)

    assert (call.value.code, call.value.status) == ("refused_picture", 422)
    compatible = to_compat_error(call.value)
    assert (compatible.code, compatible.status) == ("refused_picture", 400)
    for model in (Job, Upload, Backdrop, Improvement, Entry):
        assert not model.objects.exists()
    assert stored_files() == []


def test_adding_twice_keeps_one_entry_and_fills_in_what_it_lacks(user: User) -> None:
    first = refused_pictures.add(DIGEST, note="one", moderator=user)
    second = refused_pictures.add(DIGEST, size=7, phash=-5, note="two", moderator=user)

    assert (second.pk, second.note, second.size, second.phash) == (first.pk, "one", 7, -5)
    assert (second.band0, second.band3) == (0xFFFB, 0xFFFF)
    assert [(row.action, row.reason) for row in AuditEntry.objects.all()] == [("picture_refused", "one")]


def test_a_picture_that_is_taken_off_the_list_is_accepted_again(
    user: User, stranger: User, refused: RefusedPicture
) -> None:
    assert refused_pictures.remove(refused, moderator=stranger)
    assert not refused_pictures.remove(refused, moderator=stranger)

    assert make_upload(user, content=BYTES).state == "uploaded"
    assert AuditEntry.objects.filter(action=AuditAction.REFUSAL_LIFTED, actor=stranger.pk).count() == 1


@pytest.mark.parametrize("distance", range(MAX_DISTANCE + 1))
def test_similar_pictures_are_found_up_to_the_distance(user: User, distance: int) -> None:
    dice = random.Random(distance)
    kept = dice.getrandbits(64)
    entry = refused_pictures.add(DIGEST, phash=signed(kept), moderator=user)
    for _ in range(20):
        bits = dice.sample(range(64), distance + 1)
        near = kept ^ sum(1 << bit for bit in bits[:distance])
        assert distance_between(signed(near), signed(kept)) == distance
        assert nearest(signed(near), distance) == (entry, distance)
        assert nearest(signed(near ^ (1 << bits[distance])), distance) is None


def test_the_nearest_of_several_is_returned(user: User) -> None:
    refused_pictures.add("1" * 64, phash=0b111, moderator=user)
    entry = refused_pictures.add("2" * 64, phash=0b1, moderator=user)
    assert nearest(0, 4) == (entry, 1)


@pytest.mark.parametrize("distance", [-1, MAX_DISTANCE + 1])
def test_a_distance_that_the_indexes_do_not_cover_is_an_error(distance: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 7"):
        nearest(0, distance)


def test_the_search_reads_four_indexes_and_not_the_list() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = sharing_a_band(12345, MAX_DISTANCE).explain()
    assert "SCAN jobs_refusedpicture" not in plan
    assert "Seq Scan" not in plan
    assert all(f"refused_picture_band{number}" in plan for number in range(4)), plan


@pytest.fixture
def moderator(make_user: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    """A browser of a member of staff who may add to the list and view it, but delete nothing."""
    staff = make_user("mod@example.org", is_staff=True)
    names = ["add_refusedpicture", "view_refusedpicture"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    return client_of(staff)


def test_staff_add_a_file_or_a_hash(moderator: Client, make_user: Callable[..., User]) -> None:
    file = SimpleUploadedFile("a.png", BYTES)
    assert moderator.post(f"{ADDRESS}add/", {"file": file, "note": "by file"}).status_code == 302
    hashes = {"sha256": "AB" * 32, "similar": "F000000000000001", "note": "by hash"}
    assert moderator.post(f"{ADDRESS}add/", hashes).status_code == 302

    by_hash, by_file = RefusedPicture.objects.all()
    assert (by_file.sha256, by_file.size, by_file.phash) == (DIGEST, len(BYTES), None)
    assert (by_hash.sha256, by_hash.size, by_hash.phash) == ("ab" * 32, None, 0xF000000000000001 - 2**64)
    assert by_file.added_by == User.objects.get(email="mod@example.org").pk
    assert moderator.get(ADDRESS).status_code == 200
    assert moderator.get(f"{ADDRESS}{by_file.pk}/change/").status_code == 200
    assert stored_files() == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Choose a file, or write its SHA-256."),
        ({"sha256": "xyz"}, "Write 64 hexadecimal digits."),
        ({"sha256": "a" * 64, "similar": "12"}, "Write 16 hexadecimal digits."),
        ({"sha256": DIGEST}, "This picture is on the list already."),
    ],
)
@pytest.mark.usefixtures("refused")
def test_a_wrong_entry_is_refused(moderator: Client, given: dict[str, str], sentence: str) -> None:
    page = moderator.post(f"{ADDRESS}add/", given)
    assert (page.status_code, RefusedPicture.objects.count()) == (200, 1)
    assert sentence in page.content.decode()


def test_each_action_needs_its_permission(
    moderator: Client,
    refused: RefusedPicture,
    make_user: Callable[..., User],
    client_of: Callable[[User], Client],
) -> None:
    nobody = client_of(make_user(is_staff=True))
    for address in (
        ADDRESS,
        f"{ADDRESS}add/",
        f"{ADDRESS}{refused.pk}/change/",
        f"{ADDRESS}{refused.pk}/delete/",
    ):
        assert nobody.get(address).status_code == 403, address
    assert moderator.post(f"{ADDRESS}{refused.pk}/delete/", {"post": "yes"}).status_code == 403
    assert moderator.post(f"{ADDRESS}{refused.pk}/change/", {"note": "x"}).status_code == 403
    assert RefusedPicture.objects.get().note == "not here"

    root = client_of(make_user(is_staff=True, is_superuser=True))
    assert root.post(f"{ADDRESS}{refused.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not RefusedPicture.objects.exists()
    assert AuditEntry.objects.filter(action=AuditAction.REFUSAL_LIFTED).count() == 1
