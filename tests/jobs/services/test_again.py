"""Running a job again with another recipe: one run of the model, shared sources, no leftover files."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from django.conf import settings
from PIL import Image

from accounts.models import User
from jobs import storage
from jobs.errors import SubmitRefusedError
from jobs.models import Job, Picture, Rendition
from jobs.services import removal, submit
from jobs.worker import engine, processing
from segmentation import weights
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_upload

pytestmark = [
    pytest.mark.real,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
    pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled"),
]

FIRST = Recipe(model="u2netp")
ON_RED = Recipe.parse({"model": "u2netp", "background": "#ff0000", "format": "webp-lossless"})


def run(job: Job) -> list[Picture]:
    for picture in Picture.objects.filter(job=job, state="queued"):
        processing.process(picture.pk)
    return list(Picture.objects.filter(job=job).order_by("position"))


def files() -> set[str]:
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_another_background_runs_no_model(user: User) -> None:
    first = make_job(user, recipe=FIRST)
    run(first)

    second = submit.again(first, ON_RED)
    with patch.object(engine.pipeline("u2netp"), "segment", side_effect=AssertionError("the model was run")):
        (picture,) = run(second)

    assert (picture.state, picture.reused, picture.attempts) == ("done", True, 1)
    rendition = Rendition.objects.get(picture=picture)
    with storage.reading(rendition.key) as file:
        pixels = np.asarray(Image.open(file).convert("RGB"))
    assert rendition.media_type == "image/webp"
    assert tuple(pixels[0, 0]) == (255, 0, 0)
    assert (second.title, second.recipe) == (f"{first.title} (2)", ON_RED.as_dict())


def test_the_same_bytes_uploaded_again_run_no_model(user: User) -> None:
    run(make_job(user, recipe=FIRST))

    (picture,) = run(make_job(user, recipe=FIRST))

    assert (picture.state, picture.reused) == ("done", True)


def test_other_edge_refinement_or_another_user_runs_the_model(user: User, stranger: User) -> None:
    first = make_job(user, recipe=FIRST)
    assert not run(first)[0].reused

    raw = Recipe.parse({"model": "u2netp", "refine": "off"})
    assert not run(submit.again(first, raw))[0].reused
    assert not run(make_job(stranger, recipe=FIRST))[0].reused


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_deleting_the_last_job_deletes_the_shared_source(user: User, order: tuple[int, int]) -> None:
    first = make_job(user, recipe=FIRST)
    run(first)
    second = submit.again(first, ON_RED)
    run(second)
    jobs = [first, second]
    source = Picture.objects.filter(job=first).values_list("source_key", flat=True)[0]

    removal.delete_jobs([jobs[order[0]].pk])
    assert source in files()
    assert all(key.startswith("sources/") or str(_only(jobs[order[1]]).pk) in key for key in files())

    removal.delete_jobs([jobs[order[1]].pk])
    assert files() == set()


def _only(job: Job) -> Picture:
    return Picture.objects.get(job=job)


def test_a_job_without_sources_cannot_be_run_again(user: User) -> None:
    refused = make_upload(user, "text.jpg", b"hello there")
    job = submit.submit(user, [refused.pk], FIRST)

    with pytest.raises(SubmitRefusedError, match="no pictures"):
        submit.again(job, ON_RED)

    assert Job.objects.count() == 1
