"""A suspension stops session, token, stream and work of a running platform within two seconds."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e import moderated
from tests.e2e.moderated import AT_ONCE_SECONDS, MODERATOR, OWNER, PHOTO
from tests.person import Person
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_everything_stops_within_two_seconds(stack: Stack) -> None:
    secret = moderated.make_people(stack)
    owner, moderator = Person(stack.address), Person(stack.address)
    owner.sign_in(OWNER)
    moderator.sign_in(MODERATOR)
    shown = owner.submit([("astronaut.jpg", PHOTO)])
    until(lambda: moderated.state_of(stack, shown) == "finished", "the picture is done")
    link = moderated.share(owner, shown)
    reported = {"reason": "illegal", "words": "That is not allowed."}
    Person(stack.address).post(f"{link}report/", reported, form=f"{link}report/")
    case = moderated.case_of(stack)
    page = f"/admin/jobs/case/{case}/change/"
    running = owner.submit([(f"photo-{number}.jpg", PHOTO) for number in range(moderated.MANY)])
    ended = moderated.follow(owner, running)
    assert (moderated.ask(stack, secret), moderated.state_of(stack, running)) == ("ok", "active")
    moderator.post(
        f"/admin/jobs/case/{case}/decide/",
        {"choice": "suspend", "days": "7", "reason": "third time", "message": "Not allowed here."},
        form=page,
    )
    began = time.monotonic()
    assert ended.wait(AT_ONCE_SECONDS), "the event stream goes on"
    assert moderated.ask(stack, secret) == "account_suspended"
    until(lambda: moderated.state_of(stack, running) == "cancelled", "the job is cancelled", AT_ONCE_SECONDS)
    assert b'name="password"' in owner.get("/jobs/")
    assert moderated.is_gone(stack, link)
    assert time.monotonic() - began < AT_ONCE_SECONDS

    decision = re.search(rb'name="decision" value="([^"]+)"', moderator.get(page))
    assert decision
    moderator.post(f"/admin/jobs/case/{case}/undo/", {"decision": decision[1].decode()}, form=page)
    assert moderated.ask(stack, secret) == "ok"
    assert not moderated.is_gone(stack, link)
    owner.sign_in(OWNER)
    assert moderated.story_of(stack, case) == [
        "reported",
        "decided",
        "suspended",
        "decision_undone",
        "suspension_lifted",
    ]
