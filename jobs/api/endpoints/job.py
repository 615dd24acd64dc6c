"""One job: its state and the actions on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import selectors
from jobs.api import preconditions
from jobs.api.base import ApiView
from jobs.api.endpoints.jobs import detail, with_pending
from jobs.api.idempotent import once
from jobs.api.long_polling import wait_seconds
from jobs.api.schema import IDEMPOTENCY_KEY, WAIT
from jobs.api.serializers.jobs import Again, JobChange, JobDetail
from jobs.archive import archive_name, results_archive
from jobs.models import Job
from jobs.selectors.hidden import refuse_hidden_job
from jobs.services import downloads, presets, removal, retention, retry, submit, tags
from jobs.serving import serve_zip


class JobView(ApiView):
    """One job."""

    tag = "jobs"

    @extend_schema(operation_id="job", summary="A job", parameters=[WAIT], responses=JobDetail)
    def get(self, request: Request, job_id: UUID) -> Response:
        """The job's state, its first pictures and its place in the queue. With `wait`, the response comes
        when the job has ended.
        """
        wait_seconds(request._request)
        self.job(job_id)
        return with_pending(self, Response(detail(self, job_id)), job_id)

    @extend_schema(
        operation_id="job_change", summary="Pin or tag a job", request=JobChange, responses=JobDetail
    )
    def patch(self, request: Request, job_id: UUID) -> Response:
        """Pin the job, which keeps it beyond the plan's retention, or replace its tags."""
        job = self.job(job_id)
        given = self.read(JobChange)
        if "tags" in given:
            tags.replace(job, given["tags"])
        if "pinned" in given:
            retention.set_pinned(job, given["pinned"])
        return Response(detail(self, job_id))

    @extend_schema(
        operation_id="job_delete",
        summary="Delete a job now",
        responses={204: OpenApiResponse(description="Deleted with all its files.")},
    )
    def delete(self, request: Request, job_id: UUID) -> Response:
        """Delete the job now, with its pictures and all their files. The site keeps a receipt."""
        removal.delete_jobs([self.job(job_id).pk])
        return Response(status=204)


class JobAction(ApiView):
    """Base class for actions on a job."""

    tag = "jobs"

    def tags(self, request: Request, *args: Any, **kwargs: Any) -> list[str | None]:
        """The ETag of the job itself."""
        job = kwargs["job_id"]
        self.job(job)
        return [preconditions.etag_of(lambda: Response(detail(self, job)))]


class CancelView(JobAction):
    """Cancel a job."""

    @extend_schema(
        operation_id="job_cancel", summary="Cancel a job", request=None, responses={200: JobDetail}
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Cancel the queued and running pictures. Finished ones stay."""
        removal.cancel(self.job(job_id))
        return Response(detail(self, job_id))


class RetryView(JobAction):
    """Retry a job."""

    @extend_schema(
        operation_id="job_retry",
        summary="Try failed pictures again",
        request=None,
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={200: JobDetail},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Queue the failed and cancelled pictures again. A picture whose upload was refused stays failed."""
        wait_seconds(request._request)
        job = self.job(job_id)

        def again() -> Response:
            retry.retry_failed(job, token=self.token)
            return Response(detail(self, job_id))

        return with_pending(self, once(self, again), job_id)


class AgainView(JobAction):
    """Run a job's pictures with another recipe."""

    @extend_schema(
        operation_id="job_again",
        summary="Run again with another recipe",
        request=Again,
        parameters=[IDEMPOTENCY_KEY, WAIT],
        responses={201: JobDetail},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """A new job of the same pictures. `preset` and `recipe` change the job's own recipe; all other fields
        stay. If only the rendering differs, no model runs."""
        wait_seconds(request._request)
        job = self.job(job_id)
        response = once(self, lambda: self._again(job))
        return with_pending(self, response, UUID(str(response.data["id"])))

    def _again(self, job: Job) -> Response:
        given = self.read(Again)
        recipe = presets.recipe_again(job, given.get("preset", ""), given.get("recipe", {}))
        new = submit.again(job, recipe, token=self.token)
        return Response(detail(self, new.pk), status=201, headers={"Location": self.url("job", new.pk)})


class ResultsView(ApiView):
    """All results of a job."""

    tag = "jobs"

    @extend_schema(
        operation_id="job_results",
        summary="All results as a ZIP",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, job_id: UUID) -> HttpResponseBase:
        """All finished results, named after the originals; 404 if there are none yet."""
        job = refuse_hidden_job(self.job(job_id))
        pictures: Any = selectors.every_picture_of(job)
        if not any(picture.rendition for picture in pictures):
            raise Http404
        response = serve_zip(results_archive(pictures), archive_name(job))
        if request.method == "GET":
            downloads.note(pictures)
        return response
