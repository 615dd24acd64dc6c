"""Pixels of results are limited and charged like those of sources, in every API and on pages."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from pytest_django import Settings

from accounts.errors import QuotaExceededError
from accounts.models import Entry, Plan, Usage, User
from jobs.models import Job, Matte, Picture, Preset, Rendition, RenditionRequest
from jobs.services import lines, removal, rendition_requests, result_limits, retry, submit, synchronous
from jobs.services.synchronous import Source
from jobs.worker import processing, rendering
from segmentation import pictures, weights
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, pictures_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
# The pixels of make_picture's picture.
SOURCE = 64 * 48
HUGE = {"size": "10000x10000", "format": "avif", "quality": 100}
with_weights = pytest.mark.skipif(
    weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"
)


def recipe(**fields: object) -> Recipe:
    return Recipe.parse({"model": "u2netp", **fields})


def ledger() -> list[tuple[str, int, int, str]]:
    return list(Entry.objects.order_by("id").values_list("kind", "pictures", "pixels", "reason"))


def used(user: User) -> tuple[int, int]:
    return Usage.objects.values_list("pictures", "pixels").get(user=user)


@pytest.fixture
def picture(user: User) -> Picture:
    """A finished picture of 64×48 pixels."""
    picture = pictures_of(make_job(user))[0]
    complete(picture)
    picture.refresh_from_db()
    return picture


def render(picture: Picture, **fields: object) -> Any:
    return rendition_requests.render(picture, Matte.objects.get(picture=picture), recipe(**fields))


@pytest.fixture
def program(user: User) -> Program:
    return Program(user)


# -- At every door ---------------------------------------------------------------------------------


def test_the_rest_api_refuses_a_result_that_is_too_large(
    program: Program, user: User, picture: Picture
) -> None:
    upload = str(make_upload(user).pk)
    before = Job.objects.count()
    for answer in (
        program.post("jobs/", {"uploads": [upload], "recipe": HUGE}),
        program.post(f"jobs/{picture.job_id}/again/", {"recipe": HUGE}),
        program.post(f"pictures/{picture.pk}/renditions/", {"recipe": HUGE}),
        program.ask("put", "presets/poster/", {"recipe": HUGE}),
        # The other side follows from the picture: 9000×6750 is 60.75 megapixels.
        program.post("jobs/", {"uploads": [upload], "recipe": {"size": "9000x"}}),
        program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"size": "9000x"}}),
    ):
        said = answer.json()
        assert (answer.status_code, said["code"], said["field"]) == (422, "result_too_large", "recipe.size")
    assert (Job.objects.count(), RenditionRequest.objects.count(), Preset.objects.count()) == (before, 0, 0)
    assert "the limit is 50 megapixels" in said["sentence"]


def test_the_page_refuses_a_result_that_is_too_large(user: User, client_of: Any) -> None:
    client: Client = client_of(user)
    data = {"uploads": make_upload(user).pk, "size": "10000x10000", "format": "avif"}
    answer = client.post("/jobs/", data, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "result_too_large")
    assert not Job.objects.exists()


def test_a_synchronous_call_refuses_a_result_that_is_too_large(user: User) -> None:
    data = make_picture()
    source = Source(data, "disc.png", pictures.inspect(data))
    with pytest.raises(RecipeError, match="10000×10000"):
        synchronous.begin(user, source, recipe(size="10000x10000"), token=None)
    assert not Job.objects.exists()


@with_weights
def test_the_worker_refuses_a_crop_that_is_too_large(user: User, settings: Settings) -> None:
    """A crop with margins, as in remove.bg's API. Its size is unknown until a worker has the matte."""
    settings.MAX_RESULT_PIXELS = 1_000_000
    wanted = recipe(crop=True, crop_margin="600px")
    job = submit.submit(user, [make_upload(user).pk], wanted)
    (picture,) = pictures_of(job)
    assert used(user) == (1, 1_000_000), "the maximum that it could cost"
    processing.process(picture.pk)
    picture.refresh_from_db()
    assert (picture.state, picture.error_code) == ("failed", "result_too_large")
    assert used(user) == (0, 0)


def test_a_plan_or_an_account_can_lower_the_limit_but_not_raise_it(user: User, settings: Settings) -> None:
    assert result_limits.most_pixels(user) == 50_000_000
    Plan.objects.filter(is_default=True).update(result_megapixels=2)
    assert result_limits.most_pixels(user) == 2_000_000
    user.result_megapixels = 4
    assert result_limits.most_pixels(user) == 4_000_000
    user.result_megapixels = 400
    assert result_limits.most_pixels(user) == 50_000_000
    settings.MAX_RESULT_PIXELS = 3_000_000
    assert result_limits.most_pixels(user) == 3_000_000


