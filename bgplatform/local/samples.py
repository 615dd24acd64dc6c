"""The sample job: three photos cut out for the first administrator, so that the first page shows a result.

It takes the usual path: upload, submit, dispatch, worker.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from bgplatform.local.console import say
from bgplatform.local.prepare import ADMINISTRATOR
from bgplatform.local.state import ROOT, State

if TYPE_CHECKING:
    from jobs.models import Job

PHOTOS = ROOT / "static" / "samples"
WAIT_SECONDS = 180.0
POLL_SECONDS = 0.3


def submit_samples() -> Job | None:
    """Submit the sample photos for the first administrator; returns None without that account."""
    from django.conf import settings

    from accounts.models import User
    from jobs.models import Job
    from jobs.services.submit import submit
    from jobs.services.uploads import take_in
    from segmentation.recipe import Recipe

    user = User.objects.filter(email=ADMINISTRATOR).first()
    if user is None:
        return None
    uploads = []
    for path in sorted(PHOTOS.iterdir()):
        with path.open("rb") as file:
            uploads.append(take_in(user, path.name, file, path.stat().st_size).pk)
    return submit(
        user, uploads, Recipe(model=settings.MODEL), origin=Job.Origin.SAMPLE, title="Sample photos"
    )


def wait_until_finished(job: Job) -> bool:
    """Wait until the job is no longer active. Returns False after three minutes."""
    from jobs.models import Job

    deadline = time.monotonic() + WAIT_SECONDS
    while job.state == Job.State.ACTIVE and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    return job.state == Job.State.FINISHED


def show_samples(address: str, state: State) -> None:
    """Run the sample job and print its address.

    A file records that this was done, because a person may delete the job.
    """
    import django

    django.setup()
    from jobs.storage import StoreUnavailableError

    try:
        job = submit_samples()
    except StoreUnavailableError as error:
        say(f"The sample photos are tried again at the next start: {error.sentence}")
        return
    state.samples_shown.touch()
    if job is None:
        return
    if wait_until_finished(job):
        say(f"A first job with three sample photos is done: {urljoin(address, job.get_absolute_url())}")
    else:
        say("The sample photos are not done yet; see the worker's messages above.")
