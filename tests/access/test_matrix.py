"""Every URL × visitor, stranger, owner, staff; a URL without a row fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditAction, Entry, Erasure, Invitation, Plan, Storage, Usage, User
from accounts.services import audit, tokens
from jobs import storage
from jobs.models import FlagKind, Improvement, Job, Matte, Picture, Receipt, RefusedPicture, Rendition, Upload
from jobs.moderation.services import flag
from jobs.services import exports, feedback, removal, shares, uploads
from jobs.webhooks import notifications, services
from tests.access import table
from tests.access.addresses import all_of_them
from tests.access.table import ADMIN, ADMINISTRATION, SIGN_IN, SITE, STUDIO, Answer, Row
from tests.conftest import make_job, make_picture
from tests.jobs.api import test_access as of_the_api
from tests.jobs.factories import complete, pictures_of
from tests.jobs.views import test_access as of_jobs

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]
ROWS = {**SITE, **ADMINISTRATION}
UNNAMED = {
    "admin/(?P<url>.*)$": "/admin/nowhere/",
    r"^(?:/*)v1\.0(?:/|\Z)": "/v1.0//nowhere",
    r"^(?:/*)api/+remove(?:/|\Z)": "/api//remove/nowhere",
}


def test_every_address_has_a_row() -> None:
    """A new URL fails here until its access row is written."""
    elsewhere = {f"jobs:{name}" for name in of_jobs.ADDRESSES}
    elsewhere |= {f"api:{name}" for name, _ in of_the_api.ADDRESSES}
    old_links_of_the_admin = {name for name in all_of_them() if name.endswith("<path:object_id>/")}
    assert set(all_of_them()) - old_links_of_the_admin == set(ROWS) | elsewhere


@pytest.fixture
def things(user: User, stranger: User) -> dict[str, Any]:
    """The objects that the URLs name, all the owner's, and rows of every admin table."""
    job = make_job(user, 2)
    complete(pictures_of(job)[0])
    gone = make_job(user)
    removal.delete_jobs([gone.pk])
    upload = uploads.start(user, "new.png", 10)
    uploads.receive(upload, ContentFile(make_picture()), 10)
    token, _ = tokens.create(user, "a program", ["read"])
    endpoint, _ = services.create(user, "https://hooks.example.org/")
    delivery = notifications.test(endpoint)
    sent = Improvement.objects.create(user=user, name="bad.png", size=1, format="png", width=1, height=1)
    storage.write(sent.key, b"x")
    flagged = flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=pictures_of(job)[0])
    assert flagged is not None
    case = flagged.case
    share = shares.create(user, job, may_download=True)
    rows = {
        "auth_group": Group.objects.create(name="clerks"),
        "account_emailaddress": EmailAddress.objects.create(user=user, email=user.email),
        "accounts_user": user,
        "mfa_authenticator": TOTP.activate(user, "A" * 32).instance,
        "socialaccount_socialaccount": SocialAccount.objects.create(user=user, provider="company", uid="7"),
        "usersessions_usersession": UserSession.objects.create(user=user, ip="127.0.0.1", session_key="k"),
        "accounts_plan": Plan.objects.first(),
        "accounts_apitoken": token,
        "accounts_auditentry": audit.record_alone(AuditAction.OPENED, subject=user),
        "accounts_erasure": Erasure.objects.create(
            account=0, joined_at=user.date_joined, due_at=user.date_joined
        ),
        "accounts_entry": Entry.objects.first(),
        "accounts_invitation": Invitation.objects.create(email="new@example.org", expires_at=timezone.now()),
        "accounts_usage": Usage.objects.first(),
        "accounts_storage": Storage.objects.first(),
        "jobs_webhookendpoint": endpoint,
        "jobs_webhookdelivery": delivery,
        "jobs_job": job,
        "jobs_picture": pictures_of(job)[0],
        "jobs_matte": Matte.objects.first(),
        "jobs_rendition": Rendition.objects.first(),
        "jobs_upload": Upload.objects.first(),
        "jobs_receipt": Receipt.objects.first(),
        "jobs_improvement": sent,
        "jobs_case": case,
        "jobs_share": share,
        "jobs_refusedpicture": RefusedPicture.objects.create(sha256="0" * 64),
        "jobs_feedback": feedback.give(pictures_of(job)[0], "up", (), "fine"),
    }
    assert set(rows) == set(table.TABLES)
    return {
        "rows": rows,
        "token_id": token.pk,
        "token": share.token,
        "endpoint_id": endpoint.pk,
        "rest": "nowhere/",
        "picture_id": pictures_of(job)[0].pk,
        "improvement_id": sent.pk,
        "case_id": case.pk,
        "which": "source",
        "user_id": user.pk,
        "export_id": exports.request(user).pk,
        "id": user.pk,
        "app_label": "jobs",
        "content_type_id": "0",
        "object_id": "0",
        "key": "wrong",
        "uidb36": "1",
        "pk": rows["mfa_authenticator"].pk,
        "number": rows["usersessions_usersession"].pk,
        "provider_id": "sso",
    }


