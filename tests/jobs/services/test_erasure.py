"""Erasures: afterwards no row and no file of the person is left, but the receipt and the account's number."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import ErasureRefusedError, TokenRefusedError
from accounts.models import AuditAction, AuditEntry, AuditOrigin, Erasure, Invitation, User
from accounts.services import audit, erasures, tokens
from jobs import storage
from jobs.models import Discard, Improvement, Job, Matte, Picture, Upload, WebhookDelivery
from jobs.queue import background
from jobs.selectors import ownership
from jobs.services import (
    backdrops,
    erasure,
    erasure_list,
    erasure_steps,
    exports,
    presets,
    rendition_requests,
    slices,
    tags,
    uploads,
)
from jobs.webhooks import services as webhooks
from segmentation.recipe import Recipe
from tests.conftest import PASSWORD, make_job, make_picture, make_upload
from tests.jobs.factories import bare_job, complete, complete_all, pictures_of, stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
SignIn = Callable[[User], Client]
Commit = Any
NAME = "Augusta Ada King"


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Commit:
    """A block at whose end the hooks of commits run, with those that they add."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def fill(user: User) -> tuple[str, list[str]]:
    """Gives an account something in every table. Returns a token's secret and words that must disappear."""
    User.objects.filter(pk=user.pk).update(name=NAME)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    user.groups.add(Group.objects.create(name="readers"))
    token, secret = tokens.create(user, "a program", ["read"])
    done = complete_all(make_job(user, 2))
    Job.objects.filter(pk=done.pk).update(title="Ada's holiday")
    tags.add(done, "shoes")
    shown = pictures_of(done)[0]
    key = storage.matte_key(shown.pk, 2)
    Matte.objects.create(picture=shown, revision=2, matte_digest="x", key=key, size=4, width=8, height=6)
    storage.write(key, b"mine")
    half = make_job(user, 2)
    complete(pictures_of(half)[0])
    rendition_requests.render(shown, shown.mattes.get(revision=1), Recipe(model="u2netp", format="webp"))
    upload = uploads.start(user, "new.png", 100)
    storage.write(storage.incoming_key(upload.pk), b"arriving")
    make_upload(user, "waiting.png")
    make_upload(user, "refused.png", b"no picture")
    backdrops.take_in(user, make_picture(seed=5))
    sent = Improvement.objects.create(user=user, name="bad.png", size=1, format="png", width=1, height=1)
    storage.write(sent.key, b"x")
    presets.save(user, "shop", "Ada's shop", Recipe(model="u2netp"))
    endpoint, _ = webhooks.create(user, "https://hooks.example.org/ada")
    from jobs.webhooks import notifications

    notifications.test(endpoint)
    export = exports.request(user)
    exports.make(export.pk)
    exports.request(user)
    entry = audit.record(AuditAction.SIGNED_IN, subject=user, actor=user)
    AuditOrigin.objects.create(entry=entry, address="192.0.2.7")
    for row in (user, done):
        kind = ContentType.objects.get_for_model(type(row))
        LogEntry.objects.create(
            user=User.objects.exclude(pk=user.pk).get(),
            content_type=kind,
            object_id=str(row.pk),
            object_repr=str(row),
            action_flag=CHANGE,
        )
    signing_up = SessionStore()
    signing_up["sign_up"] = {"email": user.email, "password": "hash"}
    signing_up.save()
    words = [user.email, NAME, "Ada's", "ada@", token.prefix, "192.0.2.7", "hooks.example.org/ada"]
    words += [str(pk) for pk in Picture.objects.filter(user=user).values_list("pk", flat=True)]
    words += [pk.hex for pk in Picture.objects.filter(user=user).values_list("pk", flat=True)]
    return secret, words


