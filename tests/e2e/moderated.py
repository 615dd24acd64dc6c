"""What the tests of moderation share: people, a reported share, and what stops with a suspension."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from uuid import UUID

from bgplatform.local.state import ROOT
from tests.person import Person
from tests.stack import SignIn, Stack

OWNER = SignIn("owner@example.org", "a-long-pass-phrase-1")
MODERATOR = SignIn("moderator@example.org", "a-long-pass-phrase-2")
PHOTO = (ROOT / "static" / "samples" / "astronaut.jpg").read_bytes()
# The promise: sessions, tokens, streams and work end within this time.
AT_ONCE_SECONDS = 2.0
# Work that takes much longer than that.
MANY = 60
_PEOPLE = f"""
from django.contrib.auth.models import Group
from accounts.models import User
from accounts.services import tokens
User.objects.filter(email__in=[{OWNER.email!r}, {MODERATOR.email!r}]).delete()
owner = User.objects.create_user({OWNER.email!r}, {OWNER.password!r})
moderator = User.objects.create_user({MODERATOR.email!r}, {MODERATOR.password!r}, is_staff=True)
moderator.groups.add(Group.objects.get(name="Moderators"))
print("secret", tokens.create(owner, "program", ["read"])[1])
"""


def make_people(stack: Stack) -> str:
    """Creates the owner and the moderator. Returns the secret of a token of the owner's."""
    return _run(stack, _PEOPLE)


def share(owner: Person, job: str) -> str:
    """Shares a job, given by the path of its page. Returns the path of the link."""
    owner.post(f"{job}share/", {"days": "30"}, form=f"{job}share/")
    found = re.search(rb"/s/[A-Za-z0-9_-]+/", owner.get("/account/shares/"))
    assert found, "the list of shares shows no link"
    return found[0].decode()


def case_of(stack: Stack) -> str:
    """The id of the newest case."""
    return str(UUID(str(stack.rows("SELECT id FROM jobs_case ORDER BY id DESC LIMIT 1")[0][0])))


def is_gone(stack: Stack, path: str) -> bool:
    """Whether a visitor gets a 404."""
    try:
        Person(stack.address).get(path)
    except urllib.error.HTTPError as error:
        return error.code == 404
    return False


def ask(stack: Stack, secret: str) -> str:
    """The answer of the API to a token: "ok", or an error's code."""
    request = urllib.request.Request(  # noqa: S310  # our own site on the loopback
        f"{stack.address}api/v1/account/", headers={"Authorization": f"Token {secret}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310
            return "ok"
    except urllib.error.HTTPError as error:
        return str(json.loads(error.read())["code"])


def follow(owner: Person, job: str) -> threading.Event:
    """Follows the events of a job. The returned event is set when the stream has ended."""
    started, ended = threading.Event(), threading.Event()

    def read() -> None:
        with owner.open(f"{job}events/") as answer:
            started.set()
            while answer.readline():
                pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert started.wait(30)
    return ended


def state_of(stack: Stack, job: str) -> str:
    """The state of a job, given by the path of its page."""
    number = Path(job).name.replace("-", "")
    return str(stack.rows(f"SELECT state FROM jobs_job WHERE id = '{number}'")[0][0])  # noqa: S608


def story_of(stack: Stack, case: str) -> list[str]:
    """What the audit log says about a case and about suspensions of its owner, without what was opened."""
    owner = stack.rows(f"SELECT id FROM accounts_user WHERE email = '{OWNER.email}'")[0][0]  # noqa: S608
    rows = stack.rows(
        "SELECT action FROM accounts_auditentry WHERE action <> 'opened' AND "  # noqa: S608
        f"(target = '{case}' OR kind = 'accounts.User' AND target = '{owner}') ORDER BY id"
    )
    return [str(action) for (action,) in rows]


def _run(stack: Stack, code: str) -> str:
    """Runs code in the stack's Django, and returns the last word that it prints."""
    return stack.manage("shell", "--no-imports", "-c", code).split()[-1]
