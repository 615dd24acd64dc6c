"""The page of a person: what moderators need to know before they decide."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.current_user import user_of
from accounts.models import AuditAction, User
from accounts.services import audit
from common.admin import Kept
from common.errors import SiteError
from jobs.moderation import selectors
from jobs.moderation.services import assigning


class PersonPages(Kept):
    """Adds the pages of persons to the admin of cases."""

    def person_urls(self) -> list[URLPattern]:
        """The page, and opening a case about the account."""
        view = self.admin_site.admin_view
        return [
            path("people/<int:user_id>/", view(self.person_page), name="jobs_case_person"),
            path("people/<int:user_id>/open/", view(self.open_case), name="jobs_case_open"),
        ]

    def person_page(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Jobs, cases, decisions and history of a person. The audit log says who opened it."""
        self._require_view(request)
        try:
            details = selectors.person_details(user_id)
        except User.DoesNotExist as error:
            raise Http404("No such person.") from error
        if request.method == "GET":
            audit.record_alone(AuditAction.OPENED, subject=details.person, on=details.person)
        context = {
            **self.admin_site.each_context(request),
            "title": details.person.email,
            "opts": self.model._meta,
            "media": self.media,
            "details": details,
            "person": details.person,
        }
        return TemplateResponse(request, "admin/moderation/person.html", context)

    def open_case(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Opens a case about the account."""
        self._require_view(request)
        person = User.objects.filter(pk=user_id).first()
        if person is None:
            raise Http404("No such person.")
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            case = assigning.open_account_case(person, user_of(request))
        except SiteError as error:
            messages.error(request, error.sentence)
            return redirect("admin:jobs_case_person", person.pk)
        messages.success(request, _("This case is yours now."))
        return redirect("admin:jobs_case_change", case.pk)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
