"""Invitations in the admin: invite addresses, see what became of them, revoke, send again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import Invitation, User
from accounts.services import invitations
from accounts.services.invitations import Outcome
from common.admin import Kept

AT_ONCE: Final = 50

SENTENCES: Final = {
    Outcome.INVITED: gettext_lazy("Invited: %s."),
    Outcome.HAS_ACCOUNT: gettext_lazy("These have an account. Nothing was sent: %s."),
    Outcome.PENDING: gettext_lazy("These are invited already. Choose “Send again” for a new link: %s."),
    Outcome.ANSWERED: gettext_lazy("These were accepted or revoked. Invite the address again: %s."),
    Outcome.TOO_OFTEN: gettext_lazy("Too many invitations at once. Try again in an hour: %s."),
    Outcome.MAIL_FAILED: gettext_lazy(
        "The mail server did not take these. Choose “Send again” when it works: %s."
    ),
}


class InviteForm(forms.Form):
    """The addresses to invite."""

    addresses = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        max_length=AT_ONCE * 256,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_addresses(self) -> list[str]:
        """Each address once, in lower case. Raises ValidationError for a wrong one, or too many."""
        given = self.cleaned_data["addresses"].replace(",", " ").replace(";", " ").lower().split()
        found = list(dict.fromkeys(given))
        if len(found) > AT_ONCE:
            raise ValidationError(_("Invite at most %d addresses at once.") % AT_ONCE, code="too_many")
        for address in found:
            try:
                validate_email(address)
            except ValidationError as error:
                raise ValidationError(
                    _("“%s” is not an e-mail address.") % address, code="invalid"
                ) from error
            if len(address) > 254:
                raise ValidationError(_("An address has at most 254 letters."), code="max_length")
        return found


class StateFilter(admin.SimpleListFilter):
    """Filters by what became of an invitation."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All states."""
        return [(str(value), str(label)) for value, label in Invitation.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> QuerySet[Invitation]:
        """Invitations in the chosen state."""
        now, unanswered = timezone.now(), Q(accepted_at__isnull=True, revoked_at__isnull=True)
        pending = unanswered & Q(expires_at__gt=now)
        states = {
            Invitation.State.UNSENT: pending & Q(sent_at__isnull=True),
            Invitation.State.SENT: pending & Q(sent_at__isnull=False),
            Invitation.State.ACCEPTED: Q(accepted_at__isnull=False),
            Invitation.State.EXPIRED: unanswered & Q(expires_at__lte=now),
            Invitation.State.REVOKED: Q(revoked_at__isnull=False),
        }
        chosen = states.get(self.value())  # type: ignore[call-overload]  # any text, as a member's value
        return queryset if chosen is None else queryset.filter(chosen)


class InvitationAdmin(Kept):
    """Invitations with their state. The link is never shown: only its digest is stored."""

    list_display = ("email", "state_label", "inviter", "created_at", "sent_at", "expires_at", "accepted_at")
    list_filter = (StateFilter, "created_at")
    search_fields = ("email",)
    exclude = ("digest",)
    actions: ClassVar = ["send_again", "revoke"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        """With the sign-in address of the inviting member of staff, if the account still exists."""
        rows: QuerySet[Invitation] = super().get_queryset(request)
        return rows.annotate(
            inviter_email=Subquery(User.objects.values("email").filter(pk=OuterRef("invited_by")))
        )

    @display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="state",
        label={"sent": "info", "accepted": "success", "expired": "warning", "revoked": "danger"},
    )
    def state_label(self, invitation: Invitation) -> tuple[str, str]:
        """The state, as a coloured label."""
        return invitation.state.value, invitation.state.label

    @admin.display(description="invited by")
    def inviter(self, invitation: Invitation) -> str:
        """Who invited."""
        return getattr(invitation, "inviter_email", None) or "–"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Inviting needs the permission to add invitations."""
        return invitations.are_possible() and request.user.has_perm("accounts.add_invitation")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Revoking needs the permission to change invitations."""
        return request.user.has_perm("accounts.change_invitation")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask for addresses and invite them."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InviteForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            addresses: list[str] = form.cleaned_data["addresses"]
            self._tell(request, ((address, invitations.invite(request, address)) for address in addresses))
            return redirect("admin:accounts_invitation_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Invite people"),
            "opts": self.opts,
            "form": form,
            "days": settings.INVITATION_DAYS,
        }
        # A TemplateResponse: bgplatform/content_policy.py changes the context of one.
        return TemplateResponse(
            request, "admin/accounts/invite.html", context, status=400 if form.errors else 200
        )

    @admin.action(description="Send again, with a new link", permissions=["add"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Send the chosen invitations again, at most AT_ONCE."""
        self._tell(request, ((row.email, invitations.send_again(request, row)) for row in queryset[:AT_ONCE]))

    @admin.action(description="Revoke the chosen invitations", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Revoke those of the chosen ones that can still be accepted."""
        revoked = sum(invitations.revoke(row) for row in queryset)
        self.message_user(request, _("Revoked: %d.") % revoked, messages.SUCCESS)

    def _tell(self, request: HttpRequest, results: Iterable[tuple[str, Outcome]]) -> None:
        """One message for each outcome, with its addresses."""
        grouped: defaultdict[Outcome, list[str]] = defaultdict(list)
        for address, outcome in results:
            grouped[outcome].append(address)
        for outcome, addresses in grouped.items():
            level = messages.SUCCESS if outcome is Outcome.INVITED else messages.WARNING
            self.message_user(request, str(SENTENCES[outcome]) % ", ".join(addresses), level)
