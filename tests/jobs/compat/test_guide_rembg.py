"""docs/api/moving-from-rembg.md, row by row."""

from __future__ import annotations

import argparse
import io
import re
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from jobs.compat import execution, sources
from jobs.compat.rembg_parameters import recipe_of
from jobs.models import Job
from segmentation import weights
from segmentation.cli.cutout import add_arguments
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Caller
from tests.jobs.compat.guides import GUIDES, rows, without_a_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
GUIDE = "moving-from-rembg.md"
PHOTO = make_picture(320, 240, format="JPEG")
CLAIMS = {
    "`GET /api/remove?url=…`, `POST /api/remove` with the file as `file`": (
        "test_guide_rembg:test_the_result_is_an_upright_png",
        "test_rembg_results:test_cut_out_mask_and_background_colour",
    ),
    "where parameters are read": ("test_rembg_results:test_a_post_uses_its_form_and_two_query_parameters",),
    "`model=u2net`, `model=u2netp`": ("test_guide_rembg:test_models",),
    "`om=true`": ("test_rembg_results:test_cut_out_mask_and_background_colour",),
    "`ppm=true`": (
        "test_rembg_results:test_a_post_processed_mask_has_two_levels",
        "tests.segmentation.test_binary:test_a_binary_matte_has_two_levels",
    ),
    "`bgc=r,g,b` or `bgc=r,g,b,a`": (
        "test_rembg:test_the_background_colour",
        "test_rembg_results:test_cut_out_mask_and_background_colour",
    ),
    "a picture without a subject": (
        "test_rembg_results:test_a_picture_without_foreground_gives_a_transparent_png",
    ),
    "invalid parameters": ("test_rembg_recorded:test_responses_match_the_recording",),
    "other errors": ("test_rembg:test_other_refusals",),
    "`GET /api`": ("tests.jobs.api.test_schema:test_rembg_health_checks_find_the_documentation",),
    "authentication": ("test_rembg:test_other_refusals",),
    "default model": ("test_guide_rembg:test_models",),
    "`model=bria-rmbg` and others": ("test_guide_rembg:test_an_unknown_model",),
    "`a=true`": ("test_rembg:test_parameters",),
    "`af`, `ab`, `ae`": (
        "test_rembg:test_parameters",
        "test_rembg_recorded:test_responses_match_the_recording",
    ),
    "`vm=true`": ("test_rembg:test_parameters",),
    "`dc=true`": ("test_rembg:test_decontaminated_colours_need_refined_edges",),
    "edges and colours without these": ("tests.benchmarks.accuracy.test_parts:test_the_table_of_options",),
    "`bgc=red`, files that are not pictures": (
        "test_rembg:test_an_invalid_colour_is_refused",
        "test_rembg:test_other_refusals",
    ),
    "`extras`": ("test_rembg:test_parameters",),
    "concurrency limit": (
        "test_guide_rembg:test_the_concurrency_limit",
        "test_concurrency:test_waiting_for_a_slot_times_out",
    ),
    "quota and rate limit": (
        "test_rembg:test_the_rate_limit_applies",
        "test_guide_rembg:test_an_exhausted_monthly_quota",
    ),
    "time limit": ("test_guide_rembg:test_a_timed_out_call_is_charged_once",),
    "history": ("test_guide_rembg:test_what_is_stored",),
}


def photo(data: bytes = PHOTO) -> Any:
    return SimpleUploadedFile("disc.jpg", data)


def test_every_row_has_a_test() -> None:
    assert without_a_test(GUIDE, CLAIMS) == []


def test_the_commands_of_the_guide_parse() -> None:
    text = " ".join((GUIDES / GUIDE).read_text(encoding="utf-8").split())
    commands = re.findall(r"`python -m segmentation cutout ([^`]+)`", text)
    assert len(commands) == 3
    for command in commands:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        parser.parse_args(shlex.split(command))


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_the_result_is_an_upright_png(caller: Caller) -> None:
    out = io.BytesIO()
    marks = Image.Exif()
    marks[0x0112] = 6
    Image.open(io.BytesIO(PHOTO)).save(out, "JPEG", exif=marks)
    answer = await caller.form({"file": photo(out.getvalue())}, path="/api/remove")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert np.asarray(Image.open(io.BytesIO(answer.content))).shape == (320, 240, 4)


def test_models(settings: Settings) -> None:
    assert [recipe_of({"model": name}).model for name in ("u2net", "u2netp")] == ["u2net", "u2netp"]
    settings.MODEL = "u2netp"
    assert recipe_of({}).model == "u2netp"
    # The same ONNX files that rembg downloads, compared by digest.
    assert {"u2net", "u2netp"} <= set(weights.names())


@pytest.mark.parametrize("name", ["bria-rmbg", "birefnet-general", "u2net-custom"])
async def test_an_unknown_model(caller: Caller, name: str) -> None:
    by_form = await caller.form({"file": photo(), "model": name}, path="/api/remove")
    by_address = await caller.get(f"/api/remove?model={name}&url=" + quote("http://example.org/a.jpg"))
    for answer, source in ((by_form, "body"), (by_address, "query")):
        (place,) = answer.json["detail"]
        assert (answer.status, place["loc"]) == (422, [source, "model"])
        assert "u2net|u2netp" in place["msg"]
    assert not await Job.objects.aexists()


@pytest.mark.parametrize("turns", [execution.WAITING, sources.FETCHING, sources.PATIENT])
async def test_the_concurrency_limit(
    caller: Caller, user: User, turns: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = rows(GUIDE)["concurrency limit"]
    assert f"{execution.WAITING.most} calls that wait" in said
    assert f"{sources.FETCHING.most} are fetched at once" in said
    assert f"wait {sources.PATIENCE_SECONDS:.0f} seconds" in said
    assert (execution.WAITING.most, sources.FETCHING.most, sources.PATIENT.most) == (50, 4, 50)
    monkeypatch.setattr(sources, "PATIENCE_SECONDS", 0)
    held = [turns.take(user.pk) for _ in range(turns.most)]
    try:
        answer = await caller.get("/api/remove?url=http://192.0.2.1/a.jpg")
    finally:
        for give_back in held:
            give_back()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "5")
    assert list(answer.json) == ["detail"]


async def test_an_exhausted_monthly_quota(caller: Caller, user: User) -> None:
    user.pictures_month = 0
    await user.asave()
    answer = await caller.form({"file": photo()}, path="/api/remove")
    assert (answer.status, list(answer.json)) == (402, ["detail"])


@pytest.mark.real
async def test_a_timed_out_call_is_charged_once(
    caller: Caller, settings: Settings, request: pytest.FixtureRequest
) -> None:
    settings.SYNC_SECONDS = 0
    first = await caller.form({"file": photo()}, path="/api/remove")
    assert (first.status, list(first.json)) == (503, ["detail"])
    assert int(first.headers["Retry-After"]) >= 1
    await sync_to_async(request.getfixturevalue)("worker")
    settings.SYNC_SECONDS = 60
    assert (await caller.form({"file": photo()}, path="/api/remove")).status == 200
    assert await Job.objects.acount() == 1


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_what_is_stored(caller: Caller, make_caller: Callable[..., Caller]) -> None:
    brief = await sync_to_async(make_caller)(ephemeral=True)
    assert (await brief.form({"file": photo()}, path="/api/remove")).status == 200
    assert not await Job.objects.aexists()
    assert (await caller.form({"file": photo()}, path="/api/remove")).status == 200
    assert await Job.objects.acount() == 1
