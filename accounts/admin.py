"""People, their tokens and what they used, for staff. Nobody sees a secret: there is none to see."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import ApiToken, Entry, Plan, Storage, Usage, User
from accounts.services import emails, sessions, tokens
from common.paging import BoundedPaginator

LIMITS = ("pictures_month", "megapixels_month", "storage_bytes", "result_megapixels", "in_flight")


class ReadOnly(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """Rows that people and workers write, not staff."""

    show_full_result_count = False
    paginator = BoundedPaginator
    # Ids follow each other in time, and so a page of the newest is read from their index alone.
    ordering: tuple[str, ...] = ("-pk",)
    list_per_page = 25

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from what people do."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """To look at, not to edit."""
        return False


class Kept(ReadOnly):
    """Rows that stay, too."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was counted stays counted."""
        return False


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold ships no types
    """Find a person, close an account, give a role."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-date_joined",)
    list_display = ("email", "name", "plan", "is_active", "is_staff", "date_joined", "last_login")
    list_select_related = ("plan",)
    list_filter = ("plan", "is_active", "is_staff", "date_joined")
    search_fields = ("email", "name")
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "plan", "password")}),
        ("Limits of their own: empty is as the plan says", {"fields": LIMITS}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Close it instead: the rows would go, and their files would stay where nobody knows them."""
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save it. An address that staff give counts as confirmed; a closed account's streams end."""
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            emails.set_by_staff(obj)
        if {"is_active", "password"} & set(form.changed_data):
            sessions.notify_session_end(obj.pk)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Another password by staff ends the person's sessions, and what they hold open."""
        response: HttpResponse = super().user_change_password(request, id, form_url)
        if request.method == "POST" and id.isdecimal():
            sessions.notify_session_end(int(id))
        return response


admin.site.unregister(EmailAddress)


@admin.register(EmailAddress)
class EmailAddressAdmin(Kept):
    """Which addresses are confirmed. They are changed on the page of the person."""

    list_display = ("email", "user", "verified", "primary")
    list_filter = ("verified",)
    list_select_related = ("user",)
    search_fields = ("email", "user__email")


@admin.register(Plan)
class PlanAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What accounts may have."""

    list_display = ("name", "is_default", *LIMITS, "keep_days", "weight")


@admin.register(ApiToken)
class ApiTokenAdmin(Kept):
    """Who has which token, when and from where it was used last; staff may revoke."""

    list_display = (
        "name",
        "user",
        "prefix",
        "scopes",
        "created",
        "expiry",
        "last_used_at",
        "last_used_from",
        "revoked_at",
    )
    list_filter = ("revoked_at", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__email")
    exclude = ("digest",)
    actions: ClassVar = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change tokens may end them, and no more than that."""
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Nothing opens with them from here on."""
        revoked = sum(tokens.revoke(token) for token in queryset)
        self.message_user(request, f"Revoked: {revoked}.", messages.SUCCESS)


@admin.register(Entry)
class EntryAdmin(Kept):
    """The ledger: what was charged and refunded, and why."""

    list_display = ("at", "user", "kind", "pictures", "megapixels", "reason", "token", "job", "month")
    list_filter = ("kind", "month", "at")
    list_select_related = ("user", "token")
    search_fields = ("user__email", "reason", "job")


@admin.register(Usage)
class UsageAdmin(Kept):
    """What each month came to."""

    list_display = ("month", "user", "pictures", "pixels")
    list_filter = ("month",)
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(Storage)
class StorageAdmin(Kept):
    """How much everybody's files take."""

    list_display = ("user", "bytes")
    list_select_related = ("user",)
    search_fields = ("user__email",)
