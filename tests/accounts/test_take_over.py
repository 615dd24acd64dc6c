"""An address belongs to whoever confirms it: claiming an address takes over no account."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.email_selectors import RELEASED, is_confirmed
from accounts.errors import TokenRefusedError
from accounts.models import ApiToken, User
from accounts.services import emails, tokens
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SIGN_IN, SIGN_UP, ADDRESS, RESET = (
    "/account/login/",
    "/account/signup/",
    "/account/email/",
    "/account/password/reset/",
)
HERS = "bea@example.org"
OTHER = "an other correct horse"
SignIn = Callable[[User], Client]


def link(to: str, number: int = -1) -> str:
    """Returns the path of the first link in an e-mail to this address."""
    bodies = [str(message.body) for message in mail.outbox if message.to == [to]]
    found = re.search(r"http://testserver(/account/\S+)", bodies[number])
    assert found is not None, bodies[number]
    return found[1]


def subjects(to: str) -> list[str]:
    return [str(message.subject) for message in mail.outbox if message.to == [to]]


def signed_up(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    answer = client.post(SIGN_UP, {"email": email, "password1": password, "password2": password})
    assert (answer.status_code, answer["Location"]) == (302, "/account/confirm-email/")
    return client


def with_password(user: User) -> Client:
    """Returns a browser in which the user has signed in and re-entered the password."""
    client = Client()
    client.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def who(client: Client) -> str:
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).email if key else ""


def want(client: Client, email: str) -> int:
    return client.post(ADDRESS, {"email": email, "action_add": ""}).status_code


def reset(email: str, password: str = OTHER, **more: str) -> bool:
    """Whether the reset e-mail of an address can set a password."""
    mail.outbox.clear()
    cache.clear()
    client = Client()
    client.post(RESET, {"email": email})
    paths = re.findall(r"http://testserver(/account/password/reset/key/\S+)", str(mail.outbox[0].body))
    if not paths:
        return False
    page = client.get(paths[0], follow=True)
    answer = client.post(page.request["PATH_INFO"], {"password1": password, "password2": password, **more})
    return answer.status_code == 302


# -- Signing up ------------------------------------------------------------------------------------


def test_an_account_is_created_only_on_confirmation() -> None:
    client = signed_up(HERS)
    assert not User.objects.exists()
    answer = client.post(link(HERS))
    assert (answer.status_code, answer["Location"], who(client)) == (302, "/", HERS)
    user = User.objects.get()
    assert (user.check_password(PASSWORD), is_confirmed(user)) == (True, True)
    assert Client().get(link(HERS)).context["state"] == "taken"


def test_a_password_set_by_a_stranger_does_not_work() -> None:
    """Eve signs up with Bea's address. Bea opens the link and chooses a password of her own."""
    eve, bea = signed_up(HERS, "the password of Eve"), Client()
    assert bea.get(link(HERS)).context["form"] is not None
    assert bea.post(link(HERS)).status_code == 400
    assert bea.post(link(HERS), {"password1": OTHER, "password2": OTHER}).status_code == 302
    assert who(bea) == HERS
    for client in (eve, Client()):
        client.post(SIGN_IN, {"login": HERS, "password": "the password of Eve"})
        assert who(client) == ""


def test_sign_up_gives_the_same_answer_for_every_address(user: User) -> None:
    pages = []
    for email in (user.email, "nobody@example.org"):
        client = signed_up(email)
        assert set(client.cookies) == {"csrftoken", "sessionid"} or set(client.cookies) == {"sessionid"}
        pages.append(client.get("/account/confirm-email/").content.decode())
    assert pages[0] == pages[1]
    assert len(mail.outbox) == 2
    assert subjects(user.email) == ["[bgplatform] You already have an account"]
    assert subjects("nobody@example.org") == ["[bgplatform] Your new account"]


