"""The requests to the filled database: pages as people open them, and the dispatcher's rounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.files.base import ContentFile
from django.test import Client, RequestFactory

from accounts.models import User
from jobs import selectors, storage
from jobs.models import Job, Picture
from jobs.services import discards, lines, progress, removal, retention
from jobs.views import files
from tests.benchmarks.scale.rows import RARE, Account

Ask = Callable[[], object]
BACKEND = "accounts.backends.AuthenticationBackend"
QUERIES = {
    "history": {},
    "search, one name of all": {"q": RARE[:5]},
    "search, none": {"q": "nothing like this"},
    "search, common": {"q": "img"},
    "search, two letters": {"q": "a7"},
    "search, common, by name": {"q": "img", "sort": "name"},
    "state at work": {"state": "active"},
    "state done": {"state": "finished"},
    "state cancelled": {"state": "cancelled"},
    "with failures": {"state": "failures"},
    "model": {"model": "u2netp"},
    "origin": {"origin": "api"},
    "tag, common": {"tag": "Common"},
    "tag, rare": {"tag": "Rare"},
    "days": {"since": "2025-06-01", "until": "2026-03-01"},
    "oldest first": {"sort": "oldest"},
    "most pictures first": {"sort": "pictures"},
    "by name": {"sort": "name"},
    "all at once": {
        "q": "img",
        "state": "failures",
        "model": "u2net",
        "origin": "web",
        "tag": "Common",
        "sort": "pictures",
    },
}
ADMIN = (
    "jobs/job",
    "jobs/picture",
    "jobs/matte",
    "jobs/rendition",
    "jobs/upload",
    "jobs/receipt",
    "accounts/user",
    "jobs/case",
)


def signed_in(user: User) -> Client:
    """Returns a client signed in as this user."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def pages_of(account: Account) -> dict[str, Ask]:
    """Returns the pages of an account, by name."""
    client = signed_in(account.user)

    def page(address: str) -> Ask:
        def ask() -> object:
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            return answer

        return ask

    asks = {name: page(f"/jobs/?{urlencode(query)}") for name, query in QUERIES.items()}
    for name, sort in (("history, far on", ""), ("by name, far on", "name")):
        asks[name] = page(f"/jobs/?{urlencode({'sort': sort, 'older': far_on(account.user, sort)})}")
    largest = Job.objects.get(pk=account.largest)
    asks["job"] = page(f"/jobs/{largest.pk}/")
    asks["job, far on"] = page(f"/jobs/{largest.pk}/?from={largest.picture_count * 3 // 4}")
    ids = Picture.objects.filter(job=largest).order_by("position").values_list("pk", flat=True)[:60]
    asks["cards"] = page(f"/jobs/{largest.pk}/cards/?ids={','.join(map(str, ids))}")
    asks["API, jobs, search"] = page("/api/v1/jobs/?q=img&sort=name")
    asks["API, pictures, far on"] = page(
        f"/api/v1/jobs/{largest.pk}/pictures/?after={largest.picture_count * 3 // 4}"
    )
    asks["studio"] = page("/")
    asks["API, jobs"] = page("/api/v1/jobs/")
    asks["API, job"] = page(f"/api/v1/jobs/{largest.pk}/")
    asks["API, pictures"] = page(f"/api/v1/jobs/{largest.pk}/pictures/")
    asks["deleted"] = page("/jobs/deleted/")
    return asks


def far_on(user: User, sort: str) -> str:
    """Returns the cursor of the last page but one, or of one 20 pages on."""
    older, following = "", selectors.history(user, wanted={"sort": sort}).older
    for _ in range(20):
        if not following:
            break
        older, following = following, selectors.history(user, older=following, wanted={"sort": sort}).older
    return older


def zip_start(account: Account) -> Ask:
    """Requests the first bytes of the ZIP of a job of 1,000 pictures (or the nearest size)."""
    job = Job.objects.filter(user=account.user, state="finished", picture_count__lte=1000).order_by(
        "-picture_count"
    )[0]
    first = next(picture.rendition for picture in selectors.every_picture_of(job) if picture.rendition)
    storage.write(first.key, ContentFile(b"x" * 64))
    request = RequestFactory().get(f"/jobs/{job.pk}/results.zip")
    request.user = account.user

    async def read(chunks: Any) -> bytes:
        async for chunk in chunks:
            if chunk:
                return bytes(chunk)
        raise AssertionError("an empty archive")

    def ask() -> object:
        answer: Any = files.results_zip(request, job.pk)
        return asyncio.run(read(answer.streaming_content))

    return ask


def admin_lists(staff: User) -> dict[str, Ask]:
    """Returns the lists of the administration."""
    client = signed_in(staff)

    def page(address: str) -> Ask:
        def ask() -> object:
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            return answer

        return ask

    return {f"admin: {name.split('/')[1]}s": page(f"/admin/{name}/") for name in ADMIN}


def rounds() -> dict[str, Ask]:
    """Returns the scheduler's periodic tasks, with nothing lost and every window full."""
    return {
        "dispatch: top up everyone": lines.PICTURES.top_up_everyone,
        "dispatch: recover lost": lines.PICTURES.recover_lost,
        "dispatch: expire": retention.expire,
        "dispatch: sweep uploads": removal.sweep_uploads,
        "dispatch: sweep discards": discards.sweep_discards,
        "dispatch: settle what was left open": progress.settle_left,
    }
