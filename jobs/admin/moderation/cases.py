"""The queue, and the page of a case."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Final, TypeAlias
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.current_user import user_of
from accounts.models import AuditAction
from accounts.services import audit
from common.admin import Kept
from common.errors import SiteError
from jobs.admin.moderation.filters import AssignedFilter, FlagFilter, StateFilter
from jobs.admin.moderation.forms import AnswerForm, DecisionForm
from jobs.admin.moderation.people import PersonPages
from jobs.models import Appeal, Case, CaseKind, Decision, DecisionAction, Picture
from jobs.moderation import selectors
from jobs.moderation.services import appeals, assigning, deciding, permission, refused
from jobs.services import thumbnails
from jobs.serving import serve_file

Act: TypeAlias = Callable[["CaseAdmin", HttpRequest, Case], str]

# What suits the kinds of cases.
ON_THINGS = tuple(DecisionAction)
_SUITABLE: Final[dict[str, tuple[DecisionAction, ...]]] = {
    CaseKind.ACCOUNT: (
        DecisionAction.APPROVE,
        DecisionAction.WARN,
        DecisionAction.SUSPEND,
        DecisionAction.BAN,
    ),
    # A share is no file: hiding it ends its link.
    CaseKind.SHARE: tuple(one for one in DecisionAction if one != DecisionAction.DELETE),
}


def _act(act: Act) -> Callable[[CaseAdmin, HttpRequest, UUID], HttpResponse]:
    """A POST on a case. Afterwards its page shows what the service said."""

    @wraps(act)
    def view(self: CaseAdmin, request: HttpRequest, case_id: UUID) -> HttpResponse:
        case = self.case_or_404(request, case_id)
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            messages.success(request, act(self, request, case))
        except SiteError as error:
            messages.error(request, error.sentence)
        return redirect("admin:jobs_case_change", case.pk)

    return view


class CaseAdmin(PersonPages, Kept):
    """The queue of cases: newest first, or worst first by a click on the column."""

    list_display = ("case_name", "severity", "why", "person", "state", "assigned_to", "created_at", "image")
    list_display_links = ("case_name",)
    list_filter = (StateFilter, AssignedFilter, "kind", "severity", FlagFilter)
    list_select_related = ("user", "assigned_to", "picture")
    search_fields = ("=user__email", "=id", "=target")
    search_help_text = gettext_lazy("A person's address, or the id of a case, picture or job.")
    ordering = ("-created_at", "-id")
    actions: ClassVar = ["decide_chosen"]

    class Media:
        """Pictures are loaded only when a moderator asks for them."""

        css: ClassVar = {"all": ["css/moderation.css"]}
        js: ClassVar = ["js/admin/reveal.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """With flags and reports, for the whole page at once."""
        rows: QuerySet[Case] = super().get_queryset(request)
        return rows.prefetch_related("flags", "reports")

    @admin.display(description=gettext_lazy("case"), ordering="created_at")
    def case_name(self, case: Case) -> str:
        """What it is about."""
        return str(case)

    @admin.display(description=gettext_lazy("why"))
    def why(self, case: Case) -> str:
        """The flags, and the number of reports."""
        said = [str(flag) for flag in case.flags.all()]
        if number := len(case.reports.all()):
            said.append(ngettext("%d report", "%d reports", number) % number)
        if case.kind == CaseKind.SHARE and not said:
            said.append(_("not reviewed yet"))
        return ", ".join(said) or "–"

    @admin.display(description=gettext_lazy("person"))
    def person(self, case: Case) -> str:
        """The person concerned, with the link to their page."""
        address = reverse("admin:jobs_case_person", args=[case.user_id])
        return format_html('<a class="moderation-link" href="{}">{}</a>', address, case.user.email)

    @admin.display(description=gettext_lazy("picture"))
    def image(self, case: Case) -> str:
        """A blurred tile. The picture is loaded on a click."""
        if case.kind != CaseKind.PICTURE or case.picture is None:
            return "–"
        address = reverse("admin:jobs_case_image", args=[case.pk, case.picture.pk, "source"])
        return format_html(
            '<a class="reveal" href="{}" data-reveal target="_blank" rel="noreferrer">{}</a>',
            address,
            _("Show"),
        )

    @admin.action(description=gettext_lazy("Decide alike…"))
    def decide_chosen(self, request: HttpRequest, queryset: QuerySet[Case]) -> HttpResponse | None:
        """Asks for one decision, then decides each chosen case by it."""
        cases = list(queryset[: deciding.CASES_AT_ONCE + 1])
        if len(cases) > deciding.CASES_AT_ONCE:
            said = _("Choose at most {most} cases at once.").format(most=deciding.CASES_AT_ONCE)
            self.message_user(request, said, messages.ERROR)
            return None
        moderator = user_of(request)
        sent = request.POST if "decide" in request.POST else None
        if sent is not None:
            _require_known_permission(request)
        form = DecisionForm(moderator, sent, actions=ON_THINGS)
        if form.is_valid():
            action = DecisionAction(form.cleaned_data["choice"])
            try:
                result = deciding.decide_many([case.pk for case in cases], action, moderator, **form.values())
            except SiteError as error:
                form.add_error(None, error.sentence)
            else:
                done = len(result.decided)
                self.message_user(
                    request, ngettext("%d case is decided.", "%d cases are decided.", done) % done
                )
                for sentence in result.refused:
                    self.message_user(request, sentence, messages.WARNING)
                return None
        context = {**self.admin_site.each_context(request), "form": form, "cases": cases}
        context |= {"title": _("Decide alike"), "opts": self.model._meta}
        return TemplateResponse(request, "admin/moderation/decide_many.html", context)

    def get_urls(self) -> list[URLPattern]:
        """Adds the acts on a case, its pictures, and the pages of persons."""
        view = self.admin_site.admin_view
        return [
            path("<uuid:case_id>/take/", view(self.take), name="jobs_case_take"),
            path("<uuid:case_id>/release/", view(self.release), name="jobs_case_release"),
            path("<uuid:case_id>/decide/", view(self.decide), name="jobs_case_decide"),
            path("<uuid:case_id>/undo/", view(self.undo), name="jobs_case_undo"),
            path("<uuid:case_id>/refuse/", view(self.refuse), name="jobs_case_refuse"),
            path("<uuid:case_id>/answer/", view(self.answer), name="jobs_case_answer"),
            path(
                "<uuid:case_id>/pictures/<uuid:picture_id>/<str:which>/",
                view(self.image_view),
                name="jobs_case_image",
            ),
            *self.person_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of a case. The audit log says who opened it."""
        try:
            details = selectors.case_details(UUID(object_id))
        except (ValueError, Case.DoesNotExist):
            unknown: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return unknown
        if not self.has_view_permission(request, details.case):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponse(status=405, headers={"Allow": "GET"})
        audit.record_alone(AuditAction.OPENED, subject=details.case.user, on=details.case)
        return self._page(request, details, self._form(request, details.case))

    def case_or_404(self, request: HttpRequest, case_id: UUID) -> Case:
        """A case, for staff who may view cases."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        case: Case | None = Case.objects.select_related("user").filter(pk=case_id).first()
        if case is None:
            raise Http404("No such case.")
        return case

    @_act
    def take(self, request: HttpRequest, case: Case) -> str:
        """Takes the case."""
        assigning.take(case, user_of(request))
        return _("This case is yours now.")

    @_act
    def release(self, request: HttpRequest, case: Case) -> str:
        """Gives it back."""
        if assigning.release(case, user_of(request)):
            return _("This case is free again.")
        return _("This case was not yours.")

    @_act
    def undo(self, request: HttpRequest, case: Case) -> str:
        """Undoes a decision of the case."""
        deciding.undo(_decision(request, case), user_of(request))
        return _("The decision is undone, and the person was told.")

    def decide(self, request: HttpRequest, case_id: UUID) -> HttpResponse:
        """Decides the case. The page comes again where the form has errors."""
        case = self.case_or_404(request, case_id)
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        _require_known_permission(request)
        form = self._form(request, case, request.POST)
        if form.is_valid():
            action = DecisionAction(form.cleaned_data["choice"])
            further = case.state != Case.State.OPEN
            try:
                deciding.decide(case, action, user_of(request), further=further, **form.values())
            except SiteError as error:
                form.add_error(None, error.sentence)
            else:
                messages.success(request, _("Decided: {action}.").format(action=action.label))
                return redirect("admin:jobs_case_change", case.pk)
        return self._page(request, selectors.case_details(case.pk), form, status=422)

    @_act
    def answer(self, request: HttpRequest, case: Case) -> str:
        """Answers the appeal against a decision of the case."""
        decision = _decision(request, case)
        appeal = (
            Appeal.objects.select_related("decision__case", "decision__user").filter(pk=decision.pk).first()
        )
        if appeal is None:
            raise Http404("No such appeal.")
        form = AnswerForm(request.POST)
        if not form.is_valid():
            return _("Choose whether the person is right, and write an answer.")
        given = form.cleaned_data
        appeals.answer(appeal, user_of(request), upheld=given["upheld"], words=given["answer"])
        return _("The appeal is answered, and the person was told.")

    @_act
    def refuse(self, request: HttpRequest, case: Case) -> str:
        """Puts a picture of the case on the list of refused ones."""
        moderator = user_of(request)
        permission.require(moderator, permission.REFUSE)
        try:
            picture = selectors.picture_of(case, UUID(request.POST.get("picture", "")))
        except (ValueError, Picture.DoesNotExist) as error:
            raise Http404("No such picture.") from error
        refused.refuse(picture, str(case), moderator)
        return _("This file is refused from now on, and pictures like it are flagged.")

    def image_view(
        self, request: HttpRequest, case_id: UUID, picture_id: UUID, which: str
    ) -> HttpResponseBase:
        """A small picture of a case: its source or its result. The audit log says who opened it."""
        case = self.case_or_404(request, case_id)
        try:
            picture = selectors.picture_of(case, picture_id)
        except Picture.DoesNotExist as error:
            raise Http404("No such picture.") from error
        small = {"source": thumbnails.thumb_of, "result": thumbnails.preview_of}.get(which)
        key = small(picture) if small else ""
        if not key:
            raise Http404("There is no small picture.")
        facts = {"case": str(case.pk), "which": which}
        audit.record_alone(AuditAction.OPENED, subject=case.user, on=picture, facts=facts)
        # Not cached: each look is written down.
        return serve_file(key, media_type="image/webp", name="small.webp", download=False, cache=False)

    def _form(self, request: HttpRequest, case: Case, data: Any = None) -> DecisionForm:
        return DecisionForm(user_of(request), data, actions=_SUITABLE.get(case.kind, ON_THINGS))

    def _page(
        self, request: HttpRequest, details: selectors.CaseDetails, form: DecisionForm, status: int = 200
    ) -> HttpResponse:
        case = details.case
        context = {
            **self.admin_site.each_context(request),
            "title": str(case),
            "opts": self.model._meta,
            "media": self.media,
            "details": details,
            "case": case,
            "form": form,
            "answer_form": AnswerForm(),
            "mine": case.assigned_to_id == user_of(request).pk,
            "pending": case.state in assigning.PENDING,
            "undoable": Decision.UNDOABLE,
        }
        return TemplateResponse(request, "admin/moderation/case.html", context, status=status)


def _decision(request: HttpRequest, case: Case) -> Decision:
    try:
        pk = UUID(request.POST.get("decision", ""))
    except ValueError as error:
        raise Http404("No such decision.") from error
    found = Decision.objects.filter(case=case, pk=pk).select_related("case", "user").first()
    if found is None:
        raise Http404("No such decision.")
    return found


def _require_known_permission(request: HttpRequest) -> None:
    """403 for an action without its permission. The form does not offer it, and would call it unknown."""
    choice = request.POST.get("choice", "")
    if choice in DecisionAction.values and not user_of(request).has_perm(f"jobs.decide_{choice}"):
        raise PermissionDenied
