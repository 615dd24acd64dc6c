"""What staff may do with jobs besides looking and deleting: stop them, try again, run again."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.models import AuditAction
from accounts.services import audit
from common.errors import SiteError
from jobs.forms import RecipeForm, read_recipe
from jobs.models import Job
from jobs.services import removal, retry, submit
from segmentation.errors import RecipeError
from segmentation.recipe import Recipe

JOBS_AT_ONCE = 100
_WIDGETS: Final = {"choice": UnfoldAdminSelectWidget, "text": UnfoldAdminTextInputWidget}


class JobActions(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Actions on chosen jobs, for staff who may change jobs; what they cost is charged to the owners."""

    actions: ClassVar = ["cancel_chosen", "retry_chosen", "again_chosen"]

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Rows are not edited by hand; whoever might, may do these."""
        return bool(request.user.has_perm("jobs.change_job"))

    @admin.action(description="Cancel what is not done", permissions=["manage"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Stop the chosen jobs."""
        self._each(request, queryset, removal.cancel, AuditAction.CANCELLED, "Cancelled: {} pictures.")

    @admin.action(description="Try failed pictures again", permissions=["manage"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue what failed and may succeed."""
        self._each(request, queryset, retry.retry_failed, AuditAction.RETRIED, "Tried again: {} pictures.")

    @admin.action(description="Run again with other options…", permissions=["manage"])
    def again_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Ask what to change in the jobs' recipes, then run each job's pictures again for its owner."""
        form = RecipeForm(request.POST if "again" in request.POST else None, widgets=_WIDGETS)
        if not form.is_valid():
            context = {**self.admin_site.each_context(request), "form": form, "jobs": queryset}
            context |= {"title": "Run again with other options", "opts": self.model._meta}
            return TemplateResponse(request, "admin/jobs/again.html", context)

        def again(job: Job) -> int:
            submit.again(job, read_recipe(form.cleaned_data, Recipe.stored(job.recipe)))
            return 1

        self._each(request, queryset, again, AuditAction.RUN_AGAIN, "Running again: {} jobs.")
        return None

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Job], act: Any, action: AuditAction, done: str
    ) -> None:
        """Act on every chosen job by itself, so that one that refuses holds up no other."""
        chosen = list(queryset.select_related("user")[: JOBS_AT_ONCE + 1])
        if len(chosen) > JOBS_AT_ONCE:
            self.message_user(request, f"Choose at most {JOBS_AT_ONCE} jobs at once.", messages.ERROR)
            return
        count = 0
        for job in chosen:
            try:
                count += act(job)
            except (SiteError, RecipeError) as error:
                self.message_user(request, f"{job.title}: {error.sentence}", messages.ERROR)
            else:
                self.log_change(request, job, done.format(count))
                audit.record_alone(action, subject=job.user, on=job)
        self.message_user(request, done.format(count), messages.SUCCESS)
