"""What browsers ask for by themselves where no page tells them of an icon: at a picture, a download, JSON."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe


@require_safe
@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """The site's mark, under the name that it has in this release."""
    return HttpResponseRedirect(static("img/mark.svg"))
