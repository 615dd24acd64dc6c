"""Users, tokens and usage in the admin. No page shows a secret: only digests are stored."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.audit_admin import AuditEntryAdmin
from accounts.factor_admin import ResetsFactors
from accounts.invitation_admin import InvitationAdmin
from accounts.models import ApiToken, AuditAction, AuditEntry, Entry, Invitation, Plan, Storage, Usage, User
from accounts.opening import RecordsOpening
from accounts.services import audit, emails, erasures, sessions, tokens
from accounts.services.notices import notify_of_staff
from common.admin import Kept
from common.paging import BoundedPaginator

ROLES = ("is_staff", "groups", "user_permissions")
LIMITS = ("pictures_month", "megapixels_month", "storage_bytes", "result_megapixels", "in_flight")


# Fields whose new value goes into the audit log: switches and limits, nothing that names a person.
_SHOWN_IN_AUDIT = frozenset(
    {"is_active", "is_staff", "is_superuser", "is_default", "keep_days", "weight", *LIMITS}
)


def _changes(obj: Any, fields: list[str]) -> dict[str, Any]:
    """The names of changed fields, with their new values where these name nobody."""
    return {"changed": sorted(fields)} | {
        name: getattr(obj, name) for name in sorted(fields) if name in _SHOWN_IN_AUDIT
    }


@admin.register(User)
class UserAdmin(RecordsOpening, ResetsFactors, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold ships no types
    """Find users, close accounts, assign roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    ordering = ("-date_joined",)
    show_full_result_count = False
    paginator = BoundedPaginator
    list_per_page = 25
    list_display = ("email", "name", "plan", "is_active", "is_staff", "date_joined", "last_login")
    list_select_related = ("plan",)
    list_filter = ("plan", "is_active", "is_staff", "date_joined")
    search_fields = ("email", "name")
    readonly_fields = ("date_joined", "last_login", "suspended_at", "suspended_until")
    fieldsets = (
        (None, {"fields": ("email", "name", "plan", "password")}),
        ("Language and time", {"fields": ("language", "time_zone")}),
        ("Limits of their own: empty is as the plan says", {"fields": LIMITS}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login", "suspended_at", "suspended_until")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Close the account instead: deleting its rows would leave orphaned files behind."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only superusers make superusers. Who may not change groups gives nobody a role."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return fields
        roles = () if request.user.has_perm("auth.change_group") else ROLES
        return (*fields, "is_superuser", *roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A superuser's account is changed by superusers only: its password would be a way to all rights."""
        allowed = bool(super().has_change_permission(request, obj))
        return allowed and (obj is None or not obj.is_superuser or bool(request.user.is_superuser))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save. An address set by staff counts as confirmed, and the old one gets a mail; closing an account
        ends its event streams.
        """
        with transaction.atomic():
            if change and obj.is_active and erasures.is_open(obj):
                # A form that was opened before would open the account again, and it would still be erased.
                obj.is_active = False
                self.message_user(
                    request,
                    "This account waits for its erasure and stays closed. “Export or erase…” can keep it.",
                    messages.WARNING,
                )
            super().save_model(request, obj, form, change)
            if "email" in form.changed_data:
                emails.set_by_staff(obj, before=form.initial.get("email", ""))
            action = AuditAction.ACCOUNT_CHANGED if change else AuditAction.ACCOUNT_CREATED
            audit.record(action, subject=obj, on=obj, facts=_changes(obj, form.changed_data))
            if {"is_active", "password"} & set(form.changed_data):
                sessions.notify_session_end(obj.pk)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """A password set by staff ends the user's sessions and event streams. The user gets a mail."""
        before = (
            User.objects.filter(pk=id).values_list("password", flat=True).first() if id.isdecimal() else None
        )
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
            after = User.objects.filter(pk=id).values_list("password", flat=True).first() if before else None
            if after != before:
                audit.record(AuditAction.PASSWORD_SET, subject=int(id))
                notify_of_staff(User.objects.get(pk=id), "account/email/password_set_by_staff")
                sessions.notify_session_end(int(id))
        return response


admin.site.unregister(EmailAddress)


@admin.register(EmailAddress)
class EmailAddressAdmin(Kept):
    """Shows which addresses are confirmed. They are changed on the user's page."""

    list_display = ("email", "user", "verified", "primary")
    list_filter = ("verified",)
    list_select_related = ("user",)
    search_fields = ("email", "user__email")


@admin.register(Plan)
class PlanAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """The limits of plans."""

    list_display = ("name", "is_default", *LIMITS, "keep_days", "weight")

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Save it, and note which fields changed."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            audit.record(
                AuditAction.PLAN_CHANGED, subject=None, on=obj, facts=_changes(obj, form.changed_data)
            )


@admin.register(ApiToken)
class ApiTokenAdmin(Kept):
    """Tokens with their owner and last use; staff may revoke them."""

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
        """Revoking requires the permission to change tokens."""
        return request.user.has_perm("accounts.change_apitoken")

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Revoke the selected tokens."""
        revoked = sum(tokens.revoke(token) for token in queryset)
        self.message_user(request, f"Revoked: {revoked}.", messages.SUCCESS)


@admin.register(Entry)
class EntryAdmin(Kept):
    """The ledger of charges and refunds, with reasons."""

    list_display = ("at", "user", "kind", "pictures", "megapixels", "reason", "token", "job", "month")
    list_filter = ("kind", "month", "at")
    list_select_related = ("user", "token")
    search_fields = ("user__email", "reason", "job")


@admin.register(Usage)
class UsageAdmin(Kept):
    """Monthly usage totals."""

    list_display = ("month", "user", "pictures", "pixels")
    list_filter = ("month",)
    list_select_related = ("user",)
    search_fields = ("user__email",)


@admin.register(Storage)
class StorageAdmin(Kept):
    """Storage usage by user."""

    list_display = ("user", "bytes")
    list_select_related = ("user",)
    search_fields = ("user__email",)


admin.site.register(AuditEntry, AuditEntryAdmin)
admin.site.register(Invitation, InvitationAdmin)
