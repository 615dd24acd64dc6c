"""The forms of shares: a new one, its password, a report."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from jobs.errors import ShareRefusedError
from jobs.models import Report, ReportReason, Share
from jobs.services import shares

DAYS = (1, 7, 30, 90, 365)


def lifetimes() -> list[tuple[str, str]]:
    """Returns the offered lifetimes of a link, up to the site's limit."""
    offered = sorted({*(days for days in DAYS if days < settings.SHARE_MAX_DAYS), settings.SHARE_MAX_DAYS})
    offered = [days for days in offered if days <= max(DAYS)] or [settings.SHARE_MAX_DAYS]
    return [(str(days), ngettext("%(days)d day", "%(days)d days", days) % {"days": days}) for days in offered]


class ShareForm(forms.Form):
    """A new share. The service validates the values."""

    title = forms.CharField(
        label=_("Title"),
        required=False,
        max_length=Share.MAX_TITLE,
        help_text=_("Visitors see it above the pictures. Without one they read “Shared pictures”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(label=_("The link works for"), coerce=int, choices=lifetimes)
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=shares.PASSWORD_LENGTHS[1],
        strip=False,
        help_text=_("Optional. Send it another way than the link: we cannot show it again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    may_download = forms.BooleanField(
        label=_("Visitors may download the results"),
        required=False,
        help_text=_("Otherwise they only see previews of at most 640 pixels a side."),
    )
    show_names = forms.BooleanField(label=_("Show the names of my files"), required=False)
    show_owner = forms.BooleanField(
        label=_("Show my name"),
        required=False,
        help_text=_("The name in your account, if it has one. Visitors never see your e-mail address."),
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.initial["days"] = str(shares.default_days())

    def refuse(self, error: ShareRefusedError) -> None:
        """Shows a service error next to the field that caused it."""
        self.add_error(error.field if error.field in self.fields else None, error.sentence)


class UnlockForm(forms.Form):
    """The password of a share."""

    password = forms.CharField(
        label=_("Password"),
        max_length=shares.PASSWORD_LENGTHS[1],
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class ReportForm(forms.Form):
    """Why somebody reports a share."""

    reason = forms.ChoiceField(
        label=_("What is wrong?"),
        choices=ReportReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason.")},
    )
    words = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=Report.MAX_WORDS,
        help_text=_("Optional. Say which picture you mean. The person who shared it does not see this."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