def test_sign_up_hashes_a_password_for_every_address(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes a noticeable time: skipping it would reveal who has an account."""
    hashed: list[str] = []
    monkeypatch.setattr("accounts.services.sign_up.make_password", lambda text: hashed.append(text) or "x")
    signed_up(user.email)
    signed_up("nobody@example.org")
    assert hashed == [PASSWORD, PASSWORD]


@pytest.mark.parametrize("verification", ["optional", "none"])
def test_an_unconfirmed_address_does_not_block_its_owner(settings: Settings, verification: str) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    eve = Client()
    eve.post(SIGN_UP, {"email": HERS, "password1": PASSWORD, "password2": PASSWORD})
    assert who(eve) == HERS
    squatter = User.objects.get()
    mail.outbox.clear()
    bea = signed_up(HERS, OTHER)
    assert bea.post(link(HERS)).status_code == 302
    assert who(bea) == HERS
    assert User.objects.get(email=HERS) != squatter
    squatter.refresh_from_db()
    assert squatter.email.endswith(RELEASED)
    assert b"Another account has confirmed the address" in eve.get(ADDRESS).content
    client = Client()
    client.post(SIGN_IN, {"login": HERS, "password": PASSWORD})
    assert who(client) == ""


def test_a_sign_up_link_does_not_work_where_sign_up_is_closed(settings: Settings) -> None:
    signed_up(HERS)
    settings.SIGN_UP = "closed"
    Client().post(link(HERS), {"password1": OTHER, "password2": OTHER})
    assert not User.objects.exists()


def test_a_link_for_another_purpose_is_invalid(client: Client) -> None:
    signed_up(HERS)
    assert client.get(link(HERS)[:-4] + "aaa/").context["state"] == "dead"


# -- Take-over by an unconfirmed address -----------------------------------------------------------


def test_a_reset_opens_the_owners_account_not_the_claimants(
    user: User, make_user: Callable[..., User]
) -> None:
    bea, eve = make_user(HERS), user
    token, _ = tokens.create(eve, "spy", ["read"])
    assert want(with_password(eve), HERS) == 302
    assert EmailAddress.objects.filter(user=eve, email=HERS, verified=False).exists()
    assert reset(HERS)
    bea.refresh_from_db()
    eve.refresh_from_db()
    assert (bea.check_password(OTHER), eve.check_password(PASSWORD)) == (True, True)
    client = Client()
    client.post(SIGN_IN, {"login": HERS, "password": OTHER})
    assert who(client) == HERS
    assert token.user_id != bea.pk


def test_no_reset_goes_to_a_claimed_address(user: User, client: Client) -> None:
    want(with_password(user), HERS)
    assert not reset(HERS)
    assert subjects(HERS) == ["[bgplatform] No account with this address"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_no_reset_goes_to_the_unconfirmed_address_of_an_account(settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    Client().post(SIGN_UP, {"email": HERS, "password1": PASSWORD, "password2": PASSWORD})
    assert not reset(HERS)


def test_a_taken_address_looks_free_and_its_owner_is_notified(
    user: User, make_user: Callable[..., User]
) -> None:
    make_user(HERS)
    pages = []
    for email in (HERS, "bob@example.org"):
        client = with_password(user)
        page = client.post(ADDRESS, {"email": email, "action_add": ""}, follow=True).content.decode()
        page = re.sub(r'value="[A-Za-z0-9]{64}"', "", page)
        pages.append(page.replace(email, "ADDRESS"))
    assert pages[0] == pages[1]
    assert "ADDRESS" in pages[0]
    assert subjects(HERS) == ["[bgplatform] Somebody tried to use your address"]
    assert "/confirm-email/" not in str(mail.outbox[0].body)


def test_a_link_opened_without_the_account_confirms_nothing(user: User, stranger: User) -> None:
    """Eve requests a change to Bea's address. Bea gets the e-mail and opens the link, signed in or not."""
    want(with_password(user), HERS)
    for client in (Client(), with_password(stranger)):
        before = who(client)
        page = client.get(link(HERS))
        assert page.context["form"] is not None
        assert client.post(link(HERS)).status_code == 400
        assert client.post(link(HERS), {"password": "wrong"}).status_code == 400
        assert who(client) == before, "nobody is signed out by a link"
    user.refresh_from_db()
    assert user.email == "ada@example.org"
    bea = signed_up(HERS, OTHER)
    bea.post(link(HERS))
    assert who(bea) == HERS
    assert not EmailAddress.objects.filter(user=user, email=HERS).exists()


# -- Changing the address --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_link_changes_the_address_and_the_old_one_is_notified(user: User) -> None:
    client = with_password(user)
    want(client, "New@Example.org")
    user.refresh_from_db()
    assert user.email == "ada@example.org"
    answer = client.post(link("new@example.org"))
    assert (answer.status_code, answer["Location"]) == (302, ADDRESS)
    user.refresh_from_db()
    assert user.email == "new@example.org"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("new@example.org", True, True)
    ]
    assert subjects("ada@example.org") == ["[bgplatform] Your address was changed"]
    assert "from ada@example.org to new@example.org" in str(mail.outbox[-1].body)
    assert not reset("ada@example.org")
    assert reset("new@example.org")


