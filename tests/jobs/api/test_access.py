"""Permissions: every URL of the API × visitor, other user, owner, staff, and every scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, Scope, User
from jobs.api import urls
from jobs.models import (
    Feedback,
    Idempotency,
    Job,
    Picture,
    Preset,
    RenditionRequest,
    Share,
    Upload,
    WebhookEndpoint,
)
from jobs.services import feedback, presets, shares, tags, uploads
from jobs.webhooks import notifications, services
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.api.program import Program
from tests.jobs.factories import complete, pictures_of
from tests.jobs.views.test_access import everything

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]

# (route name, method): (the kind of object in the URL, the required scope, the owner's status)
ADDRESSES: dict[tuple[str, str], tuple[str, str, int]] = {
    ("uploads", "post"): ("", "submit", 201),
    ("upload", "get"): ("upload", "read", 200),
    ("upload", "delete"): ("upload", "submit", 204),
    ("upload-body", "post"): ("upload", "submit", 204),
    ("upload-finish", "post"): ("upload", "submit", 200),
    ("jobs", "get"): ("", "read", 200),
    ("jobs", "post"): ("", "submit", 201),
    ("job", "get"): ("job", "read", 200),
    ("job", "patch"): ("job", "submit", 200),
    ("job", "delete"): ("job", "delete", 204),
    ("job-cancel", "post"): ("job", "submit", 200),
    ("job-retry", "post"): ("job", "submit", 200),
    ("job-again", "post"): ("job", "submit", 201),
    ("job-results", "get"): ("job", "read", 200),
    ("job-pictures", "get"): ("job", "read", 200),
    ("picture", "get"): ("picture", "read", 200),
    ("picture", "delete"): ("picture", "delete", 204),
    ("picture-result", "get"): ("picture", "read", 200),
    ("picture-preview", "get"): ("picture", "read", 200),
    ("picture-thumb", "get"): ("picture", "read", 200),
    ("picture-source", "get"): ("picture", "read", 200),
    ("picture-renditions", "get"): ("picture", "read", 200),
    ("picture-renditions", "post"): ("picture", "submit", 202),
    ("picture-mattes", "get"): ("picture", "read", 200),
    ("picture-mattes", "post"): ("picture", "submit", 202),
    ("picture-feedback", "get"): ("picture", "read", 200),
    ("picture-feedback", "put"): ("picture", "submit", 200),
    ("picture-feedback", "delete"): ("picture", "delete", 204),
    ("rendition", "get"): ("rendition", "read", 200),
    ("rendition-file", "get"): ("rendition", "read", 200),
    ("matte-file", "get"): ("matte", "read", 200),
    ("presets", "get"): ("", "read", 200),
    ("preset", "get"): ("preset", "read", 200),
    ("preset", "put"): ("", "submit", 200),
    ("preset", "delete"): ("preset", "delete", 204),
    ("shares", "get"): ("", "read", 200),
    ("shares", "post"): ("", "share", 201),
    ("shares-revoke", "post"): ("", "share", 200),
    ("share", "get"): ("share", "read", 200),
    ("share", "delete"): ("share", "share", 204),
    ("account", "get"): ("", "read", 200),
    ("usage", "get"): ("", "read", 200),
    ("ledger", "get"): ("", "read", 200),
    ("tokens", "get"): ("", "read", 200),
    ("tokens", "post"): ("", "submit", 201),
    ("token", "get"): ("token", "read", 200),
    ("token", "delete"): ("token", "delete", 204),
    ("token-rotate", "post"): ("token", "submit", 200),
    ("webhooks", "get"): ("", "webhooks", 200),
    ("webhooks", "post"): ("", "webhooks", 201),
    ("webhook", "get"): ("webhook", "webhooks", 200),
    ("webhook", "patch"): ("webhook", "webhooks", 200),
    ("webhook", "delete"): ("webhook", "webhooks", 204),
    ("webhook-rotate", "post"): ("webhook", "webhooks", 200),
    ("webhook-test", "post"): ("webhook", "webhooks", 202),
    ("webhook-deliveries", "get"): ("webhook", "webhooks", 200),
    ("delivery-replay", "post"): ("delivery", "webhooks", 202),
}
ROWS = list(ADDRESSES)
OBJECTS = [row for row, (what, _, _) in ADDRESSES.items() if what]
SignIn = Callable[[User], Client]


@pytest.fixture
def things(user: User) -> dict[str, Any]:
    """One object of each kind, all of the owner."""
    job = make_job(user)
    tags.add(job, "shoes")
    picture = pictures_of(job)[0]
    rendition = complete(picture)
    feedback.give(picture, "down", ["hair"], "fair")
    presets.save(user, "mine", "", Recipe())
    Picture.objects.filter(pk=picture.pk).update(width=64, height=48)
    upload = uploads.start(user, "new.png", 10_000)
    uploads.receive(upload, ContentFile(make_picture()), 10)
    endpoint, _ = services.create(user, "https://example.org/hook")
    return {
        "job": job.pk,
        "picture": picture.pk,
        "upload": upload.pk,
        "rendition": rendition.pk,
        "matte": rendition.matte_id,
        "preset": "mine",
        "share": shares.create(user, job).pk,
        "token": Program(user, "read").token.pk,
        "webhook": endpoint.pk,
        "delivery": notifications.test(endpoint).pk,
        "owner": user,
    }


def nothing(things: dict[str, Any]) -> dict[str, Any]:
    """Ids of objects that do not exist."""
    return {**dict.fromkeys(things, uuid4()), "preset": "not-there", "token": 10**6, "owner": things["owner"]}


def body_for(name: str, method: str, things: dict[str, Any]) -> Any:
    bodies: dict[tuple[str, str], Any] = {
        ("uploads", "post"): {"name": "a.png", "size": 7},
        ("job", "patch"): {"pinned": True},
        ("picture-renditions", "post"): {"recipe": {"format": "webp"}},
        ("picture-feedback", "put"): {"verdict": "up"},
        ("preset", "put"): {"recipe": {"format": "webp"}},
        ("tokens", "post"): {"name": "another", "scopes": ["read"]},
        ("shares", "post"): {"job": str(things["job"])},
        ("webhooks", "post"): {"url": "https://example.org/other"},
        ("webhook", "patch"): {"description": "x"},
    }
    if (name, method) == ("jobs", "post"):
        return {"uploads": [str(make_upload(things["owner"]).pk)]}
    return bodies.get((name, method), {})


def address_of(name: str, things: dict[str, Any], what: str) -> str:
    argument = what or ("preset" if name == "preset" else "")
    return reverse(f"api:{name}", args=[things[argument]] if argument else [])


def ask(send: Callable[..., Any], row: tuple[str, str], things: dict[str, Any]) -> Any:
    """send(method, address, body or None, form or None)."""
    name, method = row
    address = address_of(name, things, ADDRESSES[row][0])
    if (name, method) in {("upload-body", "post"), ("picture-mattes", "post")}:
        return send(method, address, None, {"file": ContentFile(make_picture(), "a.png")})
    return send(method, address, None if method == "get" else body_for(name, method, things), None)


def by(client: Client) -> Callable[..., Any]:
    def send(method: str, address: str, body: Any, form: Any) -> Any:
        if form is not None:
            return client.post(address, form)
        more = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(client, method)(address, **more)

    return send


def with_token(user: User, *scopes: str) -> Callable[..., Any]:
    return by(Client(headers={"Authorization": f"Token {Program(user, *scopes).secret}"}))


def all_rows() -> dict[str, Any]:
    rows = everything()
    for model in (Preset, Feedback, RenditionRequest, WebhookEndpoint, Idempotency, Share):
        rows[model.__name__] = list(model.objects.order_by("pk").values())
    rows["tokens"] = list(ApiToken.objects.order_by("pk").values("pk", "digest", "revoked_at"))
    return rows


def test_every_url_has_a_row() -> None:
    served = {
        (pattern.name, method)
        for pattern in urls.urlpatterns
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(pattern.callback.cls, method)
    }
    assert served == set(ADDRESSES)


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_the_owner_has_access(row: tuple[str, str], user: User, things: dict[str, Any]) -> None:
    answer = ask(with_token(user, *Scope.values), row, things)
    assert answer.status_code == ADDRESSES[row][2], answer.content[:500]


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_session_gives_the_same_access(
    row: tuple[str, str], user: User, client_of: SignIn, things: dict[str, Any]
) -> None:
    assert ask(by(client_of(user)), row, things).status_code == ADDRESSES[row][2]


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_visitor_is_refused(row: tuple[str, str], things: dict[str, Any]) -> None:
    things["owner"] = None
    before = all_rows()
    if row == ("jobs", "post"):
        answer = Client().post(reverse("api:jobs"), {"uploads": []}, content_type="application/json")
    else:
        answer = ask(by(Client()), row, things)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer.json()["code"] == "not_authenticated"
    assert all_rows() == before


@pytest.mark.parametrize("row", OBJECTS, ids="-".join)
def test_other_users_get_the_same_404_as_for_missing_objects(
    row: tuple[str, str],
    stranger: User,
    make_user: Callable[..., User],
    client_of: SignIn,
    things: dict[str, Any],
) -> None:
    staff = make_user(is_staff=True, is_superuser=True)
    askers = [with_token(stranger), with_token(staff), by(client_of(stranger)), by(client_of(staff))]
    before = all_rows()
    for send in askers:
        answer, missing = ask(send, row, things), ask(send, row, nothing(things))
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert answer.content == missing.content, "the same answer as for what is not there"
    after = all_rows()
    assert after == before


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_token_needs_the_scope(row: tuple[str, str], user: User, things: dict[str, Any]) -> None:
    needed = ADDRESSES[row][1]
    lacking = with_token(user, *(scope for scope in Scope.values if scope != needed))
    if row == ("jobs", "post"):
        things["owner"] = user
    before = all_rows() if row != ("jobs", "post") else None
    refused = ask(lacking, row, things)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert before is None or all_rows() == before


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_a_closed_account_and_a_revoked_token_are_visitors(
    row: tuple[str, str], user: User, things: dict[str, Any]
) -> None:
    program = Program(user)
    send = by(Client(headers={"Authorization": f"Token {program.secret}"}))
    ApiToken.objects.filter(pk=program.token.pk).update(revoked_at="2026-01-01T00:00Z")
    refused = ask(send, row, things)
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked_token")
    ApiToken.objects.filter(pk=program.token.pk).update(revoked_at=None)
    User.objects.filter(pk=user.pk).update(is_active=False)
    refused = ask(send, row, things)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_closed")


@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS}))
def test_other_methods_are_refused(name: str, user: User, things: dict[str, Any]) -> None:
    methods = {method for one, method in ROWS if one == name}
    what = next(ADDRESSES[row][0] for row in ROWS if row[0] == name)
    client = Client(headers={"Authorization": f"Token {Program(user).secret}"})
    before = all_rows()
    for other in {"get", "post", "put", "patch", "delete", "options", "trace"} - methods:
        refused = getattr(client, other)(address_of(name, things, what))
        assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed"), other
        assert {method.lower() for method in refused["Allow"].split(", ")} - {"head"} == methods
    assert all_rows() == before


@pytest.mark.parametrize("row", [row for row in ROWS if row[1] != "get"], ids="-".join)
def test_a_cross_site_request_has_no_effect(
    row: tuple[str, str], user: User, client_of: SignIn, things: dict[str, Any]
) -> None:
    """A session cookie alone does not prove intent (CSRF)."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client_of(user).cookies
    refused = ask(by(strict), row, things)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def test_an_ephemeral_token_creates_nothing(user: User) -> None:
    program = Program(user, ephemeral=True)
    refused = program.post("uploads/", {"name": "a.png", "size": 7})
    assert (refused.status_code, refused.json()["code"]) == (403, "ephemeral_token")
    assert not Upload.objects.exists()
    assert program.get("account/").status_code == 200


def test_another_users_upload_cannot_be_submitted(program: Program, stranger: User) -> None:
    theirs = make_upload(stranger)
    refused = program.post("jobs/", {"uploads": [str(theirs.pk)]})
    assert (refused.status_code, refused.json()["code"]) == (422, "upload_not_ready")
    assert not Job.objects.exists()


def test_an_unknown_url_gets_a_json_404(program: Program) -> None:
    for path in ("nowhere/", "jobs/1/", "jobs", "%00/", "../admin/", "jobs/" + "9" * 5000 + "/", "jobs/%0A/"):
        refused = program.get(path)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), path
