"""Forms of the account pages: a new token, the profile, the erasure of the account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import time_zones
from accounts.models import Scope, User

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


class ProfileForm(forms.Form):
    """What a person says about themselves."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("Shown instead of your address. Staff see it, too."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Pages show dates and times in it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = cast(forms.ChoiceField, self.fields["language"])
        known.choices = [("", _("As your browser asks")), *settings.LANGUAGES]
        zones = cast(forms.ChoiceField, self.fields["time_zone"])
        zones.choices = [
            ("", _("The site's: %s") % settings.TIME_ZONE),
            *_zones(self.initial.get("time_zone")),
        ]


def _zones(kept: str | None) -> list[tuple[str, list[tuple[str, str]]]]:
    """The offered zones by region; also the one that the person has, where it is not offered."""
    groups = [(region, [(name, _spoken(name)) for name in names]) for region, names in time_zones.offered()]
    if kept and all(kept not in names for _region, names in time_zones.offered()):
        groups.append((_("Other"), [(kept, kept)]))
    return groups


def _spoken(name: str) -> str:
    return name.partition("/")[2].replace("_", " ") or name


class EraseForm(forms.Form):
    """When to erase the account. The person types the address, so that nothing happens by mistake."""

    GRACE, AT_ONCE = "grace", "at_once"

    when = forms.ChoiceField(choices=[(GRACE, GRACE), (AT_ONCE, AT_ONCE)])
    typed = forms.CharField()

    def __init__(self, user: User, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self._user = user

    def clean_typed(self) -> str:
        """Returns the address, which must be the account's."""
        typed = str(self.cleaned_data["typed"]).strip()
        if typed.lower() != self._user.email.lower():
            raise forms.ValidationError(_("This is not the address of your account. Type it as shown."))
        return typed
