"""Headers on every response of the site, static files and errors included."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

# What no page of ours uses, so that no script on one can ask for it either.
UNUSED: Final = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "serial",
    "usb",
)
HEADERS: Final = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    # Other sites embed nothing of ours.
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeadersMiddleware(MiddlewareMixin):
    """Sets HEADERS. Outside of all other middleware, so that static files have them, too."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Returns the same response, with the headers that it does not set itself."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
