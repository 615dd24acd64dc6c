"""Second factors, sessions and accounts of an identity provider in the admin. No page shows a secret."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import User
from accounts.services import factors
from common.admin import Kept

PEOPLE_AT_ONCE: Final = 20

for _model in (Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(_model)


@admin.register(Authenticator)
class AuthenticatorAdmin(Kept):
    """Which second factors people have. `data` holds their keys and is not shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(UserSession)
class UserSessionAdmin(Kept):
    """Where people are signed in. The session's key is not shown: it opens the account."""

    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    list_filter = ("created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    fields = ("user", "created_at", "last_seen_at", "ip", "user_agent")


@admin.register(SocialAccount)
class SocialAccountAdmin(Kept):
    """Accounts of an identity provider that sign people in. What the provider tells of them is not shown."""

    list_display = ("user", "provider", "uid", "date_joined", "last_login")
    list_filter = ("provider",)
    list_select_related = ("user",)
    search_fields = ("user__email", "uid")
    fields = ("user", "provider", "uid", "date_joined", "last_login")


class ResetForm(forms.Form):
    """Why somebody's second factors are removed."""

    reason = forms.CharField(
        label="How you made sure that it is this person (for the audit log)",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
    )


class ResetsFactors(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Removes the second factors of people who lost them."""

    actions: ClassVar = ["reset_factors"]

    @admin.action(description="Remove second factors…", permissions=["change"])
    def reset_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Asks for the reason, then removes them. The person gets a mail."""
        people = list(queryset[: PEOPLE_AT_ONCE + 1])
        if refused := self._refusal(request, people):
            self.message_user(request, refused, messages.ERROR)
            return None
        form = ResetForm(request.POST if "sure" in request.POST else None)
        if not form.is_valid():
            context: dict[str, Any] = {**self.admin_site.each_context(request), "form": form, "rows": people}
            context |= {"title": "Remove second factors", "opts": self.model._meta}
            return TemplateResponse(request, "admin/accounts/reset_factors.html", context)
        count = sum(factors.reset(one, reason=form.cleaned_data["reason"]) for one in people)
        self.message_user(request, f"Apps and passkeys removed: {count}.", messages.SUCCESS)
        return None

    def _refusal(self, request: HttpRequest, people: list[User]) -> str:
        if len(people) > PEOPLE_AT_ONCE:
            return f"Choose at most {PEOPLE_AT_ONCE} people at once."
        if any(one.pk == request.user.pk for one in people):
            return "Remove your own second factors on the pages of your account."
        if not all(self.has_change_permission(request, one) for one in people):
            return "Only a superuser removes the second factors of a superuser."
        return ""
