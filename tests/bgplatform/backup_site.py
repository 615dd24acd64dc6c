"""A site with data, and a check that all of it is there: `python -m … make|delete|look`.

Separate processes for test_backup.py, because settings are read once. The results are printed as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402  # there are settings only now
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import User  # noqa: E402
from jobs import storage  # noqa: E402
from jobs.models import Job, Matte, Picture, Rendition, Upload, WebhookEndpoint  # noqa: E402
from jobs.services import removal  # noqa: E402
from jobs.webhooks import secrets, services  # noqa: E402
from tests.conftest import make_job  # noqa: E402
from tests.jobs.factories import complete_all  # noqa: E402

AT = datetime(2026, 11, 27, tzinfo=UTC)


def make() -> dict[str, Any]:
    """Create a signed-in account, two jobs (one queued) and a webhook."""
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("ada@example.org", None)
    for title in ("kept", "deleted"):
        job = complete_all(make_job(user, 2))
        Job.objects.filter(pk=job.pk).update(title=title)
    make_job(user, 1)
    services.create(user, url="https://hooks.example.org/", events=["job.finished"])
    client = Client()
    client.force_login(user, backend="accounts.backends.AuthenticationBackend")
    (settings.STATE_DIR / "secret-key").write_text(settings.SECRET_KEY + "\n")
    (settings.STATE_DIR / "samples-shown").touch()
    return {"session": client.cookies["sessionid"].value, **facts()}


def facts() -> dict[str, Any]:
    """Returns what must survive: rows, file digests, and the webhook's signing key."""
    keys = {upload.key for upload in Upload.objects.filter(state="uploaded")}
    for rows in (
        Picture.objects.values_list("source_key", "thumb_key"),
        Matte.objects.values_list("key"),
        Rendition.objects.values_list("key", "preview_key"),
    ):
        keys.update(key for row in rows for key in row if key)
    return {
        "files": {key: digest(key) for key in sorted(keys)},
        "titles": sorted(Job.objects.values_list("title", flat=True)),
        "states": sorted(Picture.objects.values_list("state", flat=True)),
        "signature": secrets.sign(WebhookEndpoint.objects.get(enabled=True), "msg_1", AT, "{}"),
    }


def digest(key: str) -> str:
    """Returns the digest of a key's bytes; "missing" where there are none."""
    try:
        return hashlib.sha256(b"".join(storage.chunks(key))).hexdigest()
    except FileNotFoundError:
        return "missing"


def delete() -> dict[str, Any]:
    """Delete a job with its files as its owner, and submit another one."""
    job = Job.objects.get(title="deleted")
    keys = list(Rendition.objects.filter(picture__job=job).values_list("key", flat=True))
    assert removal.delete_jobs([job.pk]) == 1
    assert {digest(key) for key in keys} == {"missing"}
    complete_all(make_job(User.objects.get(), 1))
    return {}


def look() -> dict[str, Any]:
    """Returns the present state, as seen by the owner's browser and the webhook's receiver."""
    client = Client()
    client.cookies["sessionid"] = sys.argv[2]
    page = client.get("/jobs/")
    result = client.get(f"/pictures/{Picture.objects.filter(state='done').first().pk}/result/")  # type: ignore[union-attr]
    return {"history": page.status_code, "result": result.status_code, **facts()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"make": make, "delete": delete, "look": look}[sys.argv[1]]()))
