"""Tokens: create, rotate, revoke, refuse; a leaked database holds no usable secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.errors import TokenChoiceError, TokenRefusedError
from accounts.models import ApiToken, User
from accounts.services import tokens
from tests.jobs.at_once import at_once

pytestmark = pytest.mark.django_db
HOME = "192.0.2.7"


def refusal(secret: str, address: str = HOME) -> tuple[str, int]:
    with pytest.raises(TokenRefusedError) as caught:
        tokens.authenticate(secret, address)
    assert caught.value.sentence.endswith(".")
    return caught.value.code, caught.value.status


def test_a_token_authenticates_by_its_secret(user: User) -> None:
    token, secret = tokens.create(user, "  my   script ", ["submit", "read"])
    assert re.fullmatch(r"bgp_[A-Za-z0-9_-]{43}", secret)
    assert (token.name, token.scopes) == ("my script", ["read", "submit"])
    assert token.prefix == secret[:12]
    opened = tokens.authenticate(secret, HOME)
    assert (opened.pk, opened.user) == (token.pk, user)
    assert (opened.allows("submit"), opened.allows("delete")) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda secret: "",
        lambda secret: "bgp_",
        lambda secret: secret[:-1],
        lambda secret: secret + "A",
        lambda secret: secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        lambda secret: secret.swapcase(),
        lambda secret: secret[:12],
        lambda secret: secret[4:],
        lambda secret: " " + secret,
        lambda secret: secret + "\n",
        lambda secret: secret[:-1] + "\0",
        lambda secret: secret[:-1] + "é",
        lambda secret: secret[:-1] + "\ud800",
        lambda secret: "%" * len(secret),
        lambda secret: "x" * 100_000,
    ],
)
def test_no_other_secret_authenticates(user: User, change: Callable[[str], str]) -> None:
    _, secret = tokens.create(user, "script", ["read"])
    assert refusal(change(secret)) == ("invalid_token", 401)


def test_a_leaked_database_holds_no_usable_token(user: User) -> None:
    """Tries every value of every column, and their parts, as a secret."""
    made = [tokens.create(user, f"script {number}", ["read"]) for number in range(3)]
    secrets = [secret for _, secret in made]
    tokens.authenticate(secrets[0], HOME)
    secrets[1] = tokens.rotate(made[1][0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_apitoken")
        columns = [column[0] for column in cursor.description]
        values = [str(value) for row in cursor.fetchall() for value in row]
    assert {"digest", "prefix"} <= set(columns)
    tried = set(values) | {f"bgp_{value}" for value in values} | {value[:47] for value in values}
    tried |= {a + b for a in values for b in values}
    for guess in tried:
        with pytest.raises(TokenRefusedError):
            tokens.authenticate(guess, HOME)
    # Only the secret's first 12 characters are stored; 35 random ones stay unknown.
    dump = "\n".join(values)
    for secret in secrets:
        assert secret not in dump
        assert secret[12:] not in dump
        assert secret[5:20] not in dump


def test_secrets_are_compared_in_constant_time(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The query uses only the public prefix of the secret; the rest goes through compare_digest."""
    token, secret = tokens.create(user, "script", ["read"])
    compared: list[tuple[str, str]] = []
    real = tokens.hmac.compare_digest

    def watched(a: str, b: str) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(tokens.hmac, "compare_digest", watched)
    asked: list[str] = []

    def listen(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        asked.append(f"{sql} {params}")
        return execute(sql, params, many, context)

    wrong = secret[:-4] + "AAAA"
    with connection.execute_wrapper(listen):
        assert refusal(wrong) == ("invalid_token", 401)
    assert [a for a, _ in compared] == [token.digest]
    assert secret[:12] in asked[0]
    assert token.digest not in asked[0]
    assert compared[0][1] not in asked[0]


def test_two_tokens_with_the_same_prefix_are_distinguished(user: User) -> None:
    first, secret = tokens.create(user, "first", ["read"])
    second, other = tokens.create(user, "second", ["read"])
    alike = secret[:12] + other[12:]
    ApiToken.objects.filter(pk=second.pk).update(prefix=alike[:12], digest=tokens._digest(alike))
    assert tokens.authenticate(secret, HOME).pk == first.pk
    assert tokens.authenticate(alike, HOME).pk == second.pk


def test_a_revoked_token_fails_at_once(user: User) -> None:
    token, secret = tokens.create(user, "script", ["read"])
    held = tokens.authenticate(secret, HOME)
    assert tokens.revoke(token) == 1
    assert refusal(secret) == ("revoked_token", 401)
    when = token.revoked_at
    assert tokens.revoke(held) == 0
    assert held.revoked_at == when
    with pytest.raises(TokenRefusedError) as caught:
        tokens.rotate(held)
    assert caught.value.code == "revoked_token"
    assert refusal(secret) == ("revoked_token", 401)


@pytest.mark.django_db(transaction=True)
def test_a_revoked_token_fails_at_once_in_every_process(make_user: Callable[..., User]) -> None:
    """Threads with their own connections, each of which had accepted the token before."""
    token, secret = tokens.create(make_user(), "script", ["read"])
    assert {getattr(one, "pk", one) for one in at_once(lambda _: tokens.authenticate(secret, HOME), 8)} == {
        token.pk
    }
    tokens.revoke(token)
    refused = at_once(lambda _: tokens.authenticate(secret, HOME), 8)
    assert [getattr(one, "code", one) for one in refused] == ["revoked_token"] * 8


def test_rotation_replaces_the_secret(user: User) -> None:
    token, old = tokens.create(user, "script", ["read"], allowed_addresses=[HOME])
    new = tokens.rotate(token)
    assert new != old
    assert token.prefix == new[:12]
    assert refusal(old) == ("invalid_token", 401)
    assert tokens.authenticate(new, HOME).pk == token.pk
    assert ApiToken.objects.count() == 1


def test_revoking_a_token_revokes_its_descendants(user: User, stranger: User) -> None:
    first, _ = tokens.create(user, "first", ["read"])
    second, _ = tokens.create(user, "second", ["read"], made_by=first)
    _, secret = tokens.create(user, "third", ["read"], made_by=second)
    gone, _ = tokens.create(user, "gone", ["read"], made_by=first)
    other, _ = tokens.create(user, "other", ["read"])
    tokens.create(stranger, "somebody else's", ["read"])
    assert tokens.revoke(gone) == 1
    before = gone.revoked_at
    assert tokens.revoke(first) == 3
    assert refusal(secret) == ("revoked_token", 401)
    live = ApiToken.objects.filter(revoked_at__isnull=True).order_by("pk").values_list("name", flat=True)
    assert list(live) == ["other", "somebody else's"]
    gone.refresh_from_db()
    assert gone.revoked_at == before
    assert tokens.revoke(first) == 0
    assert other.made_by is None


def test_revoking_a_chain_needs_one_update_per_generation(
    user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = last = tokens.create(user, "0", ["read"])[0]
    for number in range(1, tokens.TOKENS_A_USER):
        last, _ = tokens.create(user, str(number), ["read"], made_by=last)
    # A cycle: the last token received the first one's secret.
    tokens.rotate(first, last)
    with django_assert_max_num_queries(2 * tokens.TOKENS_A_USER + 5):
        assert tokens.revoke(last) == tokens.TOKENS_A_USER
    assert not ApiToken.objects.filter(revoked_at__isnull=True).exists()


def test_a_revoked_token_cannot_create_or_rotate(user: User) -> None:
    """The token was authenticated, then revoked before the call."""
    caller, _ = tokens.create(user, "caller", ["read"])
    other, secret = tokens.create(user, "other", ["read"])
    held = ApiToken.objects.get(pk=caller.pk)
    tokens.revoke(caller)
    for act in (
        lambda: tokens.create(user, "late", ["read"], made_by=held),
        lambda: tokens.rotate(other, held),
    ):
        with pytest.raises(TokenRefusedError) as caught:
            act()
        assert caught.value.code == "revoked_token"
    assert ApiToken.objects.count() == 2
    assert tokens.authenticate(secret, HOME).pk == other.pk


def test_rotation_keeps_children_and_changes_the_parent(user: User) -> None:
    maker, _ = tokens.create(user, "maker", ["read"])
    child, _ = tokens.create(user, "child", ["read"], made_by=maker)
    other, _ = tokens.create(user, "other", ["read"])

    def hangs_on(token: ApiToken) -> ApiToken | None:
        token.refresh_from_db()
        return token.made_by

    tokens.rotate(maker)
    assert (hangs_on(child), child.revoked_at) == (maker, None)
    tokens.rotate(child, child)
    assert hangs_on(child) == maker, "who knew the old secret may be who is told the new one"
    tokens.rotate(child, other)
    assert hangs_on(child) == other
    tokens.rotate(child)
    assert hangs_on(child) is None
    assert tokens.revoke(other) == tokens.revoke(maker) == 1
    assert hangs_on(child) is None
    assert child.revoked_at is None


@pytest.mark.django_db(transaction=True)
def test_a_token_created_while_its_parent_is_revoked_is_revoked_or_refused(
    make_user: Callable[..., User],
) -> None:
    user = make_user()
    maker, _ = tokens.create(user, "maker", ["read"])

    def act(number: int) -> object:
        if number == 3:
            return tokens.revoke(maker)
        return tokens.create(user, f"made {number}", ["read"], made_by=maker)

    done = at_once(act, 8)
    refused = [one for one in done if isinstance(one, TokenRefusedError)]
    assert isinstance(done[3], int)
    assert done[3] - 1 + len(refused) == 7
    assert not ApiToken.objects.filter(revoked_at__isnull=True).exists()


def test_a_token_expires_to_the_second(user: User) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        token, secret = tokens.create(user, "script", ["read"], expires_at=now + timedelta(hours=1))
        clock.shift(timedelta(seconds=3599))
        assert tokens.authenticate(secret, HOME).pk == token.pk
        clock.shift(timedelta(seconds=1))
        assert refusal(secret) == ("expired_token", 401)
        with pytest.raises(TokenRefusedError) as caught:
            tokens.rotate(token)
        assert caught.value.code == "expired_token"


def test_a_token_of_a_closed_account_is_refused(user: User) -> None:
    _, secret = tokens.create(user, "script", ["read"])
    User.objects.update(is_active=False)
    assert refusal(secret) == ("account_closed", 401)


@pytest.mark.parametrize(
    ("allowed", "address", "lets_in"),
    [
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["192.0.2.0/24"], "192.0.2.255", True),
        (["192.0.2.9/24"], "192.0.2.1", True),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::7", True),
        (["192.0.2.0/24"], "2001:db8::7", False),
        (["2001:db8::/32"], "192.0.2.7", False),
        (["192.0.2.0/24"], "", False),
        ([], "", True),
        ([], "192.0.2.7", True),
    ],
)
def test_the_addresses_that_a_token_works_from(
    user: User, allowed: list[str], address: str, lets_in: bool
) -> None:
    token, secret = tokens.create(user, "script", ["read"], allowed_addresses=allowed)
    if lets_in:
        assert tokens.authenticate(secret, address).pk == token.pk
    else:
        assert refusal(secret, address) == ("address_not_allowed", 403)
        token.refresh_from_db()
        assert token.last_used_at is None


def test_the_last_use_is_recorded_once_a_minute(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token, secret = tokens.create(user, "script", ["read"])
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        with django_assert_num_queries(2):
            tokens.authenticate(secret, HOME)
        token.refresh_from_db()
        assert (token.last_used_at, token.last_used_from) == (start, HOME)
        clock.shift(timedelta(seconds=59))
        for address in (HOME, "2001:db8::7"):
            with django_assert_num_queries(1):
                tokens.authenticate(secret, address)
        token.refresh_from_db()
        assert (token.last_used_at, token.last_used_from) == (start, HOME)
        clock.shift(timedelta(seconds=1))
        with django_assert_num_queries(2):
            tokens.authenticate(secret, "2001:db8::7")
        token.refresh_from_db()
        assert (token.last_used_at, token.last_used_from) == (start + timedelta(minutes=1), "2001:db8::7")


@pytest.mark.parametrize(
    ("facts", "code", "field"),
    [
        ({"name": "  "}, "name_missing", "name"),
        ({"name": "\u200b"}, "name_missing", "name"),
        ({"name": "\u2800 \u3164\u0301\u202e"}, "name_missing", "name"),
        ({"name": "x" * 65}, "name_too_long", "name"),
        ({"scopes": []}, "scope_missing", "scopes"),
        ({"scopes": ["read", "admin"]}, "unknown_scope", "scopes"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "expired_already", "expires_at"),
        ({"allowed_addresses": ["example.org"]}, "invalid_address", "allowed_addresses"),
        ({"allowed_addresses": ["192.0.2.0/33"]}, "invalid_address", "allowed_addresses"),
        ({"allowed_addresses": [""]}, "invalid_address", "allowed_addresses"),
    ],
)
def test_an_invalid_token_is_refused(user: User, facts: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(TokenChoiceError) as caught:
        tokens.create(user, **{"name": "script", "scopes": ["read"], **facts})  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == (code, field)
    assert not ApiToken.objects.exists()


def test_the_number_of_tokens_is_limited(user: User, stranger: User) -> None:
    made = [tokens.create(user, f"script {n}", ["read"])[0] for n in range(tokens.TOKENS_A_USER)]
    with pytest.raises(TokenChoiceError) as caught:
        tokens.create(user, "one more", ["read"])
    assert caught.value.code == "too_many_tokens"
    tokens.create(stranger, "theirs", ["read"])
    tokens.revoke(made[0])
    tokens.create(user, "one more", ["read"])


def test_the_database_refuses_a_token_without_a_name_or_with_anothers_digest(user: User) -> None:
    token, _ = tokens.create(user, "script", ["read"])
    with pytest.raises(IntegrityError, match="token_has_name"), transaction.atomic():
        ApiToken.objects.create(user=user, name="", prefix="x", digest="x")
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        ApiToken.objects.create(user=user, name="x", prefix="x", digest=token.digest)
