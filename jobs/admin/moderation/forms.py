"""Forms of moderators."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models import User
from jobs.models import Appeal, Decision, DecisionAction
from jobs.moderation.services.deciding import MAX_REASON

DAYS = (1, 3, 7, 30, 90, 365)


class DecisionForm(forms.Form):
    """An action with its reason and the text to the person."""

    # Not "action": Django's lists of rows send that themselves.
    choice = forms.ChoiceField(label=_("Decision"), widget=UnfoldAdminSelectWidget)
    days = forms.TypedChoiceField(
        label=_("Suspend for"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "–"), *((days, ngettext_lazy("%d day", "%d days", days) % days) for days in DAYS)],
        widget=UnfoldAdminSelectWidget,
        help_text=_("Only for a suspension."),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=MAX_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Only the staff reads it."),
    )
    message = forms.CharField(
        label=_("Text to the person"),
        required=False,
        max_length=Decision.MAX_WORDS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("The person reads it in a mail and in the account. An approval needs none."),
    )

    def __init__(self, moderator: User, data: Any = None, *, actions: tuple[DecisionAction, ...]) -> None:
        super().__init__(data)
        allowed = [one for one in actions if moderator.has_perm(f"jobs.decide_{one.value}")]
        choices: Any = [("", _("Choose…")), *((one.value, one.label.capitalize()) for one in allowed)]
        self.fields["choice"].choices = choices  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """The arguments of `deciding.decide` beside the action. Call it on a valid form."""
        days = self.cleaned_data["days"]
        until: datetime | None = timezone.now() + timedelta(days=days) if days else None
        return {
            "reason": self.cleaned_data["reason"],
            "message": self.cleaned_data["message"],
            "until": until,
        }


class AnswerForm(forms.Form):
    """The answer to an appeal."""

    upheld = forms.TypedChoiceField(
        label=_("The person is"),
        coerce=lambda text: text == "yes",
        choices=[("", _("Choose…")), ("yes", _("right: undo it")), ("no", _("wrong: it stands"))],
        widget=UnfoldAdminSelectWidget,
    )
    answer = forms.CharField(
        label=_("Answer to the person"),
        max_length=Appeal.MAX_WORDS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
