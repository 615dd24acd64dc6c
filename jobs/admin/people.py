"""The page of an account in the admin, with its data: export and erasure."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from accounts.admin import UserAdmin
from accounts.models import Erasure, User
from accounts.services import erasures
from common.admin import Kept
from common.errors import SiteError
from jobs.services import erasure, exports

EXPORT, GRACE, AT_ONCE, KEEP = "export", "grace", "at_once", "keep"
DONE: Final = {
    EXPORT: "The export is being made. The person gets a mail when it can be downloaded.",
    GRACE: "The account is closed, and will be erased after the grace time. The person gets a mail.",
    AT_ONCE: "The account is closed and is being erased. The person gets a receipt by mail.",
    KEEP: "The account is kept and open again. The person gets a mail.",
}


class DataForm(forms.Form):
    """What to do with an account's data, and why."""

    act = forms.ChoiceField(
        label="What to do",
        choices=[
            (EXPORT, "Make an export for the person"),
            (GRACE, "Erase the account after the grace time"),
            (AT_ONCE, "Erase the account at once"),
            (KEEP, "Keep an account that waits for its erasure"),
        ],
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = forms.CharField(
        label="Reason (for the audit log; shown to the person)",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )
    typed = forms.CharField(
        label="To erase: the account's e-mail address", required=False, widget=UnfoldAdminTextInputWidget
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self._user = user

    def clean(self) -> dict[str, Any]:
        """An erasure needs the address, so that nobody erases the wrong account."""
        values: dict[str, Any] = super().clean() or {}
        typed = str(values.get("typed", "")).strip().lower()
        if values.get("act") in {GRACE, AT_ONCE} and typed != self._user.email.lower():
            self.add_error("typed", "Type the e-mail address of the account that you want to erase.")
        return values


class PeopleAdmin(UserAdmin):
    """Accounts, with a page for export and erasure."""

    actions_detail: ClassVar = ["data"]

    def has_erase_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """Exports and erasures need the permission to delete accounts."""
        return bool(request.user.has_perm("accounts.delete_user"))

    @action(description="Export or erase…", url_path="data", permissions=["erase"])  # type: ignore[untyped-decorator]  # unfold ships no types
    def data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks what to do and why, and does it. Needs the permission to delete accounts."""
        user = User.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        if user is None:
            raise Http404("No such account.")
        if user.is_superuser and not request.user.is_superuser:
            raise PermissionDenied
        form = DataForm(user, request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                _act(user, form.cleaned_data["act"], form.cleaned_data["reason"])
            except SiteError as error:
                self.message_user(request, error.sentence, messages.ERROR)
            else:
                self.message_user(request, DONE[form.cleaned_data["act"]], messages.SUCCESS)
            return redirect(reverse("admin:accounts_user_change", args=[user.pk]))
        context = {**self.admin_site.each_context(request), "form": form, "account": user}
        context |= {"title": "Export or erase", "opts": self.opts, "waiting": erasures.pending(user)}
        return TemplateResponse(request, "admin/jobs/person_data.html", context)


def _act(user: User, act: str, reason: str) -> None:
    if act == EXPORT:
        exports.request(user, by_staff=True, reason=reason)
    elif act == KEEP:
        waiting = erasures.pending(user)
        if waiting is None:
            raise SiteError("no_erasure", "This account does not wait for its erasure.")
        erasures.cancel(waiting, by_staff=True, reason=reason)
    else:
        erasure.request(user, at_once=act == AT_ONCE, by_staff=True, reason=reason)


class ErasureAdmin(Kept):
    """Erasures that wait or run, and the receipts of those that are done."""

    list_display = (
        "account",
        "state",
        "by_staff",
        "requested_at",
        "due_at",
        "done_at",
        "jobs",
        "pictures",
        "bytes",
    )
    list_filter = ("state", "by_staff", "requested_at")
    search_fields = ("=account",)
    exclude = ("lease_token", "lease_until", "sent_at")


admin.site.unregister(User)
admin.site.register(User, PeopleAdmin)
admin.site.register(Erasure, ErasureAdmin)
