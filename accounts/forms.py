"""The form for a new token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import Scope

LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "no expiry")]


class TokenForm(forms.Form):
    """A new token; the service validates the values."""

    name = forms.CharField(
        max_length=64,
        help_text="The program that uses it, so that you recognise it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=Scope.choices,
        initial=[Scope.READ, Scope.SUBMIT],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the token may do."},
    )
    days = forms.ChoiceField(label="Valid for", choices=LIFETIMES, initial="365", required=False)
    allowed_addresses = forms.CharField(
        label="Only from these addresses",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="One on each line, such as 192.0.2.7 or 2001:db8::/32. Empty: from any address.",
    )
    preview_means_full = forms.BooleanField(
        label="Full size instead of a preview",
        required=False,
        help_text="For programs written for remove.bg that ask for the size “preview”.",
    )
    ephemeral = forms.BooleanField(
        label="Keep nothing",
        required=False,
        help_text="Pictures and results are deleted once the response was sent.",
    )

    def choices(self) -> dict[str, Any]:
        """Returns the arguments of tokens.create, except for the name and the scopes."""
        data = self.cleaned_data
        return {
            "expires_at": self._expires_at(),
            "allowed_addresses": data["allowed_addresses"].split(),
            "preview_means_full": data["preview_means_full"],
            "ephemeral": data["ephemeral"],
        }

    def add_service_error(self, field: str, sentence: str) -> None:
        """Attach a service's error to its form field."""
        self.add_error(field if field in self.fields else None, sentence)

    def _expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
