"""`manage.py create_token`."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import tokens

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("create_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_stdout_is_only_the_secret(user: User) -> None:
    out, err = create("Ada@Example.org", "--name", "nightly", "--scope", "read", "--scope", "submit")
    token = tokens.authenticate(out.removesuffix("\n"), "192.0.2.7")
    assert (token.user, token.name, token.scopes, token.expiry) == (user, "nightly", ["read", "submit"], None)
    assert out.strip() not in err
    assert err == f"nightly ({token.prefix}…) of ada@example.org: read, submit, for good.\n"


def test_every_option(user: User) -> None:
    before = timezone.now()
    out, _ = create(
        user.email,
        *("--name", "all of it", "--scope", "delete,webhooks", "--days", "1.5", "--address", "192.0.2.0/24"),
        *("--address", "2001:db8::7", "--preview-means-full", "--ephemeral"),
    )
    token = tokens.authenticate(out.strip(), "192.0.2.7")
    assert token.scopes == ["delete", "webhooks"]
    assert (token.preview_means_full, token.ephemeral) == (True, True)
    assert token.allowed_addresses == ["192.0.2.0/24", "2001:db8::7"]
    assert token.expiry is not None
    assert timedelta(0) <= token.expiry - before - timedelta(days=1.5) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("nobody@example.org", "--name", "x", "--scope", "read"),
            "No user has the e-mail address nobody@example.org.",
        ),
        (
            ("ada@example.org", "--name", "x", "--scope", "admin"),
            "There is no scope 'admin'. The scopes are read, submit, delete, webhooks, share.",
        ),
        (("ada@example.org", "--name", " ", "--scope", "read"), "Give the token a name"),
        (("ada@example.org", "--name", "x", "--scope", "read", "--address", "here"), "Write each address as"),
        *(
            (
                ("ada@example.org", "--name", "x", "--scope", "read", f"--days={days}"),
                "--days takes a number above 0, at most 1000000. Without it the token never expires.",
            )
            for days in ("4000000", "99999999999", "inf", "nan", "0", "-1")
        ),
        (("ada@example.org", "--name", "x"), "required: --scope"),
        (("ada@example.org", "--scope", "read"), "required: --name"),
    ],
)
def test_invalid_arguments_are_explained(user: User, arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=re.escape(sentence)):
        create(*arguments)
    assert not ApiToken.objects.exists()
