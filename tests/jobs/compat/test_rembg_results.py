"""rembg's server API: the results of each parameter, from a real worker."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import User
from accounts.selectors import usage_of
from jobs.compat.blank import blank_png
from jobs.models import Job, Picture
from segmentation.recipe import Recipe
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")
SMALL = Recipe(model="u2netp")


def photo() -> Any:
    return SimpleUploadedFile("disc.jpg", PHOTO)


def plain(shade: int) -> Any:
    out = io.BytesIO()
    Image.new("RGB", (100, 60), (shade, shade, shade)).save(out, "PNG")
    return SimpleUploadedFile("plain.png", out.getvalue())


def alpha(answer: Answer) -> np.ndarray[Any, Any]:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_cut_out_mask_and_background_colour(caller: Caller) -> None:
    cut = alpha(await caller.form({"file": photo()}, path="/api/remove"))
    assert cut.shape == (240, 320, 4)
    assert (cut[120, 160, 3], cut[2, 2, 3]) == (255, 0)
    mask = alpha(await caller.form({"file": photo(), "om": "true"}, path="/api/remove"))
    assert mask.shape == (240, 320)
    assert np.array_equal(mask, cut[..., 3])
    red = alpha(await caller.form({"file": photo()}, path="/api/remove?bgc=255,0,0,255"))
    assert red.shape == (240, 320, 4), "an opaque picture has an alpha channel there"
    assert tuple(red[2, 2]) == (255, 0, 0, 255)
    assert red[..., 3].min() == 255
    pale = alpha(await caller.form({"file": photo()}, path="/api/remove?bgc=0,0,255,128"))
    assert tuple(pale[2, 2]) == (0, 0, 255, 128)
    grey = alpha(await caller.form({"file": photo(), "om": "1"}, path="/api/remove?bgc=255,0,0,255"))
    assert np.array_equal(grey, mask)


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_a_post_processed_mask_has_two_levels(caller: Caller) -> None:
    mask = alpha(await caller.form({"file": photo(), "om": "1"}, path="/api/remove"))
    firm = alpha(await caller.form({"file": photo(), "om": "1", "ppm": "true"}, path="/api/remove"))
    assert set(np.unique(firm)) == {0, 255}
    assert len(np.unique(mask)) > 2
    cut = alpha(await caller.form({"file": photo(), "ppm": "true"}, path="/api/remove"))
    assert np.array_equal(cut[..., 3], firm)
    soft = alpha(await caller.form({"file": photo(), "ppm": "true", "a": "1"}, path="/api/remove"))
    assert len(np.unique(soft[..., 3])) > 2, "matting makes a soft edge of it again, as there"


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_a_post_uses_its_form_and_two_query_parameters(caller: Caller) -> None:
    """A POST ignores the query's other parameters, whatever their values, and ignores `bgc` in the form."""
    for address in ("model=birefnet-general", "model=sam&extras={", "a=maybe&af=999&om=true", "om=1&ppm=1"):
        assert (await caller.form({"file": photo()}, path=f"/api/remove?{address}")).status == 200
    given = {"file": photo(), "model": "u2netp", "bgc": "255,0,0,255", "a": ""}
    assert (await caller.form(given, path="/api/remove?model=sam")).status == 200
    recipes = [job.recipe async for job in Job.objects.all()]
    assert [Recipe.parse(recipe) for recipe in recipes] == [SMALL], "the same each time"


@pytest.mark.real
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("shade", [0, 128, 255])
async def test_a_picture_without_foreground_gives_a_transparent_png(
    caller: Caller, shade: int, user: User
) -> None:
    nothing = alpha(await caller.form({"file": plain(shade)}, path="/api/remove"))
    assert nothing.shape == (60, 100, 4)
    assert not nothing.any()
    mask = alpha(await caller.form({"file": plain(shade), "om": "1"}, path="/api/remove"))
    assert (mask.shape, mask.any()) == ((60, 100), False)
    red = alpha(await caller.form({"file": plain(shade)}, path="/api/remove?bgc=255,0,0,255"))
    assert np.array_equal(red, np.broadcast_to(np.array([255, 0, 0, 255]), (60, 100, 4)))
    assert {code async for code in Picture.objects.values_list("error_code", flat=True)} == {
        "unknown_foreground"
    }
    assert (await sync_to_async(usage_of)(user))[0].used == 0, "who gets nothing is charged nothing"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 5), (700, 900), (2_000, 1_500)])
@pytest.mark.parametrize("pixel", [bytes(1), b"\x07", bytes(4), b"\x01\x02\x03\xff"])
def test_a_png_of_one_colour(width: int, height: int, pixel: bytes) -> None:
    data = blank_png(width, height, pixel)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == ("L" if len(pixel) == 1 else "RGBA")
        found = np.asarray(picture).reshape(height, width, len(pixel))
    assert np.array_equal(found, np.broadcast_to(np.frombuffer(pixel, np.uint8), found.shape))
    assert len(data) < 200 + width * height * 4 / 200
