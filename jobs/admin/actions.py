"""Admin actions on jobs: cancel, retry, run again."""

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
    """Actions on selected jobs, for staff who may change jobs. Their cost is charged to the jobs' owners."""

    actions: ClassVar = ["cancel_chosen", "retry_chosen", "again_chosen"]

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """The permission to change jobs allows the actions. Rows themselves are read-only."""
        return bool(request.user.has_perm("jobs.change_job"))

    @admin.action(description="Cancel unfinished pictures", permissions=["manage"])
    def cancel_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancels the selected jobs."""
        self._each(request, queryset, removal.cancel, AuditAction.CANCELLED, "Cancelled: {} pictures.")

    @admin.action(description="Retry failed pictures", permissions=["manage"])
    def retry_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Retries failed pictures whose error is not permanent."""
        self._each(request, queryset, retry.retry_failed, AuditAction.RETRIED, "Retried: {} pictures.")

    @admin.action(description="Run again with other options…", permissions=["manage"])
    def again_chosen(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Asks for changes of the jobs' recipes, then runs each job's pictures again for its owner."""
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
        """Acts on each selected job separately, so that an error in one does not stop the others."""
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
