"""Exports: they hold exactly what the account has, survive a killed process, and expire."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.files.base import ContentFile
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditAction, AuditEntry, User
from accounts.services import tokens
from jobs import storage
from jobs.errors import ExportRefusedError
from jobs.models import Backdrop, DataExport, Job, Matte, Picture, Rendition
from jobs.queue import background
from jobs.selectors import account_records, ownership
from jobs.services import backdrops, export_archive, exports, orphans, presets, submit, uploads
from jobs.webhooks import services as webhooks
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.factories import complete_all, stored_files
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]
DERIVED = ("thumbs/", "previews/", "exports/", "incoming/")


@pytest.fixture
def full(user: User, stranger: User) -> User:
    """An account with jobs, a second matte, an upload, a backdrop and settings; another one beside it."""
    job = complete_all(make_job(user, 3))
    submit.again(job, Recipe(model="u2netp", format="webp"))
    picture = Picture.objects.filter(job=job).earliest("position")
    second = Matte.objects.create(
        picture=picture, revision=2, origin="brush", matte_digest="x", key="", size=4, width=8, height=6
    )
    Matte.objects.filter(pk=second.pk).update(key=storage.matte_key(picture.pk, 2))
    storage.write(storage.matte_key(picture.pk, 2), b"mine")
    make_upload(user, "waiting.png")
    backdrops.take_in(user, make_picture(seed=5))
    presets.save(user, "shop", "Shop", Recipe(model="u2netp"))
    webhooks.create(user, "https://hooks.example.org/")
    complete_all(make_job(stranger))
    return user


def made(user: User, **about: Any) -> DataExport:
    export = exports.request(user, **about)
    exports.make(export.pk)
    export.refresh_from_db()
    return export


def archive(key: str) -> zipfile.ZipFile:
    opened = zipfile.ZipFile(io.BytesIO(b"".join(storage.chunks(key))))
    assert opened.testzip() is None
    return opened


def listed(opened: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(opened.read("files.csv").decode("utf-8-sig"))))


def digests(files: list[str]) -> list[str]:
    return sorted(hashlib.sha256(b"".join(storage.chunks(key))).hexdigest() for key in files)


def own_files(stranger: User) -> list[str]:
    """The keys of all files but copies and those of the other account."""
    theirs = {str(pk) for pk in Picture.objects.filter(user=stranger).values_list("pk", flat=True)}
    theirs |= {str(pk) for pk in stranger.uploads.values_list("pk", flat=True)}  # type: ignore[attr-defined]
    return [
        key
        for key in stored_files()
        if not key.startswith(DERIVED) and not any(part in key for part in theirs)
    ]


def records(opened: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened.read(f"records/{name}.jsonl").splitlines()]


def test_an_export_has_every_file_and_row_of_the_account_and_nothing_else(full: User, stranger: User) -> None:
    _token, secret = tokens.create(full, "program", ["read"])
    expected = own_files(stranger)
    export = made(full)
    assert (export.state, len(export.parts), export.done) == ("ready", 1, export.total)
    opened = archive(export.keys[0])
    table = listed(opened)
    assert sorted(row["sha256"] for row in table) == digests(expected)
    # Three sources and results, four mattes, an upload, a backdrop.
    assert len(table) == export.total == 3 + 3 + 4 + 1 + 1
    for row in table:
        content = opened.read(row["path"])
        assert (len(content), hashlib.sha256(content).hexdigest()) == (int(row["bytes"]), row["sha256"])
    names = set(opened.namelist())
    written = {name for name in names if not name.startswith("records/")} - {"README.txt", "files.csv"}
    assert written == {row["path"] for row in table}
    for model in ownership.paths():
        label = model._meta.label_lower
        if model._meta.label in account_records.LEFT_OUT:
            continue
        rows = ownership.of(model, full.pk)
        if f"records/{label}.jsonl" in names:
            pks = [str(row[model._meta.pk.attname]) for row in records(opened, label)]  # type: ignore[union-attr]
            assert pks == [str(pk) for pk in rows.order_by("pk").values_list("pk", flat=True)]
        else:
            assert not rows.exists(), label
    assert records(opened, "accounts.user")[0]["email"] == full.email
    assert [row["title"] for row in records(opened, "jobs.preset")] == ["Shop"]
    assert records(opened, "audit")[0]["action"] == "export_requested"
    everything = b"".join(opened.read(name) for name in names)
    token = full.api_tokens.get()
    hidden = [secret, token.digest, full.password, stranger.email]
    hidden += [row.salt for row in full.webhook_endpoints.get().secrets.all()]
    assert [text for text in hidden if text.encode() in everything] == []


def test_other_accounts_stay_unnamed_in_the_records(user: User) -> None:
    """A row of the account that names another account shows no number."""
    fields = {field.attname for model in ownership.paths() for field in ownership.people(model)}
    assert "user_id" in fields
    lines = account_records._lines(DataExport, DataExport.objects.all(), user.pk + 1)
    exports.request(user)
    assert [json.loads(line)["user_id"] for line in lines] == [None]


def test_no_field_with_the_name_of_a_secret_is_exported() -> None:
    """A new secret field needs a name that says so, or an entry in the list."""
    left_out = {
        f"{model._meta.label}.{field.name}"
        for model in ownership.paths()
        for field in model._meta.concrete_fields
        if account_records.is_secret(field)
    }
    assert left_out >= {
        "accounts.User.password",
        "accounts.ApiToken.digest",
        "account.EmailConfirmation.key",
        "mfa.Authenticator.data",
        "socialaccount.SocialToken.token",
        "socialaccount.SocialToken.token_secret",
        "usersessions.UserSession.session_key",
        "jobs.WebhookSecret.salt",
        "jobs.WebhookSecret.fingerprint",
    }


def test_a_large_export_has_parts_and_a_killed_process_costs_one(
    full: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = own_files(stranger)
    monkeypatch.setattr(export_archive, "PART_FILES", 4)
    export = exports.request(full)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    real, written = storage.write_chunks, []

    def write_chunks(key: str, chunks: Iterator[bytes]) -> None:
        if len(written) == 1:
            next(chunks)
            raise Killed
        real(key, chunks)
        written.append(key)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_chunks", write_chunks)
        # A killed process does not give back its claim.
        patch.setattr(background.Hold, "release", lambda *_args, **_fields: False)
        with pytest.raises(Killed):
            exports.make(export.pk)
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, len(export.parts)) == ("queued", 1), "the lease of the dead process still holds"
    assert exports.send_due() == 0
    long_ago = timezone.now() - timedelta(minutes=10)
    DataExport.objects.update(lease_until=long_ago, sent_at=long_ago)
    assert exports.send_due() == 1
    before = storage.size(export.keys[0])
    exports.make(export.pk)
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.done) == ("ready", export.total)
    assert export.parts[0] == before
    assert len(export.parts) == 3
    assert export.parts == [storage.size(key) for key in export.keys]
    table = [row for key in export.keys for row in listed(archive(key))]
    assert sorted(row["sha256"] for row in table) == digests(expected)
    assert len({row["path"] for row in table}) == len(expected)
    assert len(mail.outbox) == 0, "it is sent after the commit"


def test_one_at_a_time_and_the_next_one_replaces_the_last(user: User) -> None:
    first = made(user)
    second = exports.request(user)
    assert not DataExport.objects.filter(pk=first.pk).exists()
    with pytest.raises(ExportRefusedError) as refused:
        exports.request(user)
    assert (refused.value.code, refused.value.status) == ("export_running", 409)
    assert list(DataExport.objects.all()) == [second]
    assert AuditEntry.objects.filter(action=AuditAction.EXPORT_REQUESTED).count() == 2
    with pytest.raises(IntegrityError):
        DataExport.objects.create(user=user)


def test_the_owner_gets_a_mail_and_the_file_until_it_expires(
    user: User, client_of: SignIn, django_capture_on_commit_callbacks: Any
) -> None:
    make_job(user)
    with django_capture_on_commit_callbacks(execute=True):
        export = made(user)
    assert [message.to for message in mail.outbox] == [[user.email]]
    assert reverse("jobs:data") in mail.outbox[0].body
    days = (export.expires_at - export.finished_at).days  # type: ignore[operator]
    assert days == settings.EXPORT_DAYS
    client = client_of(user)
    assert b"Download the export" in client.get(reverse("jobs:data")).content
    address = reverse("jobs:export_file", args=[export.pk])
    response = client.get(address)
    assert len(body_of(response)) == export.size == int(response["Content-Length"])
    assert response["Cache-Control"] == "private, no-store"
    for part in ("0", "2", "x", "-1", "99999999", "²"):
        assert client.get(address, {"part": part}).status_code == 404
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(address).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        assert exports.sweep() == 1
    assert not DataExport.objects.exists()
    assert [key for key in stored_files() if key.startswith("exports/")] == []


def test_asking_needs_the_password_again(user: User, client_of: SignIn) -> None:
    client = client_of(user)
    response = client.post(reverse("jobs:export"))
    assert response["Location"].startswith(reverse("account_reauthenticate"))
    assert not DataExport.objects.exists()
    from tests.conftest import PASSWORD

    client.post(response["Location"], {"password": PASSWORD})
    assert DataExport.objects.get().user == user


def test_a_file_that_disappears_is_listed_without_a_size(full: User) -> None:
    gone = Rendition.objects.filter(picture__user=full).earliest("pk")
    storage.delete([gone.key])
    opened = archive(made(full).keys[0])
    missing = [row for row in listed(opened) if not row["bytes"]]
    assert [(row["table"], row["row"]) for row in missing] == [("jobs.Rendition", str(gone.pk))]
    assert missing[0]["path"] not in opened.namelist()


def test_an_unavailable_store_postpones_and_a_full_one_fails(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = exports.request(user)

    def raises(error: Exception) -> Callable[..., None]:
        def write_chunks(key: str, chunks: Iterator[bytes]) -> None:
            raise error

        return write_chunks

    monkeypatch.setattr(storage, "write_chunks", raises(storage.StoreUnavailableError("away")))
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.attempts, export.lease_token) == ("queued", 0, None)
    monkeypatch.setattr(storage, "write_chunks", raises(storage.StoreFullError("full")))
    exports.make(export.pk)
    export.refresh_from_db()
    assert (export.state, export.error_code, export.parts) == ("failed", "store_full", [])


def test_a_fault_of_its_own_fails_after_some_attempts(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_chunks(key: str, chunks: Iterator[bytes]) -> None:
        raise storage.StoreRefusedError("no")

    monkeypatch.setattr(storage, "write_chunks", write_chunks)
    export = exports.request(user)
    states = []
    for _ in range(exports.MOST_ATTEMPTS):
        exports.make(export.pk)
        export.refresh_from_db()
        states.append(export.state)
    assert states == ["queued"] * (exports.MOST_ATTEMPTS - 1) + ["failed"]
    assert export.error_code == "internal_error"


def test_an_export_that_is_deleted_meanwhile_leaves_no_file(
    user: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    export = exports.request(user)
    real = storage.write_chunks

    def write_chunks(key: str, chunks: Iterator[bytes]) -> None:
        exports.delete(DataExport.objects.get(pk=export.pk))
        real(key, chunks)

    monkeypatch.setattr(storage, "write_chunks", write_chunks)
    with django_capture_on_commit_callbacks(execute=True):
        exports.make(export.pk)
    assert stored_files() == []


def test_the_orphan_sweep_knows_exports(user: User) -> None:
    export = made(user)
    nobodys = "exports/018f0000-0000-7000-8000-000000000000/1.zip"
    storage.write(nobodys, b"x")
    part = f"exports/{export.pk}/.part-1"
    storage.write(part, b"x")
    assert orphans.orphans_of(list(storage.keys("exports/"))) == {nobodys}
    exports.delete(export)
    assert orphans.orphans_of(list(storage.keys("exports/"))) == {nobodys, part, *export.keys}


def test_uploads_that_are_still_arriving_are_left_out(user: User) -> None:
    upload = uploads.start(user, "new.png", 10_000)
    uploads.receive(upload, ContentFile(make_picture()), 10)
    assert listed(archive(made(user).keys[0])) == []
    assert Backdrop.objects.count() == 0


def test_the_store_takes_chunks_and_nothing_if_they_fail(tmp_path: Path) -> None:
    storage.write_chunks("exports/a/1.zip", iter([b"ab", b"", b"c" * 700_000]))
    assert b"".join(storage.chunks("exports/a/1.zip")) == b"ab" + b"c" * 700_000

    def broken() -> Iterator[bytes]:
        yield b"x"
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        storage.write_chunks("exports/a/2.zip", broken())
    assert stored_files() == ["exports/a/1.zip"]


def test_what_a_moderator_hid_is_left_out(user: User) -> None:
    job = complete_all(make_job(user, 2))
    hidden, shown = Picture.objects.filter(job=job).order_by("position")
    again = submit.again(job, Recipe(model="u2netp", format="webp"))
    Picture.objects.filter(pk=hidden.pk).update(hidden_at=timezone.now())
    export = made(user)
    rows = {row["row"] for row in listed(archive(export.keys[0]))}
    assert not {str(pk) for pk in hidden.mattes.values_list("pk", flat=True)} & rows
    assert not {str(pk) for pk in hidden.renditions.values_list("pk", flat=True)} & rows
    assert str(hidden.pk) not in rows
    assert str(shown.pk) in rows
    assert export.done == export.total
    Job.objects.filter(pk__in=[job.pk, again.pk]).update(hidden_at=timezone.now())
    DataExport.objects.all().delete()
    assert listed(archive(made(user).keys[0])) == []