def left_of(number: int, words: list[str]) -> list[str]:
    """Every trace of an account in any table: foreign keys to it, and fields that hold one of the words."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        people = [field.attname for field in model._meta.concrete_fields if field.related_model is User]
        for row in model._base_manager.all():
            where = f"{model._meta.label} {row.pk}"
            found += [f"{where}.{name}" for name in people if getattr(row, name) == number]
            texts = {field.attname: str(getattr(row, field.attname)) for field in model._meta.concrete_fields}
            if model._meta.label == "sessions.Session":
                texts["session_data"] = str(row.get_decoded())
            found += [
                f"{where}.{name}: {word}" for name, text in texts.items() for word in words if word in text
            ]
    if User.objects.filter(pk=number).exists():
        found.append("accounts.User")
    return found


def run(erased: Erasure) -> Erasure:
    erasure.work(erased.pk)
    erased.refresh_from_db()
    return erased


def test_nothing_is_left_but_the_receipt_and_the_number(
    user: User, stranger: User, client_of: SignIn, committed: Commit
) -> None:
    complete_all(make_job(stranger))
    others = set(stored_files())
    client_of(user)
    number = user.pk
    with committed():
        _secret, words = fill(user)
    owned = [model for model in ownership.directly_owned() if ownership.of(model, number).exists()]
    assert {"jobs.Job", "jobs.Upload", "jobs.Backdrop", "jobs.DataExport", "accounts.Entry"} <= {
        model._meta.label for model in owned
    }
    counts = (Job.objects.filter(user=user).count(), Picture.objects.filter(user=user).count())
    used = user.storage.bytes  # type: ignore[attr-defined]
    with committed():
        erased = erasure.request(user, at_once=True)
    with committed():
        run(erased)
    assert erased.state == Erasure.State.DONE
    assert (erased.jobs, erased.pictures, erased.bytes) == (*counts, used)
    assert left_of(number, words) == []
    assert Discard.objects.count() == 0
    note = storage.erasure_key(number, erased.joined_at)
    assert set(stored_files()) == {*others, note}
    assert Job.objects.filter(user=stranger).count() == 1
    last = AuditEntry.objects.filter(subject=number).latest("pk")
    assert (last.action, last.facts["pictures"]) == (AuditAction.ERASED, counts[1])
    receipt = mail.outbox[-1]
    assert receipt.to == ["ada@example.org"]
    assert f"account {number}: {counts[0]} jobs, {counts[1]} pictures" in receipt.body
    assert run(erased).done_at is not None, "a second run changes nothing"
    assert AuditEntry.objects.filter(action=AuditAction.ERASED).count() == 1


def test_everything_stops_at_once(user: User, client_of: SignIn, committed: Commit) -> None:
    client = client_of(user)
    job = make_job(user, 2)
    token, secret = tokens.create(user, "a program", ["read"])
    endpoint, _ = webhooks.create(user, "https://hooks.example.org/")
    with committed():
        erasure.request(user, at_once=False)
    assert client.get("/jobs/")["Location"].startswith(reverse("account_login"))
    with pytest.raises(TokenRefusedError) as refused:
        tokens.authenticate(secret, "127.0.0.1")
    assert refused.value.code == "account_closed"
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert {picture.state for picture in pictures_of(job)} == {"cancelled"}
    assert webhooks.disable_closed() == 1
    assert WebhookDelivery.objects.filter(endpoint=endpoint, state="waiting").count() == 0
    assert token.revoked_at is None, "a cancellation restores it"
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_an_account_is_kept_until_its_time_has_come(user: User, committed: Commit) -> None:
    erased = erasure.request(user, at_once=False)
    assert erased.due_at - erased.requested_at >= timedelta(days=settings.ERASURE_GRACE_DAYS) - timedelta(
        minutes=1
    )
    run(erased)
    assert (erased.state, erased.lease_token) == ("waiting", None)
    assert erased.stopped_at is not None
    assert erasure.send_due() == 0
    with pytest.raises(ErasureRefusedError) as refused:
        erasure.request(user, at_once=False)
    assert refused.value.code == "erasure_requested"
    Erasure.objects.update(due_at=timezone.now(), sent_at=timezone.now() - timedelta(hours=1))
    assert erasure.send_due() == 1
    assert run(erased).state == "done"
    assert erasure.send_due() == 0


def test_a_person_keeps_the_account_by_signing_in(user: User, committed: Commit) -> None:
    with committed():
        erasure.request(user, at_once=False)
    client = Client()
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("accounts:keep")
    page = client.get(reverse("accounts:keep"))
    assert b"Keep the account" in page.content
    assert Client().get(reverse("accounts:keep"))["Location"] == reverse("account_login")
    with committed():
        assert client.post(reverse("accounts:keep"))["Location"] == reverse("account_login")
    user.refresh_from_db()
    assert user.is_active
    assert not Erasure.objects.exists()
    assert mail.outbox[-1].subject.endswith("Your account will not be erased")
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert client.get("/jobs/").status_code == 200
    entry = AuditEntry.objects.filter(action=AuditAction.ERASURE_CANCELLED).get()
    assert (entry.actor, entry.subject) == (user.pk, user.pk)


def test_an_account_with_a_second_factor_is_kept_with_its_code_only(user: User, committed: Commit) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    TOTP.activate(user, secret)
    with committed():
        erasure.request(user, at_once=False)
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    for wrong in ({}, {"code": "not this"}):
        assert client.post(reverse("accounts:keep"), wrong).status_code == 400
    user.refresh_from_db()
    assert not user.is_active
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    assert client.post(reverse("accounts:keep"), {"code": code})["Location"] == reverse("account_login")
    user.refresh_from_db()
    assert user.is_active


def test_a_begun_erasure_cannot_be_cancelled(user: User) -> None:
    erased = erasure.request(user, at_once=True)
    Erasure.objects.update(state=Erasure.State.STARTED)
    with pytest.raises(ErasureRefusedError) as refused:
        erasures.cancel(erased)
    assert refused.value.code == "erasure_begun"
    user.refresh_from_db()
    assert not user.is_active


def test_the_last_administrator_stays(make_user: Callable[..., User]) -> None:
    admin = make_user(is_staff=True, is_superuser=True)
    with pytest.raises(ErasureRefusedError) as refused:
        erasure.request(admin, at_once=True)
    assert refused.value.code == "last_administrator"
    admin.refresh_from_db()
    assert admin.is_active
    make_user(is_staff=True, is_superuser=True)
    assert run(erasure.request(admin, at_once=True)).state == "done"


def test_a_killed_process_is_followed_by_another(
    user: User, stranger: User, monkeypatch: pytest.MonkeyPatch, committed: Commit
) -> None:
    with committed():
        _secret, words = fill(user)
        erased = erasure.request(user, at_once=True)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches SIGKILL."""

    places = ["delete_sessions", "delete_admin_log", "_delete_uploads", "_delete_small_files", "_delete_rows"]
    places.append("delete_user")

    def killed(*_args: Any) -> None:
        raise Killed

    for place in places:
        with monkeypatch.context() as patch:
            patch.setattr(erasure_steps, place, killed)
            patch.setattr(background.Hold, "release", lambda *_args, **_fields: False)
            with committed(), pytest.raises(Killed):
                erasure.work(erased.pk)
        erasure.work(erased.pk)
        erased.refresh_from_db()
        assert erased.state != "done", "the lease of the dead process still holds"
        long_ago = timezone.now() - timedelta(minutes=10)
        Erasure.objects.update(lease_until=long_ago, sent_at=long_ago)
        assert erasure.send_due() == 1
        Erasure.objects.update(lease_until=long_ago)
    with committed():
        run(erased)
    assert erased.state == "done"
    assert left_of(erased.account, words) == []
    assert stored_files() == [storage.erasure_key(erased.account, erased.joined_at)]
    assert erased.pictures == 4


