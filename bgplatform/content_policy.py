"""The Content Security Policy of each page. The admin allows what its library needs on top.

That library (django-unfold) has its behaviour in attributes that Alpine.js evaluates, so the admin allows
`'unsafe-eval'`. It also sets style attributes from scripts. It needs neither inline scripts nor `<style>`
elements: templates/unfold/layouts/skeleton.html keeps htmx from adding one, and the colours are in
static/css/admin.css instead of in one.
"""

from __future__ import annotations

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse


class ContentPolicyMiddleware(CSPMiddleware):
    """Adds ADMIN_POLICY to the policy below /admin/."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Returns what the header is built from."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and _is_admin(request):
            parts.update = {**(parts.update or {}), **settings.ADMIN_POLICY}
        return parts

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        """Have the admin write no `<style>` with its colours; they are in a stylesheet."""
        if _is_admin(request) and response.context_data is not None:
            response.context_data["colors"] = None
        return response


def _is_admin(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin/")
