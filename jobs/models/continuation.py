"""Continuation: the remaining work of a job whose submit, cancel or delete takes several transactions."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from jobs.models.job import Job


class Continuation(models.Model):
    """The row exists while work remains. The scheduler finishes it if the process dies.

    Only a transaction that has locked the job may write it.
    """

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="continuation")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # The job is being deleted. Its receipt is already written.
    deleting = models.BooleanField(default=False)
    # Pictures that are charged but not written yet: [id, pixels, reserved bytes]. The id is that of the
    # upload, or of a picture of `source_job`. Pixels are null for a refused upload.
    items = models.JSONField(default=list)
    next = models.PositiveIntegerField("index of the next item", default=0)
    # The position of the first item in the job.
    offset = models.PositiveIntegerField(default=0)
    source_job = models.UUIDField(null=True)
    charged_at = models.DateTimeField(null=True)
    # Sums over the items from `next` on. They count towards the limits on pictures in flight and on storage.
    to_run = models.PositiveIntegerField(default=0)
    reserved = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return f"{self.job_id}: {len(self.items) - self.next} pictures to write"