def test_an_erasure_waits_for_the_store(
    user: User, monkeypatch: pytest.MonkeyPatch, committed: Commit
) -> None:
    with committed():
        complete_all(make_job(user))
        erased = erasure.request(user, at_once=True)
    real = storage.write

    def away(key: str, content: bytes) -> None:
        raise storage.StoreUnavailableError("away")

    monkeypatch.setattr(storage, "write", away)
    run(erased)
    assert (erased.state, Job.objects.count()) == ("started", 1), "nothing is deleted before it is listed"
    monkeypatch.setattr(storage, "write", real)
    assert run(erased).state == "done"


def test_a_thousand_pictures_are_deleted_in_slices(
    user: User, django_assert_max_num_queries: Any, committed: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare_job(user, 600)
    for _ in range(20):
        bare_job(user, 20)
    erased = erasure.request(user, at_once=True)
    most: list[int] = []
    real = slices.run

    def watched(step: Callable[[], object]) -> None:
        def counted() -> object:
            before = Picture.objects.count()
            again = step()
            most.append(before - Picture.objects.count())
            return again

        real(counted)

    monkeypatch.setattr(slices, "run", watched)
    with committed(), django_assert_max_num_queries(2500):
        run(erased)
    assert (erased.state, erased.pictures, erased.jobs) == ("done", 1000, 21)
    assert sum(most) >= 1000
    assert Upload.objects.count() == Picture.objects.count() == 0


def test_erasures_are_replayed_after_a_restore(user: User, stranger: User, committed: Commit) -> None:
    joined, number = user.date_joined, user.pk
    with committed():
        run(erasure.request(user, at_once=True))
    assert erasure_list.replay() == []
    # The database comes back from a backup: the account is there, its erasure is not.
    Erasure.objects.all().delete()
    User.objects.create(pk=number, email="ada@example.org", date_joined=joined)
    call_command("replay_erasures")
    back = Erasure.objects.get()
    assert (back.account, back.state) == (number, "waiting")
    assert not User.objects.get(pk=number).is_active
    with committed():
        assert run(back).state == "done"
    assert not User.objects.filter(pk=number).exists()
    # Another person got the number.
    User.objects.create(pk=number, email="new@example.org")
    assert erasure_list.replay() == []
    assert User.objects.get(pk=number).is_active
    storage.write("erasures/nonsense", b"")
    assert erasure_list.replay() == []


def test_every_table_with_files_is_known() -> None:
    """A model with a storage key belongs to a picture, or is deleted by its own step."""
    owners = {
        model._meta.label
        for model in ownership.directly_owned()
        if hasattr(model, "key") or hasattr(model, "keys") or hasattr(model, "source_key")
    }
    known = {model._meta.label for model in erasure_steps.WITH_FILES} - {"jobs.Job"}
    # The key of an Idempotency is no file.
    assert owners - {"jobs.Idempotency"} <= known


def test_models_name_people_by_foreign_keys_that_an_erasure_can_follow() -> None:
    """Every foreign key to the user deletes the row, or is set to null."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            if field.related_model is User:
                rule = field.remote_field.on_delete.__name__  # type: ignore[union-attr]
                assert rule in {"CASCADE", "SET_NULL"}, f"{model._meta.label}.{field.name}"


def test_staff_who_save_an_old_form_do_not_open_a_closing_account(
    user: User, admin_client: Client, committed: Commit
) -> None:
    with committed():
        erasure.request(user, at_once=False)
    fields = {"email": user.email, "name": "", "is_active": "on", "language": "", "time_zone": ""}
    answer = admin_client.post(f"/admin/accounts/user/{user.pk}/change/", fields)
    assert answer.status_code == 302
    user.refresh_from_db()
    assert user.is_active is False
    assert Erasure.objects.get().state == "waiting"


def test_invitations_of_the_address_go_with_the_account(user: User) -> None:
    for digest in ("1", "2"):
        Invitation.objects.create(
            email=user.email, digest=digest, expires_at=timezone.now(), revoked_at=timezone.now()
        )
    Invitation.objects.create(email="other@example.org", digest="3", expires_at=timezone.now())
    erasure.work(erasure.request(user, at_once=True).pk)
    assert list(Invitation.objects.values_list("email", flat=True)) == ["other@example.org"]
