"""Jobs: list them, or create one from uploads or files."""

from __future__ import annotations

import re
from typing import Any, cast
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ErrorDetail, ValidationError

from jobs import names, selectors
from jobs.api.base import ApiView
from jobs.api.errors import RefusedError
from jobs.api.examples import JOB_OF_FILES, NEW_JOB
from jobs.api.idempotent import once, replay, was_replayed
from jobs.api.long_polling import Pending, mark_pending, wait_seconds
from jobs.api.pagination import PARAMETERS, bad_cursor, limit_of, page_response
from jobs.api.parsers import FormParser, StrictJSONParser
from jobs.api.schema import IDEMPOTENCY_KEY, WAIT
from jobs.api.serializers.common import page_schema
from jobs.api.serializers.jobs import JobDetail, JobSerializer, NewJob, NewJobOfFiles
from jobs.api.throttling import month_of_pictures
from jobs.long_polling import wait_ended
from jobs.models import Job
from jobs.selectors.search import ORIGINS, STATES, HistoryForm
from jobs.selectors.sorting import SORTS, BadCursorError
from jobs.services import presets, submit, upload_resume, uploads
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
FILTERS = [
    OpenApiParameter(
        "q", {"type": "string", "maxLength": 100}, description="Text in a job's or a picture's name."
    ),
    OpenApiParameter("state", str, enum=[name for name, _ in STATES if name]),
    OpenApiParameter("model", str, description="A model's name."),
    OpenApiParameter("origin", str, enum=[name for name, _ in ORIGINS if name]),
    OpenApiParameter("tag", str, description="One of your tags."),
    OpenApiParameter("since", {"type": "string", "format": "date"}, description="The first day."),
    OpenApiParameter("until", {"type": "string", "format": "date"}, description="The last day."),
    OpenApiParameter(
        "sort", str, enum=[name for name in SORTS if name], description="Default: newest first."
    ),
]


class JobsView(ApiView):
    """Jobs."""

    tag = "jobs"
    parser_classes = (StrictJSONParser, FormParser)

    @extend_schema(
        operation_id="jobs",
        summary="Your jobs",
        parameters=[*FILTERS, *PARAMETERS],
        responses=page_schema(JobSerializer),
    )
    def get(self, request: Request) -> Response:
        """Your jobs, with the filters and sort orders of the history page."""
        _check_query(request)
        form = HistoryForm(request.query_params, user=self.user)
        if not form.is_valid():
            raise ValidationError(_error_details(form))
        query = request.query_params
        try:
            page = selectors.history(
                self.user,
                older=query.get("after", ""),
                newer="" if query.get("after") else query.get("before", ""),
                wanted=form.cleaned_data,
                most=limit_of(request),
            )
        except BadCursorError as error:
            raise bad_cursor("after" if query.get("after") else "before") from error
        return Response(page_response(request, page, self.serialize(JobSerializer, page.items, many=True)))

    @extend_schema(
        operation_id="job_create",
        summary="Submit pictures",
        parameters=[IDEMPOTENCY_KEY, WAIT],
        request={"application/json": NewJob, "multipart/form-data": NewJobOfFiles},
        responses={201: JobDetail},
        examples=[NEW_JOB, JOB_OF_FILES],
    )
    def post(self, request: Request) -> Response:
        """Submit finished uploads as JSON, or small batches of files directly as a multipart form. With
        `wait`, the response comes when the job has ended.
        """
        wait_seconds(request._request)
        response = (
            self._submit_form(request)
            if isinstance(request.data, QueryDict)
            else once(self, self._submit_uploads)
        )
        self.budgets = [*self.budgets, *month_of_pictures(self.user)]
        return with_pending(self, response, UUID(str(response.data["id"])))

    def _submit_uploads(self) -> Response:
        given = self.read(NewJob)
        recipe = presets.recipe_of(self.user, given.get("preset", ""), given.get("recipe", {}))
        return self._submit(list(dict.fromkeys(given["uploads"])), recipe, given.get("title", ""))

    def _submit_form(self, request: Request) -> Response:
        try:
            return self._submit_files(request)
        except RecipeError as error:
            # In a form the recipe's fields are top-level fields.
            raise RefusedError(error.code, error.sentence, error.field) from error

    def _submit_files(self, request: Request) -> Response:
        form = cast(QueryDict, request.data)
        given = self.read(NewJobOfFiles, {**form.dict(), "pictures": form.getlist("pictures")})
        title, preset = given.pop("title", ""), given.pop("preset", "")
        files = given.pop("pictures")
        recipe = presets.recipe_of(self.user, preset, {k: v for k, v in given.items() if v.strip()})
        if (known := replay(self)) is not None:
            return known
        submit.check(recipe)
        ids: list[UUID] = []
        by_program = self.token is not None
        try:
            for file in files:
                taken = uploads.take_in(self.user, str(file.name), file, file.size, by_program=by_program)
                ids.append(taken.pk)
            response = once(self, lambda: self._submit(ids, recipe, title))
        except Exception:
            upload_resume.discard(self.user, ids)
            raise
        if was_replayed(response):
            upload_resume.discard(self.user, ids)
        return response

    def _submit(self, ids: list[UUID], recipe: Recipe, title: str) -> Response:
        job = submit.submit(
            self.user, ids, recipe, origin=Job.Origin.API, title=names.one_line(title), token=self.token
        )
        return Response(detail(self, job.pk), status=201, headers={"Location": self.url("job", job.pk)})


def _check_query(request: Request) -> None:
    """Refuses what the page's form accepts but the schema does not: other date formats, empty choices."""
    for name, value in request.query_params.items():
        if name in {"since", "until"} and not _DAY.fullmatch(str(value)):
            raise RefusedError("invalid", "Write dates as 2026-01-31.", name)
        if name in {"state", "origin", "sort"} and not value:
            raise RefusedError("invalid_choice", "Leave the parameter out to get all.", name)


def _error_details(form: HistoryForm) -> dict[str, list[ErrorDetail]]:
    """A form's errors as DRF error details."""
    return {
        field: [ErrorDetail(str(error.messages[0]), error.code or "invalid") for error in errors.as_data()]
        for field, errors in form.errors.items()
    }


def detail(view: ApiView, job: UUID) -> dict[str, Any]:
    """The user's job with its first pictures, in its current state."""
    found = selectors.job_of(view.user, job)
    pictures = selectors.pictures_of(found).items
    return cast(
        dict[str, Any], JobDetail(found, context={"request": view.request, "pictures": pictures}).data
    )


def with_pending(view: ApiView, response: Response, job: UUID) -> Response:
    """The response, with what long polling needs to wait for the end of the job."""
    return mark_pending(
        response, Pending(lambda seconds: wait_ended(job, seconds), lambda: detail(view, job))
    )
