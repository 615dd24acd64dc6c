"""The requests to the filled database: pages as people open them, and the dispatcher's rounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.sites import site
from django.core.files.base import ContentFile
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import AuditEntry, User
from common.admin import ReadOnly
from common.paging import MOST
from jobs import selectors, storage
from jobs.models import Case, Job, Picture
from jobs.moderation.services import bursts
from jobs.selectors import refused_pictures
from jobs.selectors.satisfaction import PERIODS
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
# What staff look for in the large lists, beside the first page.
ADMIN_SEARCHES = {
    "admin: users by address": "accounts/user/?q=user17",
    "admin: users of a plan": "accounts/user/?is_active__exact=1",
    "admin: jobs of a person": "jobs/job/?q=user17@example.org",
    "admin: jobs in a state": "jobs/job/?state__exact=cancelled",
    "admin: pictures by name": f"jobs/picture/?q={RARE}",
    "admin: pictures of a person": "jobs/picture/?q=user17@example.org",
    "admin: pictures with an error": "jobs/picture/?error_code__exact=broken_picture",
    "admin: audit of an account": "accounts/auditentry/?q=17",
    "admin: audit by action": "accounts/auditentry/?action__exact=decided",
    "admin: audit by staff": "accounts/auditentry/?by_staff__exact=1",
    "admin: audit from an address": "accounts/auditentry/?q=10.1.17.18",
    "admin: audit, a word": "accounts/auditentry/?q=looked",
    "admin: audit, a word that nobody wrote": "accounts/auditentry/?q=nothing+like+this",
    "dashboard, a year": f"jobs/dailyfigures/?days={max(PERIODS)}",
    "queue: worst first": "jobs/case/?o=-2",
    "queue: free": "jobs/case/?assigned=free",
    "queue: all": "jobs/case/?state=all",
    "queue: explicit": "jobs/case/?why=explicit_content",
    "queue: of a person": "jobs/case/?q=user17@example.org",
    "admin: refused by hash": "jobs/refusedpicture/?q=4fc8",
}


def signed_in(user: User) -> Client:
    """Returns a client signed in as this user, after its first request: that one writes down the session."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    client.get("/jobs/deleted/")
    return client


def _page(client: Client, address: str) -> Ask:
    def ask() -> object:
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer

    return ask


def pages_of(account: Account) -> dict[str, Ask]:
    """Returns the pages of an account, by name."""
    page = partial(_page, signed_in(account.user))
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


def admin_lists(staff: User) -> dict[str, dict[str, Ask]]:
    """Returns each list of the administration; if it has rows, also narrowed to three of them, as `few`."""
    client = signed_in(staff)
    lists: dict[str, dict[str, Ask]] = {}
    for model in site._registry:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        asks = lists[f"admin: {model._meta.verbose_name_plural}"] = {"many": _page(client, address)}
        if few := model._default_manager.order_by("-pk").values_list("pk", flat=True)[:3]:
            narrow = urlencode({f"{model._meta.pk.name}__in": ",".join(map(str, few))})
            asks["few"] = _page(client, f"{address}?{narrow}")
    return lists


def admin_searches(staff: User) -> dict[str, Ask]:
    """Returns what staff search for in the lists."""
    client = signed_in(staff)
    addresses = dict(ADMIN_SEARCHES)
    for name, model in (("jobs/picture", Picture), ("accounts/auditentry", AuditEntry)):
        last = min(model.objects.count(), MOST) // ReadOnly.list_per_page
        addresses[f"admin: {model._meta.verbose_name_plural}, far on"] = f"{name}/?p={last}"
    case = Case.objects.filter(state=Case.State.OPEN).latest("created_at")
    addresses["queue: a case"] = f"jobs/case/{case.pk}/change/"
    addresses["queue: a person"] = reverse("admin:jobs_case_person", args=[case.user_id])[len("/admin/") :]
    return {name: _page(client, f"/admin/{address}") for name, address in addresses.items()}


def moderation() -> dict[str, Ask]:
    """Returns what workers, uploads and the scheduler ask for moderation."""
    return {
        "refused: a similar picture": lambda: refused_pictures.nearest(0x0123456789ABCDEF, 7),
        "refused: the size of an upload": lambda: refused_pictures.may_be_refused(1_000_500),
        "bursts of the last hour": bursts.look,
    }


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
