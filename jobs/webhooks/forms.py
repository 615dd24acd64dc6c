"""What a person fills in to be told by a webhook."""

from __future__ import annotations

from django import forms

from jobs.errors import WebhookRefusedError
from jobs.models import WebhookEndpoint, WebhookEvent


class WebhookForm(forms.Form):
    """An endpoint. What none can be is for the service to say."""

    url = forms.CharField(
        label="Address",
        max_length=WebhookEndpoint.MAX_URL,
        help_text="Where your program listens, such as https://shop.example.org/hooks/pictures.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"}),
    )
    events = forms.MultipleChoiceField(
        label="Tell it when",
        choices=[(event.value, event.label) for event in WebhookEvent if event in WebhookEndpoint.EVENTS],
        initial=list(WebhookEndpoint.EVENTS),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one event."},
    )
    description = forms.CharField(
        required=False,
        max_length=200,
        help_text="So that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def refuse(self, error: WebhookRefusedError) -> None:
        """Put a refusal of the service where the person finds it."""
        self.add_error(error.field, error.sentence)
