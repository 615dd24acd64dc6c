"""docs/api/moving-from-removebg.md, row by row."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from accounts.selectors import usage_of
from jobs.compat import body, execution, removebg_parameters, sources
from jobs.models import Job
from jobs.services import synchronous
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Caller
from tests.jobs.compat.guides import GUIDES, rows, without_a_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
GUIDE = "moving-from-removebg.md"
PHOTO = make_picture(320, 240, format="JPEG")
CLAIMS = {
    "endpoints": (
        "test_responses:test_a_call_with_defaults",
        "test_refusals:test_the_account_has_exactly_these_keys",
        "test_improve:test_the_picture_is_stored",
    ),
    "request bodies": (
        "test_responses:test_every_source_gives_the_same_result",
        "test_body:test_forms_with_and_without_a_content_type",
        "test_what_clients_impose:test_1_empty_strings_mean_absent",
    ),
    "remove.bg's documentation samples in PHP (Guzzle), Java (Apache HttpClient) and C#": (
        "tests.clients.test_recorded_requests:test_a_file",
        "tests.clients.test_recorded_requests:test_the_name_of_a_file",
    ),
    "remove.bg's own command line (Go)": (
        "tests.clients.test_recorded_requests:test_a_file",
        "tests.clients.test_recorded_requests:test_the_go_client_asks_for_a_zip",
    ),
    "parameters": (
        "test_guide_removebg:test_an_explicit_default_changes_nothing",
        "test_guide_removebg:test_every_parameter_is_used",
        "test_removebg_parameters:test_defaults_are_the_documented_ones",
        "test_removebg_parameters:test_errors_name_the_parameter",
    ),
    "limits": (
        "test_guide_removebg:test_limits",
        "test_removebg_parameters:test_size_is_a_limit_in_megapixels_with_a_lower_one_for_png",
        "test_refusals:test_invalid_requests",
    ),
    "answers": (
        "test_responses:test_a_call_with_defaults",
        "test_responses:test_with_accept_json_the_same_bytes_come_as_base64",
        "test_responses:test_the_zip_holds_colour_and_matte",
        "test_same_again:test_a_retry_finds_the_running_job",
        "test_guide_removebg:test_failures_are_not_charged",
    ),
    "errors": (
        "test_refusals:test_invalid_requests",
        "test_bounds:test_requests_refused_before_the_views",
        "test_refusals:test_an_unknown_url",
        "test_refusals:test_too_many_in_flight_is_a_429_and_not_a_402",
        "test_refusals:test_the_rate_limit",
    ),
    "where pictures are processed": ("test_responses:test_results_are_in_the_owners_history",),
    "credits": (
        "test_guide_removebg:test_a_repeated_request_is_charged_once_unless_ephemeral",
        "test_guide_removebg:test_failures_are_not_charged",
        "test_what_clients_impose:test_2_credits_are_a_plain_integer",
        "test_same_again:test_failed_or_old_jobs_are_not_reused",
    ),
    "`/account`": ("test_refusals:test_the_account_has_exactly_these_keys",),
    "`type`": ("test_removebg_parameters:test_type_is_the_callers_value",),
    "`scale` with `position=original`": ("test_removebg_parameters:test_scale_and_position",),
    "shadows": ("test_removebg_parameters:test_shadows",),
    "time limit": ("test_guide_removebg:test_a_result_after_a_503_is_not_charged_again",),
    "concurrency limit": (
        "test_guide_removebg:test_the_concurrency_limit",
        "test_bounds:test_too_many_concurrent_calls",
        "test_concurrency:test_requests_with_only_a_url_wait_for_a_slot",
        "test_refusals:test_too_many_in_flight_is_a_429_and_not_a_402",
    ),
    "history": (
        "test_responses:test_results_are_in_the_owners_history",
        "test_same_again:test_nothing_is_kept_after_an_ephemeral_response",
    ),
    "`/improve`": (
        "test_improve:test_the_picture_is_stored",
        "test_improve:test_an_ephemeral_token_is_refused",
    ),
    "`image_url`": (
        "test_refusals:test_a_failed_download",
        "test_refusals:test_other_networks_are_refused",
    ),
    "additional features": ("tests.jobs.api.test_schema:test_the_committed_schema_is_current",),
}
DEFAULTS = {
    "size": "preview",
    "type": "auto",
    "type_level": "1",
    "format": "auto",
    "roi": "0% 0% 100% 100%",
    "crop": "false",
    "crop_margin": "0",
    "scale": "original",
    "position": "original",
    "channels": "rgba",
    "shadow_type": "none",
    "shadow_opacity": "auto",
    "add_shadow": "false",
    "semitransparency": "true",
}


def photo(data: bytes = PHOTO) -> Any:
    return SimpleUploadedFile("disc.jpg", data)


async def charged(user: User) -> int:
    return (await sync_to_async(usage_of)(user))[0].used


def test_every_row_has_a_test() -> None:
    clients = {row for row in rows(GUIDE) if row.startswith(("curl", "PyPI", "npm", "gem", "PHP"))}
    assert without_a_test(GUIDE, {**CLAIMS, **dict.fromkeys(clients, CLAIMS["endpoints"])}) == []


def test_the_commands_of_the_guide_parse(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join((GUIDES / GUIDE).read_text(encoding="utf-8").split())
    command = text.partition("`python manage.py ")[2].partition("`")[0]
    words = shlex.split(command.replace("you@example.org", user.email))
    assert words[0] == "create_token"
    call_command(*words)
    assert capsys.readouterr().out.startswith("bgp_")


def test_every_parameter_is_used() -> None:
    said = {name.strip(" `") for name in rows(GUIDE)["parameters"].partition(", with")[0].split(",")}
    assert said == {*DEFAULTS, "bg_color", "bg_image_url", "bg_image_file"}
    assert said <= body.NAMES | set(body.FILES)


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_an_explicit_default_changes_nothing(name: str) -> None:
    assert (
        removebg_parameters.read({name: DEFAULTS[name]})
        == removebg_parameters.read({})
        == removebg_parameters.read(DEFAULTS)
    )


def test_limits(settings: Settings) -> None:
    said = rows(GUIDE)["limits"]
    assert f"{sources.MAX_BYTES // 2**20} MB and {sources.MAX_PIXELS // 10**6} megapixels in" in said
    assert f"PNG out at most {removebg_parameters.largest('png'):.0f} megapixels" in said
    assert f"{settings.COMPAT_MEGAPIXELS_A_MINUTE} megapixels a minute" in said
    assert f"`size=auto` is at most {removebg_parameters.SIZES['auto']} megapixels" in said
    assert (sources.MAX_BYTES, sources.MAX_PIXELS, removebg_parameters.largest("png")) == (
        22 * 2**20,
        50_000_000,
        10,
    )


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_a_repeated_request_is_charged_once_unless_ephemeral(
    caller: Caller, make_caller: Callable[..., Caller], user: User
) -> None:
    for own in (caller, await sync_to_async(make_caller)(ephemeral=True)):
        before = await charged(user)
        answers = [await own.form({"image_file": photo()}) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        credits = [answer.headers["X-Credits-Charged"] for answer in answers]
        assert credits == (["1", "0"] if own is caller else ["1", "1"])
        assert await charged(user) - before == credits.count("1")


@pytest.mark.real
@pytest.mark.usefixtures("worker")
async def test_failures_are_not_charged(caller: Caller, user: User) -> None:
    out = io.BytesIO()
    Image.new("RGB", (100, 60)).save(out, "PNG")
    answer = await caller.form({"image_file": photo(out.getvalue())})
    assert answer.error == (400, "unknown_foreground")
    assert answer.headers["X-RateLimit-Limit"] == "500"
    assert await charged(user) == 0


@pytest.mark.real
@pytest.mark.parametrize("ephemeral", [False, True])
async def test_a_result_after_a_503_is_not_charged_again(
    make_caller: Callable[..., Caller],
    user: User,
    settings: Settings,
    request: pytest.FixtureRequest,
    ephemeral: bool,
) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=ephemeral)
    settings.SYNC_SECONDS = 0
    first = await caller.form({"image_file": photo()})
    assert first.error == (503, "still_working")
    assert int(first.headers["Retry-After"]) >= 1
    assert first.headers["X-RateLimit-Limit"] == "500"
    assert await charged(user) == 1
    await sync_to_async(request.getfixturevalue)("worker")
    settings.SYNC_SECONDS = 60
    second = await caller.form({"image_file": photo()})
    assert (second.status, second.headers["X-Credits-Charged"]) == (200, "0")
    assert await charged(user) == 1
    assert await Job.objects.acount() == (0 if ephemeral else 1)


def test_how_long_an_ephemeral_result_is_kept() -> None:
    assert synchronous.FORGET_AFTER.total_seconds() == 120
    assert "waits two minutes" in rows(GUIDE)["time limit"]
    assert synchronous.SAME_FOR.total_seconds() == 600
    assert "within ten minutes" in rows(GUIDE)["credits"]


async def test_the_concurrency_limit(caller: Caller, user: User) -> None:
    said = rows(GUIDE)["concurrency limit"]
    assert f"{execution.WAITING.most} calls that wait" in said
    assert f"{sources.FETCHING.most} are fetched at once" in said
    assert f"wait {sources.PATIENCE_SECONDS:.0f} seconds" in said
    assert (execution.WAITING.most, sources.FETCHING.most, sources.PATIENT.most) == (50, 4, 50)
    held = [sources.FETCHING.take(user.pk) for _ in range(4)]
    try:
        # The request includes a file, so it does not wait for a slot.
        answer = await caller.form({"image_file": photo(), "bg_image_url": "http://192.0.2.1/a.jpg"})
    finally:
        for give_back in held:
            give_back()
    assert answer.error == (429, "rate_limit_exceeded")
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["X-RateLimit-Limit"] == "500"
