"""Staff see tokens and the ledger and may revoke; they never see a secret or change what was counted."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.errors import TokenRefusedError
from accounts.models import ApiToken, Entry, Plan, Storage, Usage, User
from accounts.services import quota, tokens

pytestmark = pytest.mark.django_db
COUNTED = [ApiToken, Entry, Usage, Storage]


@pytest.fixture
def root(make_user: Callable[..., User], client_of: Callable[[User], Client]) -> Client:
    return client_of(make_user("root@example.org", is_staff=True, is_superuser=True))


@pytest.fixture
def secret(user: User) -> str:
    token, secret = tokens.create(user, "script", ["submit"])
    quota.charge(user, pictures=1, pixels=1, job=uuid4(), token=token)
    quota.grow_storage(user.pk, 1)
    return secret


def address(model: type, what: str, *arguments: object) -> str:
    return reverse(f"admin:accounts_{model.__name__.lower()}_{what}", args=arguments)


def test_no_page_shows_a_digest_or_a_secret(root: Client, secret: str) -> None:
    token = ApiToken.objects.get()
    for page in (address(ApiToken, "changelist"), address(ApiToken, "change", token.pk)):
        text = root.get(page).content.decode()
        assert "script" in text
        assert token.prefix in text
        assert token.digest not in text
        assert secret not in text


@pytest.mark.parametrize("model", COUNTED)
def test_staff_cannot_add_change_or_delete_these_rows(root: Client, secret: str, model: type) -> None:
    row = model.objects.get()  # type: ignore[attr-defined]
    assert root.get(address(model, "changelist")).status_code == 200
    assert root.get(address(model, "change", row.pk)).status_code == 200
    assert root.get(address(model, "add")).status_code == 403
    assert root.post(address(model, "change", row.pk), {"name": "other"}).status_code == 403
    assert root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.count() == 1  # type: ignore[attr-defined]


def revoke(browser: Client) -> int:
    chosen = {"action": "revoke", "_selected_action": [str(ApiToken.objects.get().pk)]}
    return browser.post(address(ApiToken, "changelist"), chosen).status_code


def test_revoking_in_the_admin_needs_the_change_permission(
    root: Client, secret: str, make_user: Callable[..., User], client_of: Callable[[User], Client]
) -> None:
    looker = make_user(is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename="view_apitoken"))
    revoke(client_of(looker))
    tokens.authenticate(secret, "")
    changer = make_user(is_staff=True)
    changer.user_permissions.set(Permission.objects.filter(codename="change_apitoken"))
    assert revoke(client_of(changer)) == 302
    with pytest.raises(TokenRefusedError):
        tokens.authenticate(secret, "")
    assert ApiToken.objects.get().revoked_at is not None


def test_staff_set_the_limits_of_plans_and_people(root: Client, user: User) -> None:
    plan = Plan.objects.get()
    data = {
        "name": "Standard",
        "is_default": "on",
        "weight": 1,
        "pictures_month": 50,
        "storage_bytes": 10**12,
    }
    assert root.post(address(Plan, "change", plan.pk), data).status_code == 302
    plan.refresh_from_db()
    assert (plan.pictures_month, plan.megapixels_month, plan.storage_bytes) == (50, None, 10**12)
    page = root.get(address(User, "change", user.pk)).content.decode()
    for name in ("pictures_month", "megapixels_month", "storage_bytes", "in_flight"):
        assert f'name="{name}"' in page