def test_the_link_works_in_another_browser_with_the_password(user: User) -> None:
    want(with_password(user), HERS)
    phone = Client()
    answer = phone.post(link(HERS), {"password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert who(phone) == HERS


def test_an_address_change_needs_reauthentication(user: User, client: Client) -> None:
    client.post(SIGN_IN, {"login": user.email, "password": PASSWORD})
    answer = client.post(ADDRESS, {"email": HERS, "action_add": ""})
    assert answer["Location"] == "/account/reauthenticate/?next=%2Faccount%2Femail%2F"
    assert mail.outbox == []
    client.post(answer["Location"], {"password": PASSWORD})
    assert subjects(HERS) == ["[bgplatform] Confirm your address"]


def test_a_second_request_invalidates_earlier_links(user: User) -> None:
    client = with_password(user)
    want(client, HERS)
    want(client, "new@example.org")
    assert client.get(link(HERS)).context["state"] == "dead"
    client.post(ADDRESS, {"action_remove": ""})
    assert client.get(link("new@example.org")).context["state"] == "dead"
    user.refresh_from_db()
    assert user.email == "ada@example.org"


@pytest.mark.parametrize("action", ["action_primary", "action_remove", "action_send", "action_add"])
@pytest.mark.parametrize("email", [HERS, "ada@example.org", "nobody@example.org", "x", ""])
def test_no_button_of_the_page_takes_a_foreign_address(
    user: User, make_user: Callable[..., User], action: str, email: str
) -> None:
    make_user(HERS)
    client = with_password(user)
    EmailAddress.objects.filter(user=user).update(verified=False)
    EmailAddress.objects.create(user=user, email=HERS)
    assert client.post(ADDRESS, {"email": email, action: ""}).status_code in {200, 302, 400}
    user.refresh_from_db()
    assert user.email == "ada@example.org"
    assert not EmailAddress.objects.filter(user=user, email=HERS, verified=True).exists()


def test_a_legacy_second_address_becomes_the_address(user: User) -> None:
    """Accounts could have several confirmed addresses before."""
    client = with_password(user)
    EmailAddress.objects.create(user=user, email=HERS, verified=True)
    want(client, HERS)
    client.post(link(HERS))
    user.refresh_from_db()
    assert (user.email, EmailAddress.objects.count()) == (HERS, 1)


@pytest.mark.parametrize("letters", [254, 255])
def test_a_too_long_address_is_refused(user: User, letters: int) -> None:
    domain = ".".join(["a" * 60] * 3)
    email = f"{'b' * (letters - len(domain) - 5)}@{domain}.org"
    assert len(email) == letters
    signed = Client().post(SIGN_UP, {"email": email, "password1": PASSWORD, "password2": PASSWORD})
    fits = letters == 254
    assert signed.status_code == (302 if fits else 200)
    assert want(with_password(user), email) == (302 if fits else 400)


def test_an_address_confirmed_meanwhile_is_refused(user: User, make_user: Callable[..., User]) -> None:
    client = with_password(user)
    want(client, HERS)
    wanted = EmailAddress.objects.get(email=HERS)
    make_user(HERS)
    assert client.get(link(HERS)).context["state"] == "taken"
    assert client.post(link(HERS)).context["state"] == "taken"
    with pytest.raises(emails.AddressTakenError):
        emails.confirm(wanted)
    user.refresh_from_db()
    assert user.email == "ada@example.org"


def test_an_address_set_by_staff_is_confirmed_and_replaces_the_old_one(
    user: User, make_user: Callable[..., User], client_of: SignIn
) -> None:
    emails.record_confirmed(user)
    root = client_of(make_user("root@example.org", is_staff=True, is_superuser=True))
    page = root.get(f"/admin/accounts/user/{user.pk}/change/")
    fields = {
        name: value
        for name, value in page.context["adminform"].form.initial.items()
        if isinstance(value, str | bool | int) and value is not False
    }
    answer = root.post(f"/admin/accounts/user/{user.pk}/change/", {**fields, "email": HERS})
    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.email, is_confirmed(user)) == (HERS, True)
    assert not reset("ada@example.org")
    assert reset(HERS)


# -- Tokens and sessions after a password change ---------------------------------------------------


def works(secret: str) -> bool:
    try:
        tokens.authenticate(secret, "")
    except TokenRefusedError:
        return False
    return True


@pytest.mark.django_db(transaction=True)
def test_a_reset_revokes_tokens_and_ends_sessions(user: User) -> None:
    _, secret = tokens.create(user, "spy", ["read"])
    spy = with_password(user)
    assert reset(user.email)
    assert not works(secret)
    assert who(spy)
    assert spy.get("/jobs/").status_code == 302
    assert subjects(user.email)[-1] == "[bgplatform] Your password was changed"


def test_a_reset_may_keep_the_tokens(user: User) -> None:
    _, secret = tokens.create(user, "mine", ["read"])
    assert reset(user.email, keep_tokens="on")
    assert works(secret)


@pytest.mark.parametrize("revoke", [True, False])
def test_a_password_change_offers_to_revoke_tokens(user: User, stranger: User, revoke: bool) -> None:
    _, secret = tokens.create(user, "mine", ["read"])
    _, others = tokens.create(stranger, "others", ["read"])
    client = with_password(user)
    page = "/account/password/change/"
    assert b"revoke_tokens" in client.get(page).content
    box = {"revoke_tokens": "on"} if revoke else {}
    client.post(page, {"oldpassword": PASSWORD, "password1": OTHER, "password2": OTHER, **box})
    user.refresh_from_db()
    assert user.check_password(OTHER)
    assert works(secret) is not revoke
    assert works(others)
    assert ApiToken.objects.filter(user=user, revoked_at__isnull=True).exists() is not revoke


def test_without_tokens_the_forms_have_no_token_option(user: User) -> None:
    assert b"revoke_tokens" not in with_password(user).get("/account/password/change/").content
