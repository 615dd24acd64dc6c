"""Submit: one transaction makes a job of finished uploads, or writes nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest
import redis
from django.core.files.base import ContentFile
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from jobs.errors import SubmitRefusedError
from jobs.models import Job, Picture, Upload
from jobs.services import submit, uploads
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe
from tests.conftest import make_picture, make_upload
from tests.jobs.at_once import at_once
from tests.jobs.factories import bare_uploads, pictures_of, states_of, stored_files


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.from_strings({"model": "u2netp", "background": "#fff"})


def nothing_was_written(upload_state: str = "uploaded") -> bool:
    states = set(Upload.objects.values_list("state", flat=True))
    return not Job.objects.exists() and not Picture.objects.exists() and states <= {upload_state}


@pytest.mark.django_db
def test_a_job_has_its_pictures_in_the_given_order(user: User, recipe: Recipe) -> None:
    names = ["c.png", "a.png", "b.png"]
    made = [make_upload(user, name) for name in names]
    job = submit.submit(user, [upload.pk for upload in reversed(made)], recipe)

    assert (job.state, job.user, job.picture_count, job.origin) == ("active", user, 3, "web")
    assert (job.title, job.finished_at) == ("b.png and 2 more", None)
    assert (job.recipe, job.recipe_digest) == (recipe.as_dict(), recipe.digest)
    pictures = pictures_of(job)
    assert [(p.position, p.name) for p in pictures] == [(0, "b.png"), (1, "a.png"), (2, "c.png")]
    for picture, upload in zip(pictures, reversed(made), strict=True):
        assert (picture.state, picture.user, picture.attempts) == ("queued", user, 0)
        assert (picture.source_key, picture.source_size) == (upload.key, upload.size)
        assert (picture.format, picture.width, picture.height) == ("png", 64, 48)
        assert (picture.dispatched_at, picture.lease_token, picture.finished_at) == (None, None, None)
    assert set(Upload.objects.values_list("state", flat=True)) == {"submitted"}


@pytest.mark.django_db
def test_one_picture_gives_the_job_its_name(user: User, recipe: Recipe) -> None:
    assert submit.submit(user, [make_upload(user, "cat.png").pk], recipe).title == "cat.png"


@pytest.mark.django_db
def test_a_given_title_and_origin_are_kept(user: User, recipe: Recipe) -> None:
    job = submit.submit(user, bare_uploads(user, 1), recipe, origin=Job.Origin.API, title="t" * 300)
    assert (job.title, job.origin) == ("t" * 255, "api")


@pytest.mark.django_db
def test_refused_uploads_become_failed_pictures_and_the_others_are_queued(user: User, recipe: Recipe) -> None:
    good = make_upload(user, "good.png")
    text = make_upload(user, "text.jpg", b"Dear all")
    job = submit.submit(user, [text.pk, good.pk], recipe)

    failed, queued = pictures_of(job)
    assert (job.state, queued.state, queued.error_code) == ("active", "queued", "")
    assert (failed.state, failed.name, failed.error_code) == ("failed", "text.jpg", "unsupported_format")
    assert failed.error_sentence == text.error_sentence
    assert (failed.source_key, failed.width, failed.attempts) == ("", None, 0)
    assert failed.finished_at is not None
    assert stored_files() == [good.key]


@pytest.mark.django_db
def test_refused_uploads_are_deleted_at_submit(user: User, recipe: Recipe) -> None:
    """The failed picture carries the error. No sweep would ever delete the upload."""
    good, text = make_upload(user), make_upload(user, "text.jpg", b"Dear all")
    submit.submit(user, [good.pk, text.pk], recipe)
    assert list(Upload.objects.values_list("pk", "state")) == [(good.pk, "submitted")]
    with pytest.raises(SubmitRefusedError):
        submit.submit(user, [text.pk], recipe)


@pytest.mark.django_db
def test_a_job_of_refused_uploads_only_is_finished_at_once(user: User, recipe: Recipe) -> None:
    job = submit.submit(user, [make_upload(user, f"{n}.jpg", b"text").pk for n in range(2)], recipe)
    assert (job.state, states_of(job)) == ("finished", ["failed", "failed"])
    assert job.finished_at is not None


@pytest.mark.django_db
@pytest.mark.parametrize(("most", "count", "lane"), [(2, 2, "interactive"), (2, 3, "batch"), (0, 1, "batch")])
def test_small_jobs_use_the_interactive_lane(
    user: User, recipe: Recipe, settings: Settings, most: int, count: int, lane: str
) -> None:
    settings.INTERACTIVE_PICTURES = most
    job = submit.submit(user, bare_uploads(user, count), recipe)
    assert (job.lane, {picture.lane for picture in pictures_of(job)}) == (lane, {lane})


@pytest.mark.django_db
def test_a_submit_without_pictures_is_refused(user: User, recipe: Recipe) -> None:
    with pytest.raises(SubmitRefusedError) as refusal:
        submit.submit(user, [], recipe)
    assert (refusal.value.code, refusal.value.status) == ("no_pictures", 422)
    assert nothing_was_written()


@pytest.mark.django_db
def test_a_submit_with_too_many_pictures_is_refused(user: User, recipe: Recipe, settings: Settings) -> None:
    settings.MAX_JOB_PICTURES = 2
    ids = bare_uploads(user, 3)
    with pytest.raises(SubmitRefusedError) as refusal:
        submit.submit(user, ids, recipe)
    assert refusal.value.code == "too_many_pictures"
    assert "at most 2 pictures" in refusal.value.sentence
    assert nothing_was_written()
    assert submit.submit(user, ids[:2], recipe).picture_count == 2


@pytest.mark.django_db
def test_one_upload_that_is_not_ready_refuses_the_whole_submit(
    user: User, stranger: User, recipe: Recipe
) -> None:
    ready = bare_uploads(user, 1)[0]
    taken = bare_uploads(user, 1)[0]
    submit.submit(user, [taken], recipe)
    Job.objects.all().delete()
    Upload.objects.filter(pk=taken).update(state="submitted")
    for bad in (
        uploads.start(user, "never-finished.png", 9).pk,
        bare_uploads(stranger, 1)[0],
        taken,
        uuid4(),
        ready,
    ):
        with pytest.raises(SubmitRefusedError) as refusal:
            submit.submit(user, [ready, bad], recipe)
        assert refusal.value.code == "upload_not_ready"
        assert not Job.objects.exists()
        assert Upload.objects.get(pk=ready).state == "uploaded"


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["nonsense", "u2net-of-somebody-else"])
def test_an_unknown_model_is_refused_at_submit(user: User, model: str) -> None:
    ids = bare_uploads(user, 1)
    with pytest.raises(RecipeError) as refusal:
        submit.submit(user, ids, Recipe(model=model))
    assert (refusal.value.code, refusal.value.field) == ("invalid_model", "model")
    assert "u2net, u2netp" in refusal.value.sentence
    assert nothing_was_written()


@pytest.mark.django_db
def test_the_operators_own_model_is_accepted_without_reading_weights(user: User, settings: Settings) -> None:
    settings.MODEL = "our-own"
    assert submit.submit(user, bare_uploads(user, 1), Recipe(model="our-own")).recipe["model"] == "our-own"


@pytest.mark.django_db
def test_an_unknown_background_picture_is_refused(user: User) -> None:
    recipe = Recipe.from_strings({"model": "u2netp", "background": "picture:/etc/passwd"})
    with pytest.raises(RecipeError) as refusal:
        submit.submit(user, bare_uploads(user, 1), recipe)
    assert (refusal.value.code, refusal.value.field) == ("invalid_background", "background")
    assert nothing_was_written()


@pytest.mark.django_db(transaction=True)
def test_eight_concurrent_submits_of_the_same_uploads_make_one_job(
    user: User, recipe: Recipe, valkey: redis.Redis
) -> None:
    ids = bare_uploads(user, 3)
    answers = at_once(lambda _: submit.submit(user, ids, recipe), 8)

    jobs = [answer for answer in answers if isinstance(answer, Job)]
    refusals = [answer for answer in answers if isinstance(answer, SubmitRefusedError)]
    assert (len(jobs), len(refusals)) == (1, 7), answers
    assert {refusal.code for refusal in refusals} == {"upload_not_ready"}
    assert (Job.objects.count(), Picture.objects.count()) == (1, 3)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_submit_publishes_nothing(
    user: User, recipe: Recipe, valkey: redis.Redis, settings: Settings
) -> None:
    before = set(valkey.keys())
    with pytest.raises(SubmitRefusedError):
        submit.submit(user, [*bare_uploads(user, 1), uuid4()], recipe)
    assert set(valkey.keys()) == before


@pytest.mark.django_db
def test_pictures_are_dispatched_only_after_the_commit(
    user: User,
    recipe: Recipe,
    valkey: redis.Redis,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        submit.submit(user, bare_uploads(user, 2), recipe)
    assert valkey.keys("dramatiq:*") == []
    for callback in callbacks:
        callback()
    assert Picture.objects.filter(dispatched_at__isnull=False).count() == 2


@pytest.mark.django_db
def test_a_file_name_with_markup_is_kept_unchanged(user: User, recipe: Recipe) -> None:
    """Pages escape it; see the tests of the views."""
    content = make_picture()
    upload = uploads.take_in(user, '"><img src=x onerror=alert(1)>.png', ContentFile(content), len(content))
    assert submit.submit(user, [upload.pk], recipe).title == '"><img src=x onerror=alert(1)>.png'
