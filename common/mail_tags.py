"""The template tag of mails; see common/mail.py."""

from __future__ import annotations

from django import template
from django.template.context import Context

register = template.Library()


@register.simple_tag(takes_context=True)
def mail_link(context: Context, address: str, label: str) -> str:
    """Returns the address for the plain text, and has the HTML show it as a button with this label."""
    context["mail_links"][address] = label
    return address
