"""The form for a webhook endpoint."""

from __future__ import annotations

from django import forms

from jobs.errors import WebhookRefusedError
from jobs.models import WebhookEndpoint, WebhookEvent


class WebhookForm(forms.Form):
    """An endpoint. The service validates the values."""

    url = forms.CharField(
        label="Address",
        max_length=WebhookEndpoint.MAX_URL,
        help_text="The URL that receives the messages, such as https://shop.example.org/hooks/pictures.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}),
    )
    events = forms.MultipleChoiceField(
        label="Events",
        choices=[(event.value, event.label) for event in WebhookEvent if event in WebhookEndpoint.EVENTS],
        initial=list(WebhookEndpoint.EVENTS),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )
    description = forms.CharField(
        required=False,
        max_length=200,
        help_text="Helps you to recognise this webhook.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def refuse(self, error: WebhookRefusedError) -> None:
        """Shows a service error next to the field that caused it."""
        self.add_error(error.field, error.sentence)
