"""/v1.0/improve stores the picture; ephemeral tokens are refused, and the rate limit applies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from jobs.models import Improvement
from tests.conftest import make_picture
from tests.jobs.compat.conftest import Answer, Caller
from tests.jobs.factories import stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
# Just over a megapixel counts as two.
PHOTO = make_picture(1250, 801, format="JPEG")


async def sent(caller: Caller) -> Answer:
    return await caller.form({"image_file": SimpleUploadedFile("photo.jpg", PHOTO)}, path="/v1.0/improve")


async def test_the_picture_is_stored(caller: Caller) -> None:
    answer = await sent(caller)
    made = await Improvement.objects.aget()
    assert (answer.status, answer.json) == (200, {"id": str(made.pk)})
    assert stored_files() == [made.key]


async def test_an_ephemeral_token_is_refused(make_caller: Callable[..., Caller]) -> None:
    caller = await sync_to_async(make_caller)(ephemeral=True)
    assert (await sent(caller)).error == (403, "auth_failed")
    assert stored_files() == []


async def test_its_megapixels_count_towards_the_rate_limit(caller: Caller, settings: Settings) -> None:
    settings.COMPAT_MEGAPIXELS_A_MINUTE = 3
    answers = [await sent(caller) for _ in range(3)]
    # A minute may end between two of them, but not between each.
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    assert refused[0].error == (429, "rate_limit_exceeded")
    assert int(refused[0].headers["Retry-After"]) >= 1
