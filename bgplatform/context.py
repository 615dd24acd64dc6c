"""What every template may know of the site."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from accounts.site import mail_in_log


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name and limits, for headers, forms and scripts."""
    return {
        "site_name": settings.SITE_NAME,
        "sign_up_open": settings.SIGN_UP == "open",
        # Scripts read the token from the cookie.
        "csrf_cookie_name": settings.CSRF_COOKIE_NAME,
        "max_picture_bytes": settings.MAX_PICTURE_BYTES,
        "max_picture_pixels": settings.MAX_PICTURE_PIXELS,
        "max_job_pictures": settings.MAX_JOB_PICTURES,
        # Who waits for a message has to know where it is.
        "mail_in_log": mail_in_log(),
    }
