"""rembg's server API: every parameter, tokens, and access from the local host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import Settings

from accounts.models import User
from jobs.compat.rembg_parameters import recipe_of
from jobs.models import Job
from segmentation.recipe import Background, Colour, Plain, Recipe, Transparent
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
PHOTO = make_picture(320, 240, format="JPEG")


def photo() -> Any:
    return SimpleUploadedFile("disc.jpg", PHOTO)


SMALL = Recipe(model="u2netp")
FIRM = replace(SMALL, binary=True)
MATTE = Recipe(model="u2netp", channels="alpha")
BEST = Recipe(model="u2netp", refine="best")


@pytest.mark.parametrize(
    ("fields", "recipe"),
    [
        ({}, SMALL),
        ({"model": "u2net"}, Recipe(model="u2net")),
        ({"a": "true", "af": "200", "ab": "0", "ae": "15"}, BEST),
        ({"a": "false"}, SMALL),
        ({"om": "1"}, MATTE),
        ({"ppm": "on"}, FIRM),
        ({"ppm": "on", "om": "1"}, Recipe(model="u2netp", binary=True, channels="alpha")),
        ({"ppm": "on", "om": "1", "a": "1"}, replace(BEST, binary=True, channels="alpha")),
        ({"ppm": "on", "a": "1"}, BEST),
        ({"ppm": "on", "vm": "1"}, BEST),
        ({"extras": '{"sam_prompt": []}'}, SMALL),
        ({"extras": "{"}, SMALL),
        ({"dc": "true"}, SMALL),
        ({"dc": "true", "vm": "True"}, BEST),
        ({"bgc": "255,0,0,255"}, SMALL),
    ],
)
def test_parameters(fields: dict[str, str], recipe: Recipe) -> None:
    assert recipe_of(fields) == recipe
    assert recipe_of(fields).format == "png"


@pytest.mark.parametrize(
    ("said", "background"),
    [
        ("255,0,0,255", Plain(Colour(255, 0, 0))),
        ("1, 2, 3, 128", Plain(Colour(1, 2, 3, 128))),
        ("1,2,3", Plain(Colour(1, 2, 3))),
        ("300,-5,0,999", Plain(Colour(255, 0, 0))),
        ("0,0,0,0", Transparent()),
        ("", Transparent()),
    ],
)
def test_the_background_colour(said: str, background: Background) -> None:
    recipe = recipe_of({}, background=said)
    assert recipe == Recipe(model="u2netp", background=background, channels="rgba-always")


def test_decontaminated_colours_need_refined_edges(settings: Settings) -> None:
    settings.COMPAT_REFINE = "off"
    assert [recipe_of(fields).refine for fields in ({}, {"dc": "1"}, {"vm": "1"}, {"a": "1"})] == [
        "off",
        "fast",
        "best",
        "best",
    ]
    settings.COMPAT_REFINE = "best"
    assert recipe_of({"dc": "1"}).refine == "best"


@pytest.mark.parametrize("said", ["red", "1,2", "1,2,3,4,5", "1,2,3,x", "1.5,2,3", "1,2,3," + "9" * 10])
async def test_an_invalid_colour_is_refused(caller: Caller, said: str) -> None:
    """rembg answers 500 "Internal Server Error" here."""
    answer = await caller.form({"file": photo()}, path="/api/remove?" + urlencode({"bgc": said}))
    assert answer.status == 422
    (place,) = answer.json["detail"]
    assert (place["type"], place["loc"], place["input"]) == ("value_error", ["query", "bgc"], said)
    assert not await Job.objects.aexists()


async def test_errors_repeat_input_only_in_part(caller: Caller) -> None:
    answer = await caller.get("/api/remove?a=" + "x" * 500)
    assert answer.json["detail"][0]["input"] == "x" * 100 + "…"


async def test_other_refusals(caller: Caller) -> None:
    missing = await caller.form({"a": "true"}, path="/api/remove")
    (place,) = missing.json["detail"]
    assert (missing.status, place["type"], place["loc"]) == (422, "missing", ["body", "file"])
    assert (await caller.get("/api/remove")).json["detail"][0]["loc"] == ["query", "url"]
    empty = await caller.form({"file": SimpleUploadedFile("a.jpg", b"")}, path="/api/remove")
    assert (empty.status, empty.json["detail"][:27]) == (400, "The file is empty (0 bytes)")
    letter = SimpleUploadedFile("a.jpg", b"Dear all")
    assert (await caller.form({"file": letter}, path="/api/remove")).status == 400
    assert (await caller.form({"file": photo(), "model": "sam"}, path="/api/remove")).status == 422
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


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_our_own_header_is_accepted(caller: Caller) -> None:
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
async def test_the_local_host_needs_no_token_if_the_operator_names_an_account(
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


def test_requests_through_a_proxy_are_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    from bgplatform import settings

    monkeypatch.setenv("REMBG_API_LOCAL", "ada@example.org")
    monkeypatch.setenv("BEHIND_PROXY", "true")
    with pytest.raises(ImproperlyConfigured, match="REMBG_API_LOCAL"):
        runpy.run_path(str(settings.__file__))


async def test_the_rate_limit_applies(make_caller: Callable[..., Caller], settings: Settings) -> None:
    settings.SYNC_SECONDS = 0
    caller = await sync_to_async(make_caller)()
    assert (await caller.form({"file": photo()}, path="/api/remove")).status == 503
    settings.COMPAT_MEGAPIXELS_A_MINUTE = 1
    other = SimpleUploadedFile("b.jpg", PHOTO + b"\0")
    answer = await caller.form({"file": other}, path="/api/remove")
    if answer.status != 503:
        assert (answer.status, list(answer.json)) == (429, ["detail"])
        assert int(answer.headers["Retry-After"]) >= 1
