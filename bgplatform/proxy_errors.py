"""Error pages for refused forms and hosts; after a wrong proxy set-up they name the origin and the variable
to set.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE
from django.shortcuts import render
from django.template.loader import render_to_string

FORWARDING = ("X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded")
DOCS = "docs/proxy.md"


@dataclass(frozen=True)
class Advice:
    """The refused origin, the origin that the site assumes for itself, and the operator's remedy."""

    origin: str
    ours: str
    variable: str
    sentence: str


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Returns the 403 page for a refused form, with the remedy where the set-up is at fault."""
    advice = _advice(request, reason)
    if advice and not request.accepts("text/html"):
        said = {"code": "origin_refused", "sentence": advice.sentence, "field": None}
        return JsonResponse({**said, "errors": [said]}, status=403)
    return render(request, "403_csrf.html", {"advice": advice}, status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Returns 400; for an unknown host, with the variable that lists the allowed hosts.

    Rendered without the request, because its host is not trusted.
    """
    refused = _host(request) if isinstance(exception, DisallowedHost) else ""
    return HttpResponse(render_to_string("400.html", {"refused_host": refused}), status=400)


def _host(request: HttpRequest) -> str:
    forwarded = request.META.get("HTTP_X_FORWARDED_HOST") if settings.USE_X_FORWARDED_HOST else None
    return str(forwarded or request.META.get("HTTP_HOST", ""))[:255]


def _advice(request: HttpRequest, reason: str) -> Advice | None:
    ours = f"{request.scheme}://{request.get_host()}"
    if reason == REASON_NO_CSRF_COOKIE and settings.HTTPS and not request.is_secure():
        sentence = (
            "With HTTPS=true browsers send cookies over HTTPS only, and this request came over HTTP. "
            "Open the site by https://, or set HTTPS=false."
        )
        return Advice(ours, ours, "HTTPS", sentence)
    if not reason.startswith(("Origin checking failed", "Referer checking failed")):
        return None
    origin = _origin(request)
    if not origin or origin == ours:
        return None
    variable, what = _remedy(request, origin)
    sentence = f"The origin {origin} was refused: the site assumes that its own origin is {ours}. {what}"
    return Advice(origin, ours, variable, sentence)


def _origin(request: HttpRequest) -> str:
    """Returns the origin of the page that sent the form; "" where the browser does not send it."""
    said = request.headers.get("Origin") or request.headers.get("Referer") or ""
    try:
        parts = urlsplit(said)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"[:255] if parts.scheme and parts.netloc else ""


def _remedy(request: HttpRequest, origin: str) -> tuple[str, str]:
    """Returns the variable to set, and a sentence for the operator."""
    if not settings.BEHIND_PROXY and any(name in request.headers for name in FORWARDING):
        return "BEHIND_PROXY", f"A proxy stands in front of it: set BEHIND_PROXY=true (see {DOCS})."
    if settings.BEHIND_PROXY and urlsplit(origin).netloc == request.get_host():
        return (
            "X-Forwarded-Proto",
            f"The proxy must send X-Forwarded-Proto: {urlsplit(origin).scheme} (see {DOCS}).",
        )
    return (
        "CSRF_TRUSTED_ORIGINS",
        f"Pass the browser's Host on (see {DOCS}), or set CSRF_TRUSTED_ORIGINS={origin}.",
    )
