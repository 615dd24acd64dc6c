"""The gate of shares: which visitor may see what under a link. Nobody signs in here.

Unknown, revoked, expired and hidden links, and pictures that a link does not show, get the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from jobs.errors import TooManyError
from jobs.models import Picture, Share
from jobs.selectors import shares as selectors

UNLOCK_COOKIE: Final = "share"
UNLOCK_SECONDS: Final = 12 * 3_600
_SALT: Final = "jobs.share_gate"
ROBOTS: Final = "noindex, nofollow, noarchive, noimageindex"

# For pages with a form. Browsers send `Origin: null` from a page with no-referrer, and the CSRF check refuses
# that. Both policies keep the link from other sites.
FORM_REFERRER: Final = "same-origin"

P = ParamSpec("P")
ShareView = Callable[Concatenate[HttpRequest, Share, P], HttpResponseBase]


def shared(*, locked: bool = False) -> Callable[[ShareView[P]], Callable[..., HttpResponseBase]]:
    """Decorates a view of a share's link: gives it the live share instead of the token.

    locked: the view also serves visitors who have not entered the password yet.
    """

    def decorate(view: ShareView[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, token: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                share = selectors.live(token)
                if not (locked or is_unlocked(request, share)):
                    raise Http404("This share is locked.")
                response = view(request, share, *args, **kwargs)
            except (Share.DoesNotExist, Picture.DoesNotExist, Http404):
                response = render(request, "shares/gone.html", status=404)
            except TooManyError as error:
                response = _refuse(request, error)
            response.headers.setdefault("Referrer-Policy", "no-referrer")
            response.headers["X-Robots-Tag"] = ROBOTS
            return response

        return guarded

    return decorate


def address_of(share: Share) -> str:
    """Returns the path of a share's gallery; "" where its token can no longer be shown."""
    token = share.token
    return reverse("jobs:shared", args=[token]) if token else ""


def is_unlocked(request: HttpRequest, share: Share) -> bool:
    """Whether a share has no password, or this browser has entered it."""
    if not share.password:
        return True
    try:
        opened = request.get_signed_cookie(UNLOCK_COOKIE, salt=_SALT, max_age=UNLOCK_SECONDS)
    except (KeyError, signing.BadSignature):
        return False
    return opened == share.pk.hex


def unlock(response: HttpResponse, share: Share, path: str) -> None:
    """Remembers in a signed cookie that this browser entered the password. path: the gallery's."""
    response.set_signed_cookie(
        UNLOCK_COOKIE,
        share.pk.hex,
        salt=_SALT,
        max_age=UNLOCK_SECONDS,
        path=path,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _refuse(request: HttpRequest, error: TooManyError) -> HttpResponse:
    response = render(request, "429.html", {"sentence": error.sentence}, status=429)
    response.headers["Retry-After"] = "300"
    return response
