"""Storage is reserved for requested results and settled when they are made; it never exceeds the quota."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as site
from django.db import connection, transaction
from PIL import Image
from pytest_django import Settings

from accounts.errors import QuotaExceededError
from accounts.models import Plan, Storage, User
from accounts.reserved import reserved_of
from accounts.services import quota
from bgplatform.local import process_tree
from jobs.models import Matte, Picture, Rendition, RenditionRequest
from jobs.services import (
    lines,
    removal,
    rendition_requests,
    retry,
    storage_reservation,
    storage_usage,
    submit,
)
from jobs.worker import rendering
from segmentation import result_size, weights
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_upload
from tests.jobs.at_once import at_once
from tests.jobs.factories import complete, pictures_of, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
ROOT = Path(__file__).resolve().parents[3]
RECIPE = Recipe(model="u2netp")
MOST = 50_000_000
EACH = result_size.expected_bytes(64 * 48, Recipe(model="u2netp", format="webp"))
with_weights = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)


@pytest.fixture(autouse=True)
def _a_plan() -> None:
    Plan.objects.get_or_create(is_default=True, defaults={"name": "Standard"})


@pytest.fixture
def picture(user: User) -> Picture:
    """A finished picture of 64×48 pixels. Its files have 8×6 pixels."""
    picture = pictures_of(make_job(user))[0]
    complete(picture)
    picture.refresh_from_db()
    return picture


def room_for(user: User, size: int) -> None:
    """Sets the plan's limit to the current usage plus this many bytes."""
    Plan.objects.update(storage_bytes=Storage.objects.get(user=user).bytes + size)
    # Drop the values that the user object has cached.
    user.refresh_from_db()


def webp(number: int) -> Recipe:
    return Recipe(model="u2netp", format="webp", quality=10 + number)


def ask(picture: Picture, number: int) -> Any:
    return rendition_requests.render(picture, Matte.objects.get(picture=picture), webp(number))


def matte_file() -> io.BytesIO:
    out = io.BytesIO()
    Image.fromarray(np.full((48, 64), 200, np.uint8)).save(out, "PNG")
    return out


def counters_are_exact() -> None:
    assert storage_usage.recount(User.objects.all()) == {}


