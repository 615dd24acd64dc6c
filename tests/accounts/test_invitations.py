"""Invitations: who may be invited, what the link does, and what a link that no longer works tells."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditAction, AuditEntry, Invitation, User
from accounts.services import invitations
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
NEW = "new@example.org"
INVITE, LIST = reverse("admin:accounts_invitation_add"), reverse("admin:accounts_invitation_changelist")
CHOSEN = {"password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def root(make_user: Callable[..., User]) -> User:
    return make_user("root@example.org", is_staff=True, is_superuser=True, name="Rita Root")


@pytest.fixture
def staff(root: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(root)


def invite(staff: Client, *addresses: str) -> str:
    """Invites the addresses. Returns what staff are told, all messages in one text."""
    page = staff.post(INVITE, {"addresses": "\n".join(addresses)}, follow=True)
    assert page.status_code == 200
    return " ".join(str(message) for message in page.context["messages"])


def act(staff: Client, action: str, *rows: Invitation) -> str:
    page = staff.post(LIST, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    return " ".join(str(message) for message in page.context["messages"])


def link_in(message: Any) -> str:
    found = re.findall(r"http://testserver(/account/invitation/\S+)", message.body)
    assert len(found) == 1
    return str(found[0])


def told(client: Client, link: str, method: str = "get") -> tuple[int, str]:
    """Status and page, without what differs for each request."""
    answer = getattr(client, method)(link, CHOSEN if method == "post" else {})
    return answer.status_code, re.sub(r'value="[^"]{64}"', "", answer.content.decode())


def actions() -> list[tuple[str, int | None, int | None]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "actor", "subject"))


def test_an_invited_person_gets_an_account_with_a_confirmed_address(
    staff: Client, root: User, settings: Settings
) -> None:
    settings.SIGN_UP = "invitation"
    assert invite(staff, " New@Example.org ") == "Invited: new@example.org."
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([NEW], "[bgplatform] Your invitation to bgplatform")
    assert "Rita Root invites you to bgplatform" in message.body
    assert "It works once, for 7 days." in message.body
    visitor, link = Client(), link_in(message)
    assert visitor.get(link).status_code == 200
    assert User.objects.count() == 1, "opening the link creates nothing: mail filters open links, too"

    answer = visitor.post(link, CHOSEN)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get(email=NEW)
    assert visitor.session["_auth_user_id"] == str(user.pk)
    assert user.check_password(PASSWORD)
    rows = EmailAddress.objects.values_list("user", "email", "verified", "primary")
    assert list(rows) == [(user.pk, NEW, True, True)]
    assert len(mail.outbox) == 1, "no second confirmation"
    invitation = Invitation.objects.get()
    assert (invitation.state, invitation.account, invitation.invited_by) == ("accepted", user, root.pk)
    assert actions() == [
        ("invited", root.pk, None),
        ("invitation_accepted", user.pk, user.pk),
        ("signed_up", user.pk, user.pk),
        ("signed_in", user.pk, user.pk),
    ]


def test_only_the_digest_of_the_link_is_stored(staff: Client) -> None:
    invite(staff, NEW)
    secret = link_in(mail.outbox[0]).rstrip("/").rpartition("/")[2]
    assert len(secret) == 43
    row = Invitation.objects.get()
    assert row.digest == sha256(secret.encode()).hexdigest()
    pages = staff.get(LIST).content + staff.get(f"{LIST}{row.pk}/change/").content
    assert secret.encode() not in pages
    assert row.digest.encode() not in pages


def test_used_expired_revoked_and_unknown_links_give_the_same_answer(staff: Client) -> None:
    names = ["used", "expired", "revoked", "renewed", "taken"]
    invite(staff, *(f"{name}@example.org" for name in names))
    links = {message.to[0].partition("@")[0]: link_in(message) for message in mail.outbox}
    rows = {row.email.partition("@")[0]: row for row in Invitation.objects.all()}
    Client().post(links["used"], CHOSEN)
    Invitation.objects.filter(pk=rows["expired"].pk).update(expires_at=timezone.now())
    assert act(staff, "revoke", rows["revoked"]) == "Revoked: 1."
    assert act(staff, "send_again", rows["renewed"]) == "Invited: renewed@example.org."
    User.objects.create_user("taken@example.org", PASSWORD)
    accounts = User.objects.count()
    for method in ("get", "post"):
        unknown = told(Client(), f"/account/invitation/{'A' * 43}/", method)
        assert unknown[0] == 404
        assert {name: told(Client(), links[name], method) == unknown for name in names} == dict.fromkeys(
            names, True
        )
    assert User.objects.count() == accounts


def test_a_closed_site_accepts_no_invitation(staff: Client, settings: Settings) -> None:
    invite(staff, NEW)
    settings.SIGN_UP = "closed"
    assert Client().post(link_in(mail.outbox[0]), CHOSEN).status_code == 404
    assert staff.post(INVITE, {"addresses": "other@example.org"}).status_code == 403
    assert (User.objects.filter(email=NEW).exists(), Invitation.objects.count()) == (False, 1)


def test_without_an_invitation_nobody_signs_up(client: Client, settings: Settings) -> None:
    settings.SIGN_UP = "invitation"
    page = client.post("/account/signup/", {"email": NEW, **CHOSEN})
    assert b"You need an invitation" in page.content
    assert (User.objects.count(), mail.outbox) == (0, [])


def test_staff_learn_that_an_address_has_an_account_and_nothing_is_sent(staff: Client, user: User) -> None:
    assert invite(staff, user.email) == f"These have an account. Nothing was sent: {user.email}."
    assert (mail.outbox, Invitation.objects.count()) == ([], 0)


def test_an_address_that_is_merely_claimed_goes_to_the_invited_person(
    staff: Client, make_user: Callable[..., User]
) -> None:
    claimant = make_user(NEW)
    EmailAddress.objects.create(user=claimant, email=NEW, verified=False, primary=True)
    invite(staff, NEW)
    Client().post(link_in(mail.outbox[0]), CHOSEN)
    claimant.refresh_from_db()
    assert claimant.email.endswith("@released.invalid")
    assert User.objects.get(email=NEW).pk != claimant.pk


def test_a_pending_invitation_is_not_sent_twice_unless_asked(staff: Client) -> None:
    invite(staff, NEW)
    first = link_in(mail.outbox[0])
    assert invite(staff, NEW).startswith("These are invited already.")
    assert len(mail.outbox) == 1
    assert act(staff, "send_again", Invitation.objects.get()) == f"Invited: {NEW}."
    assert Client().get(first).status_code == 404
    assert Client().get(link_in(mail.outbox[1])).status_code == 200


def test_an_expired_invitation_is_renewed_and_a_revoked_one_is_not_sent_again(staff: Client) -> None:
    invite(staff, NEW)
    Invitation.objects.update(expires_at=timezone.now())
    assert Invitation.objects.get().state == "expired"
    assert invite(staff, NEW) == f"Invited: {NEW}."
    row = Invitation.objects.get()
    assert (row.state, row.expires_at > timezone.now() + timedelta(days=6)) == ("sent", True)
    act(staff, "revoke", row)
    assert act(staff, "send_again", row).startswith("These were accepted or revoked.")
    assert act(staff, "revoke", row) == "Revoked: 0."
    assert (Invitation.objects.get().state, len(mail.outbox)) == ("revoked", 2)


def test_a_refused_mail_is_told_and_can_be_sent_again(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", fail)
        assert invite(staff, NEW).startswith("The mail server did not take these.")
    row = Invitation.objects.get()
    assert row.state == "unsent"
    assert act(staff, "send_again", row) == f"Invited: {NEW}."
    assert Invitation.objects.get().state == "sent"


def test_mails_to_one_address_are_rate_limited(staff: Client) -> None:
    invite(staff, NEW)
    row = Invitation.objects.get()
    act(staff, "send_again", row)
    assert act(staff, "send_again", row).startswith("Too many invitations at once.")
    assert len(mail.outbox) == 2
    assert Client().get(link_in(mail.outbox[1])).status_code == 200


def test_attempts_to_use_links_are_rate_limited(client: Client) -> None:
    codes = [client.post(f"/account/invitation/{n:043}/", CHOSEN).status_code for n in range(31)]
    assert codes == [404] * 30 + [429]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("new@example.org, nonsense", "“nonsense” is not an e-mail address."),
        ("\n".join(f"a{n}@example.org" for n in range(51)), "Invite at most 50 addresses at once."),
    ],
)
def test_one_wrong_address_refuses_all(staff: Client, given: str, sentence: str) -> None:
    page = staff.post(INVITE, {"addresses": given})
    assert (page.status_code, sentence in page.content.decode()) == (400, True)
    assert (mail.outbox, Invitation.objects.count()) == ([], 0)


def test_the_list_filters_by_state(staff: Client) -> None:
    invite(staff, "sent@example.org", "revoked@example.org", "expired@example.org")
    act(staff, "revoke", Invitation.objects.get(email="revoked@example.org"))
    Invitation.objects.filter(email="expired@example.org").update(expires_at=timezone.now())
    for state in ("sent", "revoked", "expired"):
        shown = staff.get(LIST, {"state": state}).context["cl"].result_list
        assert [row.email for row in shown] == [f"{state}@example.org"]
    assert list(staff.get(LIST, {"state": "accepted"}).context["cl"].result_list) == []


def test_staff_need_the_permissions(
    make_user: Callable[..., User], client_of: Callable[[User], Client]
) -> None:
    row = Invitation.objects.create(email=NEW, expires_at=timezone.now() + timedelta(days=1))
    looker = make_user(is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename="view_invitation"))
    client = client_of(looker)
    assert client.get(LIST).status_code == 200
    assert client.post(INVITE, {"addresses": "other@example.org"}).status_code == 403
    for action in ("revoke", "send_again"):
        act(client, action, row)
    assert (Invitation.objects.get().state, mail.outbox) == ("unsent", [])


def test_a_sign_up_by_form_answers_the_invitation(staff: Client, client: Client) -> None:
    invite(staff, NEW)
    client.post("/account/signup/", {"email": NEW, **CHOSEN})
    link = re.findall(r"http://testserver(/account/signup/confirm/\S+)", mail.outbox[1].body)[0]
    client.post(link)
    row = Invitation.objects.get()
    assert (row.state, row.account) == ("accepted", User.objects.get(email=NEW))


def test_the_sweep_deletes_what_ended_long_ago(user: User) -> None:
    now = timezone.now()
    long_ago, lately = now - timedelta(days=91), now - timedelta(days=89)
    Invitation.objects.create(email="a@example.org", digest="a", expires_at=long_ago)
    Invitation.objects.create(email="b@example.org", digest="b", expires_at=now, revoked_at=long_ago)
    Invitation.objects.create(email="c@example.org", digest="c", expires_at=lately)
    Invitation.objects.create(
        email="d@example.org", digest="d", expires_at=long_ago, accepted_at=long_ago, account=user
    )
    assert invitations.sweep() == 2
    assert set(Invitation.objects.values_list("email", flat=True)) == {"c@example.org", "d@example.org"}


@pytest.mark.django_db(transaction=True)
def test_two_acceptances_at_once_create_one_account(staff: Client) -> None:
    invite(staff, NEW)
    found, results, ready = Invitation.objects.get(), [], threading.Barrier(2)

    def accept() -> None:
        ready.wait()
        try:
            results.append(invitations.accept(found, "hash").email)
        except invitations.InvitationGoneError as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["invitation_gone", NEW]
    assert User.objects.filter(email=NEW).count() == 1
    assert AuditEntry.objects.filter(action=AuditAction.SIGNED_UP).count() == 1
