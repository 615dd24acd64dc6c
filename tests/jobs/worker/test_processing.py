"""Processing a picture with real weights: rows and files of successes, failures and lost leases."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from PIL import Image

from accounts.models import User
from jobs import storage
from jobs.models import Discard, Job, Matte, Picture, Rendition
from jobs.services import lines, removal, retry
from jobs.worker import engine, processing, task
from jobs.worker.exclusive import ExclusiveLock
from segmentation import weights
from segmentation.errors import EngineError, WeightsError
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload

pytestmark = [
    pytest.mark.real,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]


def only_picture(job: Job) -> Picture:
    return Picture.objects.get(job=job)


def image_at(key: str) -> Image.Image:
    with storage.reading(key) as file:
        return Image.open(io.BytesIO(file.read()))


def files() -> set[str]:
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def job(user: User) -> Job:
    return make_job(user)


def test_a_queued_picture_becomes_a_matte_and_a_rendition(job: Job) -> None:
    processing.process(only_picture(job).pk)

    picture = only_picture(job)
    assert (picture.state, picture.attempts, picture.error_code) == ("done", 1, "")
    assert (picture.lease_token, picture.lease_until, picture.dispatched_at) == (None, None, None)
    assert 0 < picture.confidence <= 1
    matte, rendition = Matte.objects.get(), Rendition.objects.get()
    assert (matte.revision, matte.origin, matte.width, matte.height) == (1, "model", 64, 48)
    assert (rendition.extension, rendition.media_type, rendition.width, rendition.height) == (
        "png",
        "image/png",
        64,
        48,
    )
    assert rendition.recipe == Recipe(model="u2netp").as_dict()
    assert rendition.size == storage.size(rendition.key)
    assert files() == {
        picture.source_key,
        picture.thumb_key,
        matte.key,
        rendition.key,
        rendition.preview_key,
    }
    job.refresh_from_db()
    assert job.state == "finished"


def test_the_cut_out_has_unpremultiplied_colours_and_the_mattes_alpha(job: Job) -> None:
    processing.process(only_picture(job).pk)

    cut_out = image_at(Rendition.objects.get().key)
    alpha = np.asarray(image_at(Matte.objects.get().key))
    assert cut_out.mode == "RGBA"
    assert cut_out.size == (64, 48)
    assert np.array_equal(np.asarray(cut_out)[..., 3], alpha)
    assert alpha[24, 32] >= 250
    assert alpha[0, 0] == 0
    assert tuple(np.asarray(cut_out)[24, 32, :3]) == (230, 180, 90)


def test_a_second_run_does_nothing(job: Job) -> None:
    picture = only_picture(job)
    processing.process(picture.pk)
    before = files(), Rendition.objects.get().created_at

    processing.process(picture.pk)

    assert (files(), Rendition.objects.get().created_at) == before
    assert only_picture(job).attempts == 1


def test_a_picture_that_cannot_be_decoded_fails_with_a_sentence(user: User) -> None:
    whole = make_picture(400, 300, format="JPEG")
    truncated = make_upload(user, "cut.jpg", whole[: len(whole) // 2])
    assert truncated.state == "uploaded"
    from jobs.services import submit

    job = submit.submit(user, [truncated.pk, make_upload(user, "whole.png").pk], Recipe(model="u2netp"))

    for picture in Picture.objects.filter(job=job):
        processing.process(picture.pk)

    broken, whole_one = Picture.objects.filter(job=job).order_by("position")
    assert (broken.state, broken.attempts, broken.error_code) == ("failed", 1, "truncated_picture")
    assert broken.error_sentence.endswith(".")
    assert whole_one.state == "done"
    assert not Rendition.objects.filter(picture=broken).exists()
    job.refresh_from_db()
    assert job.state == "finished"


def test_a_picture_with_nothing_in_it_is_unknown_foreground(user: User) -> None:
    out = io.BytesIO()
    Image.new("RGB", (80, 80), (127, 127, 127)).save(out, "PNG")
    upload = make_upload(user, "grey.png", out.getvalue())
    from jobs.services import submit

    job = submit.submit(user, [upload.pk], Recipe(model="u2netp"))
    processing.process(only_picture(job).pk)

    assert (only_picture(job).state, only_picture(job).error_code) == ("failed", "unknown_foreground")


@pytest.fixture(
    params=[
        RuntimeError("out of order"),
        OSError(13, "Permission denied"),
        EngineError("engine_failed", "The engine failed, not the picture."),
        WeightsError("cache_unusable", "The cache cannot be used."),
    ],
    ids=lambda error: type(error).__name__,
)
def _broken_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    # The real engine does not break on demand.
    with patch.object(engine, "pipeline", side_effect=request.param):
        yield


@pytest.mark.usefixtures("_broken_engine")
def test_an_internal_error_is_retried_with_back_off_and_fails_at_the_last_attempt(job: Job) -> None:
    picture = only_picture(job)
    for attempt in (1, 2):
        processing.process(picture.pk)
        row = only_picture(job)
        assert (row.state, row.attempts, row.dispatched_at) == ("queued", attempt, None)
        assert row.not_before is not None

    processing.process(picture.pk)

    row = only_picture(job)
    assert (row.state, row.attempts, row.error_code) == ("failed", 3, "internal_error")
    assert files() == {row.source_key}


def interrupted_by(action: object) -> object:
    """Processing in which `action` runs after the files and before the rows are written."""
    real = processing._conclude

    def conclude(*args: object) -> None:
        action()  # type: ignore[operator]
        real(*args)  # type: ignore[arg-type]

    return patch.object(processing, "_conclude", conclude)


def test_a_picture_cancelled_while_it_runs_has_no_result_and_deleting_it_removes_the_files(job: Job) -> None:
    with interrupted_by(lambda: removal.cancel(job)):  # type: ignore[attr-defined]
        processing.process(only_picture(job).pk)

    picture = only_picture(job)
    assert picture.state == "cancelled"
    assert not Matte.objects.exists()
    assert not Rendition.objects.exists()
    assert not Discard.objects.exists(), "somebody may try it again at this moment, and writes the same keys"
    assert len(files()) == 5

    removal.delete_jobs([job.pk])
    assert files() == set()


def test_files_stay_when_a_cancelled_picture_is_retried_before_the_first_run_ends(job: Job) -> None:
    """The first run writes its files, loses its lease, and must not delete the files of the second run."""

    def cancel_and_finish_anew() -> None:
        removal.cancel(job)
        assert retry.retry_failed(job) == 1
        with (
            patch.object(processing, "_conclude", real),
            patch.object(task, "exclusive_lock", ExclusiveLock()),
        ):
            processing.process(only_picture(job).pk)

    real = processing._conclude
    with interrupted_by(cancel_and_finish_anew):  # type: ignore[attr-defined]
        processing.process(only_picture(job).pk)

    picture, matte, rendition = only_picture(job), Matte.objects.get(), Rendition.objects.get()
    assert (picture.state, picture.attempts) == ("done", 1)
    assert files() == {
        picture.source_key,
        picture.thumb_key,
        matte.key,
        rendition.key,
        rendition.preview_key,
    }


def test_a_missing_column_fails_the_picture_instead_of_postponing_it(job: Job) -> None:
    """SQLite raises the same class of error as for a database that is away."""
    picture = only_picture(job)

    def ask_for_what_is_not_there() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column FROM jobs_picture")

    for attempt in (1, 2, 3):
        with interrupted_by(ask_for_what_is_not_there):  # type: ignore[attr-defined]
            processing.process(picture.pk)
        assert only_picture(job).attempts == attempt
    assert (only_picture(job).state, only_picture(job).error_code) == ("failed", "internal_error")


def test_a_picture_deleted_while_it_runs_leaves_no_file(job: Job) -> None:
    with interrupted_by(lambda: removal.delete_jobs([job.pk])):  # type: ignore[attr-defined]
        processing.process(only_picture(job).pk)

    assert files() == set()
    assert not Discard.objects.exists()
    assert not Picture.objects.exists()


def test_a_worker_that_lost_its_lease_writes_no_row(job: Job) -> None:
    picture = only_picture(job)

    def lapse() -> None:
        Picture.objects.filter(pk=picture.pk).update(lease_until="2020-01-01T00:00:00Z")
        assert lines.PICTURES.expire() == 1

    with interrupted_by(lapse):  # type: ignore[attr-defined]
        processing.process(picture.pk)
    assert (only_picture(job).state, Rendition.objects.count()) == ("queued", 0)

    processing.process(picture.pk)
    assert (only_picture(job).state, only_picture(job).attempts) == ("done", 2)
    assert Rendition.objects.count() == 1
