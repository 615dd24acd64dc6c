"""Permissions: every URL of the jobs pages × visitor, other user, owner, staff."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs import urls
from jobs.models import (
    DataExport,
    Discard,
    Feedback,
    Job,
    Matte,
    Picture,
    Rendition,
    SearchText,
    Share,
    Tag,
    Upload,
)
from jobs.services import exports, lines, shares, tags, uploads
from tests.conftest import make_job, make_picture
from tests.jobs.factories import complete, pictures_of, stored_files

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]

# route name: (method, the kind of object in the URL, the owner's status)
ADDRESSES = {
    "studio": ("get", "", 200),
    "jobs": ("get", "", 200),
    "job": ("get", "job", 200),
    "cards": ("get", "job", 200),
    "events": ("get", "job", 200),
    "zip": ("get", "job", 200),
    "retry": ("post", "job", 302),
    "again": ("post", "job", 302),
    "pin": ("post", "job", 302),
    "deleted": ("get", "", 200),
    "cancel": ("post", "job", 302),
    "delete": ("post", "job", 302),
    "tag": ("post", "job", 302),
    "untag": ("post", "job", 302),
    "share_create": ("post", "job", 302),
    "shares": ("get", "", 200),
    "share_revoke": ("post", "share", 302),
    "shares_revoke": ("post", "", 302),
    "selected_download": ("post", "job", 200),
    "selected_retry": ("post", "job", 302),
    "selected_pin": ("post", "job", 302),
    "selected_delete": ("post", "job", 302),
    "picture_delete": ("post", "picture", 302),
    "feedback": ("post", "picture", 302),
    "result": ("get", "picture", 200),
    "preview": ("get", "picture", 200),
    "thumb": ("get", "picture", 200),
    "source": ("get", "picture", 200),
    "data": ("get", "", 200),
    "erase": ("post", "", 302),
    "export": ("post", "", 302),
    "export_file": ("get", "export", 200),
    "export_delete": ("post", "export", 302),
    "upload_start": ("post", "", 422),
    "upload_discard": ("post", "", 302),
    "upload_body": ("post", "upload", 204),
    "upload_finish": ("post", "upload", 200),
}
OBJECTS = [name for name, (_, what, _) in ADDRESSES.items() if what]
SignIn = Callable[[User], Client]


@pytest.fixture
def things(user: User) -> dict[str, UUID]:
    """One object of each kind, all of the owner: a finished job with one failed picture, an open upload."""
    job = make_job(user, 2)
    tags.add(job, "shoes")
    done, failed = pictures_of(job)
    complete(done)
    claim = lines.PICTURES.claim(failed.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "broken", "It is broken.")
    upload = uploads.start(user, "new.png", 10_000)
    uploads.receive(upload, ContentFile(make_picture()), 10)
    share = shares.create(user, job)
    export = exports.request(user)
    exports.make(export.pk)
    ids = {"job": job.pk, "picture": done.pk, "upload": upload.pk}
    return {**ids, "share": share.pk, "export": export.pk}


def address_of(name: str, things: dict[str, UUID]) -> str:
    what = "" if name.startswith("selected_") else ADDRESSES[name][1]
    return reverse(f"jobs:{name}", args=[things[what]] if what else [])


def ask(client: Client, name: str, things: dict[str, UUID]) -> Any:
    data: dict[str, Any] | None = None
    if name == "upload_body":
        data = {"file": ContentFile(make_picture(), "a.png")}
    elif name in {"tag", "untag"}:
        data = {"name": "shoes"}
    elif name == "share_create":
        data = {"days": "30"}
    elif name == "picture_delete":
        data = {"sure": "yes"}
    elif name == "feedback":
        data = {"verdict": "down", "reasons": ["hair"]}
    elif name.startswith("selected_"):
        data = {"jobs": [str(things["job"])], "sure": "yes"}
    return getattr(client, ADDRESSES[name][0])(address_of(name, things), data)


def everything() -> dict[str, Any]:
    """All rows and files, to check that nothing changed."""
    models: list[type[Model]] = [Job, Picture, Upload, Matte, Rendition, Discard, SearchText, Tag]
    models += [Share, DataExport, Feedback]
    models.append(Job.tags.through)
    rows = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}
    return {**rows, "files": stored_files()}


def test_every_url_has_a_row() -> None:
    """Webhooks, decisions, and what visitors of a share see, are in tests/access/table.py with the rest."""
    names = {str(pattern.name) for pattern in urls.urlpatterns}
    elsewhere = {name for name in names if name.startswith(("webhook", "decision", "shared"))}
    assert names - elsewhere == set(ADDRESSES)


@pytest.mark.parametrize("name", ADDRESSES)
def test_the_owner_has_access(name: str, user: User, client_of: SignIn, things: dict[str, UUID]) -> None:
    assert ask(client_of(user), name, things).status_code == ADDRESSES[name][2]


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_visitor_is_sent_to_sign_in(name: str, things: dict[str, UUID]) -> None:
    before = everything()
    response = ask(Client(), name, things)
    assert response.status_code == 302
    address = response.request["PATH_INFO"]
    assert response["Location"] == f"{reverse('account_login')}?next={address}"
    assert everything() == before


def page_of(response: Any) -> bytes:
    """A page without its CSRF token, which differs each time."""
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", response.content)


@pytest.mark.parametrize("name", OBJECTS)
def test_other_users_get_the_same_404_as_for_missing_objects(
    name: str,
    stranger: User,
    make_user: Callable[..., User],
    client_of: SignIn,
    things: dict[str, UUID],
) -> None:
    staff = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs"))
    before = everything()
    for other in (stranger, staff, make_user(is_staff=True, is_superuser=True)):
        response = ask(client_of(other), name, things)
        missing = ask(client_of(other), name, dict.fromkeys(things, uuid4()))
        assert (response.status_code, missing.status_code) == (404, 404), other
        assert page_of(response) == page_of(missing), "the same answer as for what is not there"
    assert everything() == before


@pytest.mark.parametrize("name", ["studio", "jobs", "shares"])
def test_lists_show_only_ones_own_objects(
    name: str, stranger: User, client_of: SignIn, things: dict[str, UUID]
) -> None:
    page = ask(client_of(stranger), name, things)
    assert page.status_code == 200
    assert str(things["job"]) not in page.content.decode()
    assert str(things["picture"]) not in page.content.decode()


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_closed_account_is_a_visitor(
    name: str, user: User, client_of: SignIn, things: dict[str, UUID]
) -> None:
    client = client_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    response = ask(client, name, things)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ADDRESSES)
def test_other_methods_are_refused(name: str, user: User, client_of: SignIn, things: dict[str, UUID]) -> None:
    method = ADDRESSES[name][0]
    address = address_of(name, things)
    allowed = {"get", "post"} if name in {"jobs", "picture_delete", "share_create"} else {method}
    before = everything()
    client = client_of(user)
    for other in {"get", "post", "put", "patch", "delete"} - allowed:
        response = getattr(client, other)(address, headers={"X-HTTP-Method-Override": method.upper()})
        assert response.status_code == 405, other
    assert everything() == before


@pytest.mark.parametrize("name", [name for name, (method, _, _) in ADDRESSES.items() if method == "post"])
def test_a_cross_site_form_has_no_effect(
    name: str, user: User, client_of: SignIn, things: dict[str, UUID]
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client_of(user).cookies
    before = everything()
    assert ask(strict, name, things).status_code == 403
    assert everything() == before


def test_a_cross_site_form_submits_nothing(user: User, client_of: SignIn) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client_of(user).cookies
    response = strict.post(reverse("jobs:jobs"), {"pictures": ContentFile(make_picture(), "a.png")})
    assert response.status_code == 403
    assert not Job.objects.exists()
    assert not Upload.objects.exists()


def test_an_id_that_is_not_a_uuid_is_a_404(user: User, client_of: SignIn) -> None:
    client = client_of(user)
    for address in ("/jobs/1/", "/jobs/../admin/", "/pictures/%00/result/", "/jobs/" + "9" * 5000 + "/"):
        assert client.get(address).status_code in {404, 302}
