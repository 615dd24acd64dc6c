"""Template context processor."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from accounts.site import mail_in_log


def site(request: HttpRequest) -> dict[str, object]:
    """Returns the site's name and limits for headers, forms and scripts."""
    return {
        "site_name": settings.SITE_NAME,
        "sign_up_open": settings.SIGN_UP == "open",
        "sign_up_by_invitation": settings.SIGN_UP == "invitation",
        # The provider's name, "" where there is none.
        "single_sign_on_name": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        # Scripts read the CSRF token from the cookie.
        "csrf_cookie_name": settings.CSRF_COOKIE_NAME,
        "max_picture_bytes": settings.MAX_PICTURE_BYTES,
        "max_picture_pixels": settings.MAX_PICTURE_PIXELS,
        "max_job_pictures": settings.MAX_JOB_PICTURES,
        # Pages tell the user to look for the e-mail in the log.
        "mail_in_log": mail_in_log(),
    }
