"""robots.txt: crawlers stay away from what people share by link."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


@cache_control(public=True, max_age=86_400)
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Returns the rules. Below a path prefix, the host's own robots.txt must name the prefix."""
    return HttpResponse(f"User-agent: *\nDisallow: {settings.PATH_PREFIX}/s/\n", content_type="text/plain")
