"""Every kind of stored file × visitor, stranger, owner, staff, on the folder store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from common.ids import new_id
from jobs import storage
from jobs.models import Case, DataExport, FlagKind, Improvement, Matte, Picture, Rendition
from jobs.moderation.services import flag
from jobs.services import exports, shares
from tests.access.kinds import KINDS, key_of, mark, there_are
from tests.access.table import SITE
from tests.conftest import make_job
from tests.jobs.factories import complete, pictures_of
from tests.jobs.views.answers import body_of
from tests.jobs.views.test_access import ADDRESSES

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]
# URLs that change something, and the event stream, serve no files.
READ = [name for name, (method, _, _) in ADDRESSES.items() if method == "get" and name != "events"]
READ.append("selected_download")


def test_every_kind_of_file_has_a_row() -> None:
    assert there_are() == set(KINDS)


@pytest.fixture
def marked(user: User) -> dict[str, bytes]:
    """The files of a finished picture, each with unique bytes, and one of every other kind."""
    picture = pictures_of(make_job(user))[0]
    rendition = complete(picture)
    matte = Matte.objects.get(picture=picture)
    picture.refresh_from_db()
    flag(FlagKind.EXPLICIT_CONTENT, user=user, picture=picture)
    sent = Improvement.objects.create(user=user, name="bad.png", size=1, format="png", width=1, height=1)
    export = exports.request(user)
    exports.make(export.pk)
    export.refresh_from_db()
    named = {
        "improvement_key": sent.key,
        "export_key": export.keys[0],
        "source_key": picture.source_key,
        "thumb_key": picture.thumb_key,
        "matte_key": matte.key,
        "rendition_key": rendition.key,
        "preview_key": rendition.preview_key,
    }
    keys = {kind: named.get(kind) or key_of(kind, new_id()) for kind in KINDS}
    content = {kind: mark(key) for kind, key in keys.items()}
    # The ZIP's table of contents comes from the row.
    Rendition.objects.filter(pk=rendition.pk).update(size=len(content["rendition_key"]))
    return {**content, **{f"key of {kind}": key.encode() for kind, key in keys.items()}}


def asked(client: Client, name: str, picture: Picture) -> bytes:
    """Returns the response body of a job's or picture's URL for a client."""
    space, _, short = name.rpartition(":")
    what = ADDRESSES[short][1] if space == "jobs" else "picture"
    exported = DataExport.objects.get().pk
    ids = {"job": [picture.job_id], "picture": [picture.pk], "export": [exported], "": []}
    if short == "jobs_case_image":
        case = Case.objects.get().pk
        return b"".join(
            body_of(client.get(reverse(name, args=[case, picture.pk, which])))
            for which in ("source", "result")
        )
    if short == "jobs_improvement_file":
        return body_of(client.get(reverse(name, args=[Improvement.objects.get().pk])))
    if short == "selected_download":
        return body_of(client.post(reverse(name), {"jobs": [str(picture.job_id)]}))
    return body_of(client.get(reverse(name, args=ids[what])))


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_download_each_file_from_which_url(
    kind: str,
    user: User,
    stranger: User,
    make_user: Callable[..., User],
    client_of: SignIn,
    marked: dict[str, bytes],
) -> None:
    picture = Picture.objects.get()
    staff = make_user(is_staff=True, is_superuser=True)
    addresses = [f"jobs:{name}" for name in READ]
    addresses += ["admin:jobs_picture_thumb", "admin:jobs_picture_preview", "admin:jobs_improvement_file"]
    addresses += ["admin:jobs_case_image"]

    def given_to(client: Client) -> set[str]:
        return {name for name in addresses if marked[kind] in asked(client, name, picture)}

    assert given_to(client_of(user)) == KINDS[kind].owner
    assert given_to(client_of(staff)) == KINDS[kind].staff
    assert given_to(client_of(stranger)) == set()
    assert given_to(Client()) == set()


@pytest.mark.parametrize("may_download", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_link_gives_away(
    kind: str, may_download: bool, user: User, client_of: SignIn, marked: dict[str, bytes]
) -> None:
    """The same to its owner as to a visitor. A share for viewing only gives away previews."""
    picture = Picture.objects.get()
    token = shares.create(user, picture.job, may_download=may_download).token
    names = [name for name in SITE if name.startswith("jobs:shared")]

    def given_to(client: Client) -> set[str]:
        return {name for name in names if marked[kind] in body_of(client.get(shared(name, token, picture)))}

    expected = KINDS[kind].link if may_download else KINDS[kind].link & {"jobs:shared_preview"}
    assert given_to(Client()) == given_to(client_of(user)) == expected


def shared(name: str, token: str, picture: Picture) -> str:
    """An address below a share's link."""
    one = name in {"jobs:shared_picture", "jobs:shared_preview", "jobs:shared_file"}
    return reverse(name, args=[token, picture.pk] if one else [token])


@pytest.mark.parametrize("kind", KINDS)
def test_a_storage_key_is_not_a_url(
    kind: str, user: User, make_user: Callable[..., User], client_of: SignIn, marked: dict[str, bytes]
) -> None:
    key = marked[f"key of {kind}"].decode()
    for client in (Client(), client_of(user), client_of(make_user(is_staff=True, is_superuser=True))):
        for before in ("/", "/files/", "/media/", "/var/", "/static/", "/static/../files/", "/admin/"):
            assert marked[kind] not in body_of(client.get(before + key)), before


def test_no_served_folder_contains_the_file_store() -> None:
    store = Path(settings.STATE_DIR / "files").resolve()
    for folder in (settings.STATIC_ROOT, *settings.STATICFILES_DIRS):
        assert not store.is_relative_to(Path(folder).resolve())
        assert not Path(folder).resolve().is_relative_to(store)
    assert storage.download_url("thumbs/x", name="x", media_type="image/webp", download=False) is None


def test_other_users_of_the_machine_cannot_read_the_files(user: User, marked: Any) -> None:
    """As far as the site can ensure it: files are readable by their owner alone, whatever the umask."""
    root = Path(settings.STORAGES["default"]["OPTIONS"]["location"])
    modes = {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()}
    assert modes == {0o600}