def test_the_plans_limit_applies_to_jobs_renditions_and_mattes(
    user: User, picture: Picture, program: Program
) -> None:
    Plan.objects.filter(is_default=True).update(result_megapixels=2)
    for answer in (
        program.post("jobs/", {"uploads": [str(make_upload(user).pk)], "recipe": {"size": "2000x2000"}}),
        program.post(f"pictures/{picture.pk}/renditions/", {"recipe": {"size": "2000x2000"}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "result_too_large")
    assert render(picture, size="1600x1200").charged_pixels == 1600 * 1200 - SOURCE


def test_a_result_no_larger_than_its_source_is_always_allowed(
    user: User, picture: Picture, settings: Settings
) -> None:
    settings.MAX_RESULT_PIXELS = 1_000
    submit.submit(user, [make_upload(user).pk], recipe())
    assert render(picture, format="webp").charged_at is None
    with pytest.raises(RecipeError):
        render(picture, size="x49")


# -- Charged like sources --------------------------------------------------------------------------


def test_a_job_is_charged_for_results_larger_than_their_sources(user: User) -> None:
    submit.submit(user, [make_upload(user).pk for _ in range(2)], recipe(size="640x480"))
    assert ledger() == [("charge", 2, 2 * 640 * 480, "submitted")]
    submit.submit(user, [make_upload(user).pk], recipe(size="10x10"))
    assert ledger()[1:] == [("charge", 1, SOURCE, "submitted")]


def test_refund_and_retry_use_the_charged_pixels(user: User) -> None:
    job = submit.submit(user, [make_upload(user).pk], recipe(size="640x480"))
    removal.cancel(job)
    job.refresh_from_db()
    retry.retry_failed(job)
    assert [entry[:3] for entry in ledger()] == [
        ("charge", 1, 307_200),
        ("refund", 1, 307_200),
        ("charge", 1, 307_200),
    ]
    removal.delete_jobs([job.pk])
    assert used(user) == (0, 0)


def test_an_old_charge_without_result_pixels_is_refunded_unchanged(user: User) -> None:
    job = make_job(user)
    Picture.objects.update(charged_pixels=None)
    removal.cancel(job)
    assert ledger()[-1] == ("refund", 1, SOURCE, "cancelled")


def test_a_rendition_is_charged_once_for_the_pixels_beyond_its_source(user: User, picture: Picture) -> None:
    before = used(user)
    render(picture, format="webp")
    assert used(user) == before, "its pixels are those of the source"
    rendition_request = render(picture, size="640x480")
    assert render(picture, size="640x480").pk == rendition_request.pk
    assert ledger()[1:] == [("charge", 0, 640 * 480 - SOURCE, "larger rendition")]
    assert used(user) == (1, 640 * 480)


def test_exhausted_megapixels_refuse_only_larger_renditions(user: User, picture: Picture) -> None:
    Plan.objects.filter(is_default=True).update(megapixels_month=1, pictures_month=0)
    with pytest.raises(QuotaExceededError, match="ask for smaller results") as refused:
        render(picture, size="1600x1200")
    assert refused.value.code == "megapixels_used_up"
    assert not RenditionRequest.objects.exists()
    assert render(picture, size="640x480").state == "queued"
    assert render(picture, format="webp").state == "queued"


def test_a_rendition_without_a_result_is_refunded_once(
    user: User, picture: Picture, settings: Settings
) -> None:
    settings.MAX_ATTEMPTS = 1
    extra = 640 * 480 - SOURCE
    rendition_request = render(picture, size="640x480")
    lines.RENDITIONS.claim(rendition_request.pk)
    RenditionRequest.objects.update(lease_until="2020-01-01T00:00:00Z")
    assert [lines.RENDITIONS.recover_lost() for _ in range(2)] == [1, 0]
    assert ledger()[1:] == [
        ("charge", 0, extra, "larger rendition"),
        ("refund", 0, extra, "worker_lost"),
    ]
    again = render(picture, size="640x480")
    assert (again.pk, again.state, again.charged_pixels) == (rendition_request.pk, "queued", extra)
    assert used(user) == (1, 640 * 480)
    removal.delete_pictures([picture.pk])
    assert ledger()[-1] == ("refund", 0, extra, "deleted")
    assert used(user) == (1, SOURCE)


@with_weights
def test_a_done_rendition_stays_charged_and_a_failed_one_does_not(
    user: User, picture: Picture, settings: Settings
) -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(out, "PNG")
    larger = recipe(size="640x480")
    made = rendition_requests.correct(picture, out, out.getbuffer().nbytes, recipe=larger)
    rendering.fulfil(made.pk)
    assert Rendition.objects.get(pk=made.pk).width == 640
    failing = rendition_requests.correct(picture, out, out.getbuffer().nbytes, recipe=larger)
    settings.MAX_RESULT_PIXELS = 5_000
    rendering.fulfil(failing.pk)
    failing.refresh_from_db()
    assert (failing.state, failing.error_code, failing.charged_at) == ("failed", "result_too_large", None)
    assert used(user) == (1, 640 * 480)


def test_the_usage_page_shows_a_charge_without_pictures(user: User, picture: Picture, client_of: Any) -> None:
    render(picture, size="1000x1000")
    page = client_of(user).get("/account/usage/").content.decode()
    assert "Larger rendition" in page
