"""rembg's server API: every parameter, always PNG, with tokens, and the local host where it is let in."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from jobs.compat import rembg
from jobs.models import Job
from segmentation.recipe import Colour, Plain, Recipe, Transparent
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")


def photo() -> Any:
    return SimpleUploadedFile("disc.jpg", PHOTO)


@pytest.mark.parametrize(
    ("fields", "recipe"),
    [
        ({}, Recipe(model="u2netp")),
        ({"model": "u2net"}, Recipe(model="u2net")),
        ({"a": "true", "af": "200", "ab": "0", "ae": "15"}, Recipe(model="u2netp", refine="best")),
        ({"a": "false"}, Recipe(model="u2netp")),
        ({"om": "1"}, Recipe(model="u2netp", channels="alpha")),
        ({"ppm": "on"}, Recipe(model="u2netp", semitransparency=False)),
        ({"bgc": "255,0,0,255"}, Recipe(model="u2netp", background=Plain(Colour(255, 0, 0)))),
        ({"bgc": "1, 2, 3, 128"}, Recipe(model="u2netp", background=Plain(Colour(1, 2, 3, 128)))),
        ({"bgc": "0,0,0,0"}, Recipe(model="u2netp", background=Transparent())),
        ({"extras": '{"sam_prompt": []}'}, Recipe(model="u2netp")),
        ({"extras": "{"}, Recipe(model="u2netp")),
        ({"dc": "true", "vm": "True"}, Recipe(model="u2netp")),
    ],
)
def test_parameters(fields: dict[str, str], recipe: Recipe) -> None:
    assert rembg.recipe_of(fields) == recipe
    assert rembg.recipe_of(fields).format == "png"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("a=maybe", "a"),
        ("om=2", "om"),
        ("ppm=x", "ppm"),
        ("af=256", "af"),
        ("ab=-1", "ab"),
        ("ae=1.5", "ae"),
        ("bgc=red", "bgc"),
        ("bgc=1,2", "bgc"),
        ("bgc=1,2,3,256", "bgc"),
        ("dc=maybe", "dc"),
    ],
)
async def test_wrong_parameters_are_told_as_fastapi_tells_them(caller: Caller, query: str, name: str) -> None:
    answer = await caller.form({"file": photo()}, path=f"/api/remove?{query}")
    assert answer.status == 422
    (place,) = answer.json["detail"]
    assert place["loc"] == ["query", name]
    assert set(place) == {"type", "loc", "msg", "input"}
    assert len(place["input"]) <= 101
    assert not await Job.objects.aexists()


async def test_other_refusals(caller: Caller) -> None:
    missing = await caller.form({"a": "true"}, path="/api/remove")
    (place,) = missing.json["detail"]
    assert (missing.status, place["type"], place["loc"]) == (422, "missing", ["body", "file"])
    assert (await caller.get("/api/remove")).json["detail"][0]["loc"] == ["query", "url"]
    letter = SimpleUploadedFile("a.jpg", b"Dear all")
    assert (await caller.form({"file": letter}, path="/api/remove")).status == 400
    assert (await caller.form({"file": photo(), "model": "sam"}, path="/api/remove")).status == 400
    assert (await caller.get("/api/remove?url=http://127.0.0.1/a.jpg")).status == 400
    assert (await caller.get("/api/remove?url=x" + "&a=1" * 300)).status == 400
    assert (await caller.get("/api/remove?url=http://[::ffff:169.254.169.254]/")).status == 400
    for answer in (
        await ask("GET", "/api/remove?url=x"),
        await ask("POST", "/api/remove", headers={"X-Api-Key": "x"}),
    ):
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert list(answer.json) == ["detail"]
    assert (await ask("PUT", "/api/remove")).status == 405


def alpha(answer: Answer) -> np.ndarray[Any, Any]:
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_cut_out_mask_and_colour(caller: Caller) -> None:
    cut = alpha(await caller.form({"file": photo()}, path="/api/remove"))
    assert cut.shape == (240, 320, 4)
    assert (cut[120, 160, 3], cut[2, 2, 3]) == (255, 0)
    mask = alpha(await caller.form({"file": photo()}, path="/api/remove?om=true"))
    assert mask.shape == (240, 320)
    assert np.array_equal(mask, cut[..., 3])
    red = alpha(await caller.form({"file": photo(), "bgc": "255,0,0,255"}, path="/api/remove"))
    assert tuple(red[2, 2, :3]) == (255, 0, 0)
    firm = alpha(await caller.form({"file": photo()}, path="/api/remove?ppm=true&om=true"))
    assert np.count_nonzero((firm > 0) & (firm < 255)) < np.count_nonzero((mask > 0) & (mask < 255))


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_a_post_takes_its_model_from_the_form(caller: Caller) -> None:
    for address in ("model=birefnet-general", "model=sam&extras={", "model="):
        assert (await caller.form({"file": photo()}, path=f"/api/remove?{address}")).status == 200
    assert [job.recipe["model"] async for job in Job.objects.all()] == ["u2netp"], "the same each time"
    named = {"file": photo(), "model": "u2netp"}
    assert (await caller.form(named, path="/api/remove?model=sam")).status == 200
    refused = await caller.get("/api/remove?model=sam&url=http://127.0.0.1/a.jpg")
    assert refused.status == 400


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_our_own_header_opens_it_too(caller: Caller) -> None:
    body = encode_multipart(BOUNDARY, {"file": photo()})
    for keyword in ("Token", "Bearer"):
        said = {"Authorization": f"{keyword} {caller.secret}", "Content-Type": MULTIPART_CONTENT}
        assert (await ask("POST", "/api/remove", body, said)).status == 200


async def local(**headers: str) -> Answer:
    body = encode_multipart(BOUNDARY, {"file": photo()})
    said = {
        "Content-Type": MULTIPART_CONTENT,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await ask("POST", "/api/remove", body, said, client=said.pop("client", "127.0.0.1"))


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_the_local_host_is_let_in_where_the_operator_says_as_whom(
    user: User, settings: Settings
) -> None:
    assert (await local()).status == 401
    settings.REMBG_API_LOCAL = user.email
    assert (await local()).status == 200
    assert (await Job.objects.aget()).user_id == user.pk
    for headers in (
        {"client": "192.0.2.9"},
        {"Origin": "http://evil.example"},
        {"Referer": "http://evil.example/"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Cookie": "a=b"},
        {"Forwarded": "for=192.0.2.9"},
        {"X_Forwarded_For": "192.0.2.9"},
        {"X_Real_Ip": "192.0.2.9"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example"},
        {"X_Api_Key": "bgp_" + "x" * 43},
    ):
        assert (await local(**headers)).status == 401, headers
    settings.REMBG_API_LOCAL = "nobody@example.org"
    assert (await local()).status == 401


def test_behind_a_proxy_nobody_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    from bgplatform import settings

    monkeypatch.setenv("REMBG_API_LOCAL", "ada@example.org")
    monkeypatch.setenv("BEHIND_PROXY", "true")
    with pytest.raises(ImproperlyConfigured, match="REMBG_API_LOCAL"):
        runpy.run_path(str(settings.__file__))


async def test_the_pace_counts_here_too(make_caller: Callable[..., Caller], settings: Settings) -> None:
    settings.SYNC_SECONDS = 0
    caller = await sync_to_async(make_caller)()
    assert (await caller.form({"file": photo()}, path="/api/remove")).status == 503
    settings.COMPAT_MEGAPIXELS_A_MINUTE = 1
    other = SimpleUploadedFile("b.jpg", PHOTO + b"\0")
    answer = await caller.form({"file": other}, path="/api/remove")
    if answer.status != 503:
        assert (answer.status, list(answer.json)) == (429, ["detail"])
        assert int(answer.headers["Retry-After"]) >= 1
