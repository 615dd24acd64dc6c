"""/favicon.ico, which browsers request where no page names an icon: for pictures, downloads, JSON."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


@require_safe
@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Redirects to the site's mark under its hashed name."""
    return HttpResponseRedirect(static("img/mark.svg"))