def test_concurrent_rendition_requests_are_admitted_until_the_storage_is_reserved(
    user: User, picture: Picture
) -> None:
    room_for(user, 3 * EACH + EACH // 2)
    answers = at_once(lambda number: ask(Picture.objects.get(pk=picture.pk), number), 20)
    assert Counter(getattr(answer, "code", type(answer).__name__) for answer in answers) == {
        "RenditionRequest": 3,
        "storage_full": 17,
    }
    assert (reserved_of(user.pk), RenditionRequest.objects.count()) == (3 * EACH, 3)
    counters_are_exact()


def test_concurrent_renditions_mattes_jobs_and_uploads_share_the_storage(
    user: User, picture: Picture
) -> None:
    sent = matte_file().getbuffer().nbytes
    job = picture.job
    new_picture = storage_reservation.of_picture(picture, RECIPE, MOST)
    room_for(user, 2 * (sent + new_picture))

    def one(number: int) -> Any:
        mine = Picture.objects.get(pk=picture.pk)
        if number % 4 == 0:
            return rendition_requests.correct(mine, matte_file(), sent, recipe=RECIPE)
        if number % 4 == 1:
            return submit.again(job, webp(number))
        if number % 4 == 2:
            return make_upload(User.objects.get(pk=user.pk), f"{number}.png")
        return ask(mine, number)

    at_once(one, 16)
    limit = Plan.objects.get().storage_bytes or 0
    used = Storage.objects.get(user=user).bytes
    assert used + reserved_of(user.pk) <= limit
    assert reserved_of(user.pk) > 0
    counters_are_exact()


def test_a_job_that_does_not_fit_is_refused_with_the_reserved_bytes(user: User) -> None:
    uploads = [make_upload(user, f"{number}.png").pk for number in range(6)]
    (first,) = pictures_of(make_job(user))
    each = first.reserved
    assert each == storage_reservation.of_picture(first, Recipe.parse(first.job.recipe), MOST)
    room_for(user, 3 * each)
    with pytest.raises(QuotaExceededError, match="are reserved for pending results") as refused:
        submit.submit(user, uploads[:3], RECIPE)
    assert refused.value.code == "storage_full"
    submit.submit(user, uploads[:2], RECIPE)
    assert reserved_of(user.pk) == 3 * each


def test_a_repeated_rendition_request_reserves_nothing_more(user: User, picture: Picture) -> None:
    room_for(user, EACH)
    assert ask(picture, 1).pk == ask(picture, 1).pk
    assert reserved_of(user.pk) == EACH


@with_weights
def test_a_result_replaces_its_reservation(user: User, picture: Picture) -> None:
    room_for(user, EACH + 2048)
    before = Storage.objects.get(user=user).bytes
    # The factory's results have 8×6 pixels; this matte has the source's size.
    rendition_request = rendition_requests.correct(
        picture, matte_file(), matte_file().getbuffer().nbytes, recipe=webp(1)
    )
    assert rendition_request.reserved == reserved_of(user.pk) > 0
    rendering.fulfil(rendition_request.pk)
    made = Rendition.objects.get(pk=rendition_request.pk)
    assert reserved_of(user.pk) == 0
    assert Storage.objects.get(user=user).bytes == before + made.size + made.matte.size
    counters_are_exact()


@with_weights
def test_a_result_larger_than_reserved_that_does_not_fit_fails_without_files(
    user: User, picture: Picture
) -> None:
    room_for(user, 10_000)
    rendition_request = rendition_requests.correct(
        picture, matte_file(), matte_file().getbuffer().nbytes, recipe=webp(1)
    )
    RenditionRequest.objects.update(reserved=1)
    room_for(user, 2)
    files, before = stored_files(), Storage.objects.get(user=user).bytes
    rendering.fulfil(rendition_request.pk)
    rendition_request.refresh_from_db()
    assert (rendition_request.state, rendition_request.error_code) == ("failed", "storage_full")
    assert Storage.objects.get(user=user).bytes == before
    assert reserved_of(user.pk) == 0
    assert Matte.objects.count() == 1
    assert set(stored_files()) == {key for key in files if not key.startswith("incoming/")}
    counters_are_exact()


def test_failed_cancelled_and_deleted_rows_reserve_nothing(user: User, picture: Picture) -> None:
    waiting, other = make_job(user, 2), make_job(user)
    rendition_request = ask(picture, 1)
    assert reserved_of(user.pk) == rendition_request.reserved + sum(
        row.reserved for job in (waiting, other) for row in pictures_of(job)
    )
    removal.cancel(waiting)
    removal.delete_jobs([other.pk])
    assert reserved_of(user.pk) == rendition_request.reserved == EACH
    removal.delete_pictures([picture.pk])
    assert reserved_of(user.pk) == 0
    counters_are_exact()

    one = pictures_of(waiting)[0].reserved
    room_for(user, 2 * one - 1)
    with pytest.raises(QuotaExceededError):
        retry.retry_failed(waiting)
    assert reserved_of(user.pk) == 0
    room_for(user, 2 * one)
    assert retry.retry_failed(waiting) == 2
    assert reserved_of(user.pk) == 2 * one
    counters_are_exact()


def test_a_lost_lease_keeps_its_reservation_until_the_last_attempt(
    user: User, picture: Picture, settings: Settings
) -> None:
    settings.MAX_ATTEMPTS = 2
    rendition_request = ask(picture, 1)
    for left in (EACH, 0):
        assert lines.RENDITIONS.claim(rendition_request.pk)
        assert reserved_of(user.pk) == EACH
        RenditionRequest.objects.update(lease_until="2020-01-01T00:00:00Z")
        lines.RENDITIONS.recover_lost()
        assert reserved_of(user.pk) == left
    counters_are_exact()


@with_weights
@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_killed_worker_leaves_the_storage_counters_exact(
    user: User, picture: Picture, tmp_path: Path, settings: Settings
) -> None:
    """It is killed after it writes its files and before it writes its rows."""
    room_for(user, 10_000)
    rendition_request = rendition_requests.correct(
        picture, matte_file(), matte_file().getbuffer().nbytes, recipe=webp(1)
    )
    place, before = rendition_request.reserved, Storage.objects.get(user=user).bytes
    worker = _worker_that_stops_before_its_rows(rendition_request, tmp_path)
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"written\n"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert RenditionRequest.objects.get().state == "running"
    assert (reserved_of(user.pk), Storage.objects.get(user=user).bytes) == (place, before)
    with pytest.raises(QuotaExceededError), transaction.atomic():
        quota.add_storage(user, 10_000 - place + 1)

    RenditionRequest.objects.update(lease_until="2020-01-01T00:00:00Z")
    assert lines.RENDITIONS.recover_lost() == 1
    assert reserved_of(user.pk) == place
    rendering.fulfil(rendition_request.pk)
    made = Rendition.objects.get(pk=rendition_request.pk)
    assert reserved_of(user.pk) == 0
    assert Storage.objects.get(user=user).bytes == before + made.size + made.matte.size
    counters_are_exact()


def _worker_that_stops_before_its_rows(
    rendition_request: RenditionRequest, state: Path
) -> subprocess.Popen[bytes]:
    named = connection.settings_dict
    lite = f"sqlite:///{named['NAME']}"
    server = f"postgres://{named['USER']}@{named['HOST']}:{named['PORT']}/{named['NAME']}"
    script = f"""
import django, threading, uuid
django.setup()
from jobs.worker import rendering
def stop(*rows):
    print("written", flush=True)
    threading.Event().wait()
rendering._conclude = stop
rendering.fulfil(uuid.UUID("{rendition_request.pk}"))
"""
    own = {
        "DATABASE_URL": lite if connection.vendor == "sqlite" else server,
        "BGPLATFORM_STATE": str(state),
        "DJANGO_SETTINGS_MODULE": "bgplatform.settings",
        "MODEL": site.MODEL,
    }
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        preexec_fn=process_tree.die_with_parent,
    )


def test_estimates_use_the_size_of_the_result() -> None:
    small = Recipe(size=Recipe.parse({"size": "100x100"}).size)
    assert result_size.expected(4000, 3000, small) == (100, 100)
    assert result_size.expected(640, 480, Recipe.parse({"size": "10000x"})) == (10_000, 7_500)
    assert result_size.expected(100, 100, Recipe.parse({"crop": True, "crop_margin": "50%"})) == (200, 200)
    assert result_size.expected(4000, 3000, Recipe.parse({"size": "3mp"})) == (2000, 1500)


def test_without_a_limit_reservations_are_not_summed(
    user: User, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "reserved_of", lambda _: pytest.fail("nobody needs to know"))
    assert isinstance(ask(picture, 1), RenditionRequest)