def address_of(name: str, things: dict[str, Any]) -> str:
    if not all_of_them()[name].name:
        return UNNAMED.get(name, f"/{name}")
    wanted = all_of_them()[name].pattern.regex.groupindex
    given = dict(things)
    for model, row in things["rows"].items():
        if name.startswith(f"admin:{model}_"):
            given["object_id"] = row.pk
    if name.startswith("openid_connect_"):
        return reverse(name, kwargs={"provider_id": "nobody"})
    if name == "account_reset_password_from_key":
        given["key"] = "set-password"
    return reverse(name, kwargs={one: given[one] for one in wanted})


def got(client: Client, row: Row, address: str) -> Answer:
    response = getattr(client, row.method)(address)
    where = response.headers.get("Location", "")
    if where.startswith(reverse("admin:login")):
        return ADMIN
    if where.startswith(reverse("account_login")):
        return SIGN_IN
    if where == reverse("jobs:studio"):
        return STUDIO
    return int(response.status_code)


@pytest.mark.parametrize("name", ROWS)
def test_each_role_gets_the_expected_response(
    name: str,
    user: User,
    stranger: User,
    make_user: Callable[..., User],
    client_of: SignIn,
    things: dict[str, Any],
) -> None:
    row, address = ROWS[name], address_of(name, things)
    staff = make_user(is_staff=True, is_superuser=True)
    answers = Row(
        row.method,
        visitor=got(Client(), row, address),
        stranger=got(client_of(stranger), row, address),
        staff=got(client_of(staff), row, address),
        owner=got(client_of(user), row, address),
    )
    assert answers == row


OPEN_TO_CLERKS = {
    "admin:index",
    "admin:login",
    "admin:logout",
    "admin:search",
    "admin:password_change",
    "admin:password_change_done",
    "admin:jsi18n",
}


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_staff_without_permissions_see_and_change_nothing(
    name: str, make_user: Callable[..., User], client_of: SignIn, things: dict[str, Any]
) -> None:
    row = ADMINISTRATION[name]
    status = got(client_of(make_user(is_staff=True)), row, address_of(name, things))
    assert status == row.staff if name in OPEN_TO_CLERKS else status in {403, 404}


@pytest.mark.parametrize("name", [name for name in ADMINISTRATION if name.endswith("_delete")])
def test_deleting_in_the_admin_needs_the_permission(
    name: str, user: User, make_user: Callable[..., User], client_of: SignIn, things: dict[str, Any]
) -> None:
    before = [model.objects.count() for model in (User, Job, Picture, Matte, Rendition, Upload, Plan)]
    for asker in (user, make_user(is_staff=True)):
        assert client_of(asker).post(address_of(name, things), {"post": "yes"}).status_code in {302, 403}
    assert before[1:] == [model.objects.count() for model in (Job, Picture, Matte, Rendition, Upload, Plan)]
