"""One account with every kind of caller: pages, the API, workers, the scheduler."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import quota, tokens
from jobs import storage
from jobs.management.commands.dispatch import Command
from jobs.models import Job, Matte, Picture, Rendition, RenditionRequest
from jobs.queue.claims import Claim, LeaseLostError
from jobs.services import lines
from jobs.worker import processing, rendering
from segmentation.recipe import Recipe
from tests.conftest import make_picture
from tests.jobs.factories import bare_uploads

RECIPE = Recipe(model="u2netp")
KEPT_JOBS = 12
COLOURS = itertools.count(1)
BACKEND = "accounts.backends.AuthenticationBackend"


class Account:
    """All operations on one user's data; `answers` counts statuses and errors."""

    def __init__(self, user: User) -> None:
        self.user = user
        _, secret = tokens.create(user, "script", ["read", "submit", "delete"])
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.answers: Counter[str] = Counter()
        self.picture = make_picture(16, 12)
        first = Client()
        first.force_login(user, backend=BACKEND)
        self.cookies = {name: morsel.value for name, morsel in first.cookies.items()}

    def acts(self) -> list[Callable[[], None]]:
        """Returns the operations; each runs in a loop of its own."""
        worker = [self.work] * 3
        people = [self.submit, self.cancel, self.retry, self.again, self.delete, self.tag, self.untag]
        programs = [self.api_submit, self.api_cancel, self.api_retry, self.api_again, self.api_tags]
        rest = [self.upload, self.delete_picture, self.ask_for_rendition, self.render, self.top_up]
        return [*worker, *people, *programs, *rest, self.tick, self.renew, self.discard]

    # Pages

    def browser(self) -> Client:
        """Returns a signed-in client that turns exceptions into responses."""
        client = Client(raise_request_exception=False)
        client.cookies.load(self.cookies)
        return client

    def press(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> int:
        """Submit one of the site's forms."""
        answer = self.browser().post(path, data or {}, headers=headers)
        self.note(f"page {path.rstrip('/').rsplit('/', 1)[-1]}", answer.status_code)
        return int(answer.status_code)

    def submit(self) -> None:
        """Submit a batch of uploads, as the page's script does."""
        ids = self._uploads(random.randint(1, 30))
        self.press("/jobs/", {"uploads": ids}, Accept="application/json")

    def upload(self) -> None:
        """Upload by a plain form: stored, checked and submitted in one request."""
        files = [SimpleUploadedFile(f"{n}.png", self.picture, "image/png") for n in range(3)]
        self.press("/jobs/", {"pictures": files}, Accept="application/json")

    def discard(self) -> None:
        """Discard unsubmitted uploads: the script's own, and sometimes all."""
        ids = self._uploads(5)
        self.press("/uploads/discard/", {"uploads": ids} if random.random() < 0.9 else None)

    def cancel(self) -> None:
        """Cancel on a job's page."""
        if random.random() < 0.4:
            self._on_a_job("cancel/")

    def retry(self) -> None:
        """Try again on a job's page."""
        self._on_a_job("retry/")

    def again(self) -> None:
        """Another recipe on a job's page."""
        if self._count() < KEPT_JOBS:
            self._on_a_job("again/", {"background": "#ffffff", "format": "png"})

    def delete(self) -> None:
        """Delete on a job's page, which also keeps the number of jobs low."""
        if self._count() > KEPT_JOBS // 2:
            self._on_a_job("delete/")

    def tag(self) -> None:
        """Add a tag."""
        self._on_a_job("tags/", {"name": f"tag {random.randint(1, 5)}"})

    def untag(self) -> None:
        """Remove a tag."""
        self._on_a_job("tags/remove/", {"name": f"tag {random.randint(1, 5)}"})

    def delete_picture(self) -> None:
        """Delete a single picture."""
        picture = self._some(Picture.objects.filter(user=self.user))
        if picture is not None:
            self.press(f"/pictures/{picture.pk}/delete/", {"sure": "yes"}, Accept="application/json")

    def _uploads(self, count: int) -> list[UUID]:
        """Create finished uploads, with their storage counted."""
        with transaction.atomic():
            ids = bare_uploads(self.user, count)
            quota.add_storage(self.user, 9 * count)
        return ids

    def _on_a_job(self, what: str, data: dict[str, Any] | None = None) -> None:
        job = self._some(Job.objects.filter(user=self.user))
        if job is not None:
            self.press(f"/jobs/{job.pk}/{what}", data)

    # API clients

    def call(self, method: str, path: str, body: object = None, **headers: str) -> int:
        """A request with a token."""
        client = Client(raise_request_exception=False)
        answer = client.generic(
            method,
            f"/api/v1/{path}",
            "" if body is None else json.dumps(body),
            "application/json",
            headers={**self.headers, **headers},
        )
        self.note(f"api {method} {path.rstrip('/').rsplit('/', 1)[-1][:12]}", answer.status_code)
        return int(answer.status_code)

    def api_submit(self) -> None:
        """Submit a batch with an idempotency key that a concurrent request shares."""
        ids = [str(pk) for pk in self._uploads(random.randint(1, 10))]
        self.call("POST", "jobs/", {"uploads": ids}, **{"Idempotency-Key": str(uuid4())})

    def api_cancel(self) -> None:
        """Cancel a job."""
        if random.random() < 0.4:
            self._call_a_job("cancel/")

    def api_retry(self) -> None:
        """Retry with an idempotency key."""
        self._call_a_job("retry/", **{"Idempotency-Key": str(uuid4())})

    def api_again(self) -> None:
        """Run again with another recipe."""
        if self._count() < KEPT_JOBS:
            self._call_a_job("again/", {"recipe": {"format": "webp"}})

    def api_tags(self) -> None:
        """Replace all tags of a job."""
        job = self._some(Job.objects.filter(user=self.user))
        if job is not None:
            self.call("PATCH", f"jobs/{job.pk}/", {"tags": [f"tag {random.randint(1, 5)}"], "pinned": False})

    def _call_a_job(self, what: str, body: object = None, **headers: str) -> None:
        job = self._some(Job.objects.filter(user=self.user))
        if job is not None:
            self.call("POST", f"jobs/{job.pk}/{what}", body, **headers)

    def ask_for_rendition(self) -> None:
        """Request a rendition that does not exist yet."""
        picture = self._some(Picture.objects.filter(user=self.user, state="done"))
        if picture is not None:
            colour = f"#{next(COLOURS) % 0xFFFFFF:06x}"
            self.call("POST", f"pictures/{picture.pk}/renditions/", {"recipe": {"background": colour}})

    # Workers and the scheduler

    def work(self) -> None:
        """Claim a picture and finish it in one of the possible ways, as a worker does."""
        waiting = Picture.objects.filter(user=self.user, state="queued")
        picture = waiting.order_by("?").first()
        claim = lines.PICTURES.claim(picture.pk) if picture else None
        if claim is None:
            return
        try:
            kind = random.random()
            if kind < 0.6:
                conclude(claim)
            elif kind < 0.9:
                lines.PICTURES.fail(claim, "internal_error", "It went wrong.")
            else:
                lines.PICTURES.give_back(claim, "internal_error", "It went wrong.")
            self.note("worker", "done")
        except LeaseLostError:
            self.note("worker", "taken away")
        finally:
            lines.PICTURES.top_up(self.user.pk)

    def renew(self) -> None:
        """Extend every lease."""
        held = list(Picture.objects.filter(state="running").values_list("lease_token", flat=True))
        lines.PICTURES.renew(held)

    def render(self) -> None:
        """Complete a rendition request as a worker does, without the pixels."""
        rendition_request = self._some(RenditionRequest.objects.filter(user=self.user, state="queued"))
        claim = lines.RENDITIONS.claim(rendition_request.pk) if rendition_request else None
        if claim is None or claim.row.matte is None:
            return
        held, matte = claim.row, claim.row.matte
        try:
            rendering._conclude(claim, matte, rendition_of(held.picture_id, matte, held))
            self.note("rendition_request", "done")
        except LeaseLostError:
            self.note("rendition_request", "taken away")
        finally:
            lines.RENDITIONS.top_up(self.user.pk)

    def top_up(self) -> None:
        """Top up the queue as after each completion, and lose a message."""
        lines.PICTURES.top_up(self.user.pk)
        Picture.objects.filter(user=self.user, state="running").update(
            lease_until=timezone.now() - timedelta(seconds=1)
        ) if random.random() < 0.05 else None

    def tick(self) -> None:
        """Run a round of the scheduler."""
        Command().tick(sweep=random.random() < 0.3)

    def note(self, what: str, came: object) -> None:
        """Count a result."""
        self.answers[f"{what}: {came}"] += 1

    def _count(self) -> int:
        return int(Job.objects.filter(user=self.user).count())

    @staticmethod
    def _some(rows: Any) -> Any:
        return rows.order_by("?").first()


def conclude(claim: Claim) -> None:
    """Finish a picture as a worker does, with files of a few bytes."""
    picture = claim.row
    matte = Matte(
        picture=picture,
        revision=1,
        matte_digest=RECIPE.matte_digest,
        key=storage.matte_key(picture.pk, 1),
        size=11,
        width=3,
        height=2,
        confidence=0.75,
    )
    info = SimpleNamespace(width=3, height=2)
    segmented = SimpleNamespace(picture=SimpleNamespace(info=info), confidence=0.75, warnings=())
    matted = SimpleNamespace(segmented=segmented, digest=uuid4().hex, reused=False)
    rendition = rendition_of(picture.pk, matte)
    processing._conclude(claim, matted, matte, rendition, "", None)  # type: ignore[arg-type]  # what it reads of it


def rendition_of(picture: UUID, matte: Matte, rendition_request: RenditionRequest | None = None) -> Rendition:
    """Returns a rendition as a worker is about to write it."""
    recipe = Recipe.parse(rendition_request.recipe) if rendition_request else RECIPE
    named = {"id": rendition_request.pk} if rendition_request else {}
    return Rendition(
        **named,
        picture_id=picture,
        matte=matte,
        recipe=recipe.as_dict(),
        recipe_digest=recipe.digest,
        key=storage.rendition_key(picture, matte.revision, recipe.digest, "png"),
        preview_key="",
        media_type="image/png",
        extension="png",
        size=7,
        width=3,
        height=2,
    )
