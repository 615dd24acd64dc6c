"""Orphan sweep: finds files that no row names, spares those still needed, and deletes the rest once old."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from jobs import storage
from jobs.models import Job, Picture
from jobs.services import lines, orphans, uploads
from tests.conftest import make_job, make_upload
from tests.jobs.factories import complete_all, keys_of, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

NOW = timedelta(0)


def litter(picture: Picture) -> list[str]:
    """Writes what an attempt on a picture may leave: one file of each kind, under keys that no row names."""
    digest = "ab" * 32
    keys = [
        storage.thumb_key(picture.pk),
        storage.matte_key(picture.pk, 7),
        storage.rendition_key(picture.pk, 7, digest, "png"),
        storage.preview_key(picture.pk, 7, digest),
    ]
    for key in keys:
        storage.write(key, b"left")
    return keys


def aged(*keys: str, hours: float) -> None:
    """Sets the modification time of files back."""
    root = Path(django_settings.STORAGES["default"]["OPTIONS"]["location"])
    for key in keys:
        then = time.time() - hours * 3600
        os.utime(root / key, (then, then))


def test_files_named_by_rows_stay(user: User) -> None:
    job = complete_all(make_job(user, 3))
    make_upload(user)
    before = stored_files()
    assert orphans.sweep_all(NOW) == 0
    assert stored_files() == before
    assert set(keys_of(job)) < set(before)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_leftovers_of_a_picture_without_a_result_are_deleted(user: User, state: str) -> None:
    picture = Picture.objects.get(job=make_job(user))
    claim = lines.PICTURES.claim(picture.pk)
    assert claim is not None
    facts = {"error_code": "x", "error_sentence": "y"} if state == "failed" else {}
    lines.PICTURES.end(claim, state, **facts)
    litter(picture)
    assert orphans.sweep_all(NOW) == 4
    assert stored_files() == [picture.source_key]


def test_leftovers_beside_a_result_are_deleted_and_the_result_stays(user: User) -> None:
    job = complete_all(make_job(user))
    storage.write(storage.matte_key(Picture.objects.get(job=job).pk, 9), b"left")
    assert orphans.sweep_all(NOW) == 1
    assert stored_files() == sorted(keys_of(job))


@pytest.mark.parametrize("running", [False, True])
def test_files_of_queued_and_running_pictures_stay(user: User, running: bool) -> None:
    picture = Picture.objects.get(job=make_job(user))
    if running:
        lines.PICTURES.claim(picture.pk)
    litter(picture)
    before = stored_files()
    assert orphans.sweep_all(NOW) == 0
    assert stored_files() == before


def test_ownerless_files_are_deleted_and_foreign_prefixes_stay(user: User) -> None:
    nobody = uuid4()
    for key in (f"incoming/{nobody}", f"sources/{nobody}", f"mattes/{nobody}/.part-x", "thumbs/.part-y"):
        storage.write(key, b"left")
    storage.write(f"elsewhere/{nobody}", b"not ours")
    assert orphans.sweep_all(NOW) == 4
    assert stored_files() == [f"elsewhere/{nobody}"]


def test_a_started_upload_keeps_its_bytes_and_a_finished_one_only_its_source(user: User) -> None:
    open_one = uploads.start(user, "a.png", 5)
    storage.write(storage.incoming_key(open_one.pk), b"bytes")
    finished = make_upload(user)
    # An S3 upload form stays valid for an hour, so the bytes may arrive again after the check.
    storage.write(storage.incoming_key(finished.pk), b"again")
    assert orphans.sweep_all(NOW) == 1
    assert stored_files() == sorted([storage.incoming_key(open_one.pk), finished.key])


def test_young_files_are_not_deleted(user: User) -> None:
    old, young = f"sources/{uuid4()}", f"sources/{uuid4()}"
    for key in (old, young):
        storage.write(key, b"left")
    aged(old, hours=2)
    call_command("sweep_orphans", older_than=1.0)
    assert stored_files() == [young]


@pytest.mark.parametrize("hours", ["1e9", "99999999999", "inf", "nan", "-1"])
def test_hours_out_of_range_are_refused(hours: str) -> None:
    storage.write(f"sources/{uuid4()}", b"left")
    sentence = "--older-than takes a number of hours from 0 to 1000000."
    with pytest.raises(CommandError, match=f"^{re.escape(sentence)}$"):
        call_command("sweep_orphans", f"--older-than={hours}")
    assert len(stored_files()) == 1


@pytest.mark.parametrize(("hours", "left"), [("0", 0), ("1000000", 1)])
def test_the_smallest_and_largest_hours_are_accepted(hours: str, left: int) -> None:
    storage.write(f"sources/{uuid4()}", b"left")
    call_command("sweep_orphans", f"--older-than={hours}")
    assert len(stored_files()) == left


def test_the_scheduler_sweeps_in_stretches_and_resumes(
    user: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ORPHAN_HOURS = 1
    monkeypatch.setattr(orphans, "AT_ONCE", 3)
    job: Job = complete_all(make_job(user, 4))
    left = sorted(f"sources/{uuid4()}" for _ in range(7))
    for key in left:
        storage.write(key, b"left")
    aged(*left, *stored_files(), hours=2)
    deleted = [orphans.sweep() for _ in range(5)]  # no files under incoming/; 11 sources in stretches of 3
    assert sum(deleted) == 7
    assert deleted[0] == 0
    assert max(deleted) <= 3
    assert cache.get(orphans.BOOKMARK) == "thumbs/"
    assert stored_files() == sorted(keys_of(job))


def test_the_sweep_survives_without_the_cache(user: User, redis_away: object) -> None:
    with redis_away():  # type: ignore[operator]
        assert orphans.sweep() == 0
