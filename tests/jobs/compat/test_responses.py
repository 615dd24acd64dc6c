"""Finished pictures as remove.bg returns them: bytes, JSON, ZIP, and their headers."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from jobs.models import Job, Picture
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller, ask

pytestmark = [
    pytest.mark.real,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker"),
]
# A disc in the middle, a third of the height in radius: from 105 to 215 across, from 65 to 175 down.
PHOTO = make_picture(320, 240, format="JPEG")
COUNTED = ("X-Width", "X-Height", "X-Max-Width", "X-Max-Height", "X-Credits-Charged")
FOREGROUND = ("X-Foreground-Left", "X-Foreground-Top", "X-Foreground-Width", "X-Foreground-Height")


def photo(data: bytes = PHOTO) -> Any:
    return SimpleUploadedFile("disc.jpg", data, "image/jpeg")


def image(answer: Answer) -> Image.Image:
    assert answer.status == 200, answer.content[:500]
    return Image.open(io.BytesIO(answer.content))


async def test_a_call_with_defaults(caller: Caller) -> None:
    answer = await caller.form({"image_file": photo()})
    result = image(answer)
    assert (result.format, result.mode, result.size) == ("PNG", "RGBA", (320, 240))
    said = answer.headers
    assert said["Content-Type"] == "image/png"
    assert [said[name] for name in COUNTED] == ["320", "240", "320", "240", "1"]
    assert (said["X-Type"], said["Access-Control-Allow-Origin"]) == ("other", "*")
    left, top, width, height = (int(said[name]) for name in FOREGROUND)
    alpha = np.asarray(result)[..., 3]
    rows, columns = np.flatnonzero((alpha > 12).any(1)), np.flatnonzero((alpha > 12).any(0))
    assert (left, top) == (columns[0], rows[0])
    assert (left + width, top + height) == (columns[-1] + 1, rows[-1] + 1)
    assert (said["X-RateLimit-Limit"], said["X-RateLimit-Remaining"]) == ("500", "499")
    assert said["X-RateLimit-Reset"].isdigit()


async def test_with_accept_json_the_same_bytes_come_as_base64(caller: Caller) -> None:
    raw = await caller.form({"image_file": photo()})
    answer = await caller.form({"image_file": photo()}, Accept="application/json")
    assert answer.headers["Content-Type"] == "application/json"
    data = answer.json["data"]
    names = ["foreground_top", "foreground_left", "foreground_width", "foreground_height"]
    assert list(data) == ["result_b64", *names]
    assert base64.b64decode(data["result_b64"]) == raw.content
    for name in names:
        assert data[name] == int(answer.headers["X-" + name.replace("_", "-").title()])


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("", "image/png"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("application/json, text/plain, */*", "image/png"),
        ("application/json, image/png", "image/png"),
        ("application/json, text/json, text/x-json, text/javascript, application/xml, text/xml", "image/png"),
        ("application/json, text/json, text/x-json, text/javascript, *+json, *+xml, *", "image/png"),
        ("APPLICATION/JSON;q=0.9, text/plain", "application/json"),
    ],
)
async def test_libraries_that_accept_anything_get_the_picture(caller: Caller, accept: str, kind: str) -> None:
    answer = await caller.form({"image_file": photo()}, Accept=accept)
    assert answer.headers["Content-Type"] == kind


async def test_sizes_formats_and_the_largest_size(caller: Caller) -> None:
    large = make_picture(1000, 800, format="JPEG")
    preview = await caller.form({"image_file": photo(large), "format": "jpg"})
    assert image(preview).size == (559, 447)
    assert [preview.headers[name] for name in COUNTED] == ["559", "447", "1000", "800", "1"]
    assert preview.headers["Content-Type"] == "image/jpeg"
    full = await caller.form({"image_file": photo(large), "size": "full", "format": "webp"})
    assert (image(full).format, image(full).size) == ("WEBP", (1000, 800))
    assert full.headers["Content-Type"] == "image/webp"


async def test_the_zip_holds_colour_and_matte(caller: Caller) -> None:
    answer = await caller.form({"image_file": photo(), "format": "zip"})
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        colour = Image.open(io.BytesIO(archive.read("color.jpg")))
        alpha = Image.open(io.BytesIO(archive.read("alpha.png")))
        assert (colour.format, colour.mode, colour.size) == ("JPEG", "RGB", (320, 240))
        assert (alpha.format, alpha.mode, alpha.size) == ("PNG", "L", (320, 240))


async def test_background_colour_matte_and_crop(caller: Caller) -> None:
    on_red = image(await caller.form({"image_file": photo(), "bg_color": "f00"}))
    assert (on_red.format, on_red.mode) == ("JPEG", "RGB")
    red, green, blue = on_red.getpixel((2, 2))  # type: ignore[misc]
    assert red > 250
    assert max(green, blue) < 5
    matte = image(await caller.form({"image_file": photo(), "channels": "alpha"}))
    assert (matte.format, matte.mode) == ("PNG", "L")
    answer = await caller.form({"image_file": photo(), "crop": "true"})
    cropped = image(answer)
    assert [answer.headers[name] for name in FOREGROUND] == ["0", "0", *map(str, cropped.size)]
    margin = await caller.form({"image_file": photo(), "crop": "true", "crop_margin": "10px 20px"})
    assert image(margin).size == (cropped.width + 40, cropped.height + 20)
    assert [margin.headers[name] for name in FOREGROUND[:2]] == ["20", "10"]


async def test_a_background_picture_fills_the_canvas(caller: Caller) -> None:
    blue = io.BytesIO()
    Image.new("RGB", (64, 64), (0, 0, 200)).save(blue, "PNG")
    behind = SimpleUploadedFile("blue.png", blue.getvalue())
    result = image(await caller.form({"image_file": photo(), "bg_image_file": behind}))
    assert (result.format, result.size) == ("JPEG", (320, 240))
    assert result.getpixel((2, 2))[2] > 190  # type: ignore[index]
    blue.truncate(0)
    blue.seek(0)
    Image.new("RGBA", (64, 64), (0, 0, 200, 128)).save(blue, "PNG")
    behind = SimpleUploadedFile("blue.png", blue.getvalue())
    clear = image(await caller.form({"image_file": photo(), "bg_image_file": behind}))
    assert (clear.format, clear.mode, clear.getpixel((2, 2))) == ("PNG", "RGBA", (0, 0, 200, 128))


async def test_type_level_none_omits_x_type(caller: Caller) -> None:
    answer = await caller.form({"image_file": photo(), "type": "person"})
    assert answer.headers["X-Type"] == "person"
    answer = await caller.form({"image_file": photo(), "type": "person", "type_level": "none"})
    assert "X-Type" not in answer.headers


async def test_every_source_gives_the_same_result(caller: Caller) -> None:
    first = await caller.form({"image_file": photo()})
    text = base64.b64encode(PHOTO).decode()
    for answer in (
        await caller.form({"image_file_b64": text}),
        await caller.json({"image_file_b64": text}),
        await caller.send(f"image_file_b64={text}".encode(), "application/x-www-form-urlencoded"),
    ):
        assert answer.content == first.content
        assert answer.headers["X-Credits-Charged"] == "0", (
            "the same bytes and options, asked for a moment ago"
        )


async def test_preview_can_mean_full(make_caller: Callable[..., Caller]) -> None:
    large = make_picture(1000, 800, format="JPEG")
    caller = await sync_to_async(make_caller)(preview_means_full=True)
    answer = await caller.form({"image_file": photo(large), "format": "jpg"})
    assert image(answer).size == (1000, 800)


async def test_head_slashes_and_files_of_many_chunks(caller: Caller) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    answer = await caller.form(
        {
            "image_file": photo(make_picture(1600, 1200, format="JPEG")),
            "bg_image_file": SimpleUploadedFile("noise.png", out.getvalue()),
            "size": "full",
            "format": "png",
        },
        path="/v1.0/removebg/",
    )
    assert len(answer.content) > 4 * 2**20, "not sent in one piece"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert image(answer).size == (1600, 1200)
    head = await ask("HEAD", "/v1.0/account", headers={"X-Api-Key": caller.secret})
    assert (head.status, head.content) == (200, b"")


async def test_results_are_in_the_owners_history(caller: Caller) -> None:
    assert (await caller.form({"image_file": photo()})).status == 200
    job = await Job.objects.aget()
    assert (job.title, job.origin, job.lane, job.state) == ("disc.jpg", "call", "interactive", "finished")
    picture = await Picture.objects.aget()
    assert (picture.thumb_key, picture.state) == ("", "done"), "nobody has looked at it yet"
