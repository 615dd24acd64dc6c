"""Forms and hosts that are refused: after a wrong proxy set-up the page names the origin and the variable."""

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
    """What was refused, what the site takes itself for, and what whoever runs it should set."""

    origin: str
    ours: str
    variable: str
    sentence: str


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a form that was refused: why, and where the set-up is to blame, what to set."""
    advice = _advice(request, reason)
    if advice and not request.accepts("text/html"):
        said = {"code": "origin_refused", "sentence": advice.sentence, "field": None}
        return JsonResponse({**said, "errors": [said]}, status=403)
    return render(request, "403_csrf.html", {"advice": advice}, status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400; where the host's name is not known here, with the variable that lists the names.

    Rendered without the request: its host is what cannot be trusted.
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
    sentence = f"The origin {origin} was refused: the site takes itself for {ours}. {what}"
    return Advice(origin, ours, variable, sentence)


def _origin(request: HttpRequest) -> str:
    """The origin of the page that sent the form, "" where the browser does not say it."""
    said = request.headers.get("Origin") or request.headers.get("Referer") or ""
    try:
        parts = urlsplit(said)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"[:255] if parts.scheme and parts.netloc else ""


def _remedy(request: HttpRequest, origin: str) -> tuple[str, str]:
    """The variable, and a sentence for whoever runs the site."""
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
