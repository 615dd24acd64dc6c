"""Compared with rembg 2.0.86: the same errors, word for word, for the same parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.compat import sources
from jobs.models import Job
from tests.jobs.compat import recorded
from tests.jobs.compat.conftest import Caller, ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
RECORDED: list[dict[str, Any]] = json.loads(recorded.FILE.read_text(encoding="utf-8"))
# Our list of models replaces theirs.
OURS = "^(u2net|u2netp)$"


def with_our_models(detail: Any) -> Any:
    if isinstance(detail, str):
        return detail
    for place in detail:
        if place["type"] == "string_pattern_mismatch":
            place["msg"] = place["msg"].replace(place["ctx"]["pattern"], OURS)
            place["ctx"]["pattern"] = OURS
    return detail


def test_the_recording_covers_all_cases() -> None:
    asked = [{key: case[key] for key in case if key not in {"status", "detail"}} for case in RECORDED]
    assert asked == recorded.cases()


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: json.dumps([case["query"], case.get("form")]))
async def test_responses_match_the_recording(
    caller: Caller, case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[object] = []
    kept = sources.download

    async def download(*args: Any, **options: Any) -> Any:
        fetched.append(args)
        return await kept(*args, **options)

    monkeypatch.setattr(sources, "download", download)
    picture = SimpleUploadedFile("a.jpg", b"not read: the parameters are wrong")
    method, address, content, headers = recorded.request(case, picture)
    answer = await ask(method, address, content, {"X-Api-Key": caller.secret, **headers})
    assert answer.status == case["status"]
    wanted = with_our_models(case["detail"])
    if isinstance(wanted, str):
        # All parameters are accepted; both servers refuse the URL, each in its own words.
        assert isinstance(answer.json["detail"], str)
        assert len(fetched) == 1
    else:
        assert answer.json == {"detail": wanted}
        assert not fetched
    assert not await Job.objects.aexists()
