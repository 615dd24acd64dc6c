"""A fault of ours: a page for people, and for programs the shape that they know from every refusal."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

FAULT = {
    "code": "internal_error",
    "sentence": "Something went wrong on our side. Try it again.",
    "field": None,
}


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to whoever asked for what broke; Django has logged why."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({**FAULT, "errors": [FAULT]}, status=500)
    return defaults.server_error(request)
