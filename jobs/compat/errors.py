"""Errors in the format of remove.bg: `{"errors": [{"title", "code", "detail"}]}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TITLES: Final[dict[str, str]] = {
    "missing_source": "No image given",
    "multiple_sources": "Multiple image sources given",
    "multiple_bg_sources": "Multiple background sources given",
    "file_too_large": "Image file too large",
    "invalid_file_type": "Invalid file type",
    "invalid_dimensions": "Invalid image dimensions",
    "failed_to_read_image": "Failed to read image",
    "refused_picture": "Image refused",
    "resolution_too_high": "Image resolution too high",
    "invalid_image_url": "Invalid image URL",
    "failed_image_download": "Failed to download image",
    "invalid_bg_image_url": "Invalid background image URL",
    "failed_bg_download": "Failed to download background image",
    "unknown_foreground": "Could not identify foreground in image",
    "roi_exceeds_bounds": "Region of interest exceeds image bounds",
    "roi_region_empty": "Region of interest is empty",
    "invalid_size": "Invalid size parameter",
    "invalid_format": "Invalid format parameter",
    "invalid_channels": "Invalid channels parameter",
    "invalid_roi": "Invalid roi parameter",
    "invalid_crop": "Invalid crop parameter",
    "invalid_crop_margin": "Invalid crop_margin parameter",
    "invalid_scale": "Invalid scale parameter",
    "invalid_position": "Invalid position parameter",
    "invalid_semitransparency": "Invalid semitransparency parameter",
    "invalid_shadow_type": "Invalid shadow_type parameter",
    "invalid_shadow_opacity": "Invalid shadow_opacity parameter",
    "invalid_add_shadow": "Invalid add_shadow parameter",
    "invalid_bg_color": "Invalid bg_color parameter",
    "invalid_body": "Request body could not be read",
    "invalid_headers": "Request headers could not be read",
    "headers_too_large": "Request headers too large",
    "address_too_long": "Request address too long",
    "insufficient_credits": "Insufficient credits",
    "missing_api_key": "Missing API Key",
    "auth_failed": "API Key invalid",
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "rate_limit_exceeded": "Rate limit exceeded",
    "still_working": "Processing takes longer than usual",
    "unavailable": "Service unavailable",
    "internal_error": "Internal error",
}
STATUSES: Final[dict[str, int]] = {
    "insufficient_credits": 402,
    "missing_api_key": 403,
    "auth_failed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "address_too_long": 414,
    "rate_limit_exceeded": 429,
    "headers_too_large": 431,
    "internal_error": 500,
    "still_working": 503,
    "unavailable": 503,
}
# Codes of requests that are refused before a view runs. All other codes are about the headers.
_EARLY_CODES: Final[dict[str, str]] = {
    "too_many_bytes": "file_too_large",
    "headers_too_large": "headers_too_large",
    "address_too_long": "address_too_long",
    "store_full": "unavailable",
}
AGAIN_SECONDS: Final = "5"
# Our codes of picture errors → codes of this API.
_PICTURE_CODES: Final[dict[str, str]] = {
    "unsupported_format": "invalid_file_type",
    "unsupported_variant": "invalid_file_type",
    "too_many_bytes": "file_too_large",
    "too_many_pixels": "resolution_too_high",
    "result_too_large": "resolution_too_high",
    "too_large_side": "invalid_dimensions",
    "too_large_for_format": "invalid_dimensions",
    "empty_file": "failed_to_read_image",
    "broken_picture": "failed_to_read_image",
    "truncated_picture": "failed_to_read_image",
    "too_complex": "failed_to_read_image",
    "out_of_memory": "failed_to_read_image",
    "invalid_model": "invalid_body",
    "missing_background": "failed_bg_download",
    "failed_background": "failed_to_read_image",
    # An ephemeral call has just deleted the background with its job. Sending the request again uploads it
    # again.
    "invalid_background": "unavailable",
}


# Limits on how much of a request an error repeats.
MAX_DETAIL: Final = 400
MAX_QUOTED: Final = 100


def quoted(value: str) -> str:
    """A value, shortened and quoted for an error message."""
    return repr(shorten(value))


def shorten(value: str) -> str:
    """A value, shortened."""
    return value if len(value) <= MAX_QUOTED else value[:MAX_QUOTED] + "…"


class CompatError(Exception):
    """An error: `code` is one of TITLES, `detail` a sentence for people, `headers` go into the response."""

    def __init__(self, code: str, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail[:MAX_DETAIL]
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status: 400 unless STATUSES names another."""
        return STATUSES.get(self.code, 400)

    def as_dict(self) -> dict[str, object]:
        """The JSON body."""
        # remove.bg's documentation has no code for a missing key; clients show the title.
        error = {"title": TITLES[self.code]}
        if self.code != "missing_api_key":
            error["code"] = self.code
        if self.detail:
            error["detail"] = self.detail
        return {"errors": [error]}


def picture_error(code: str, sentence: str) -> CompatError:
    """Translates an error of a picture or recipe into this API's codes."""
    known = _PICTURE_CODES.get(code, code)
    headers = {"Retry-After": AGAIN_SECONDS} if known == "unavailable" else {}
    return CompatError(known if known in TITLES else "internal_error", sentence, headers)


def early_error(code: str, sentence: str) -> CompatError:
    """Translates an error from before the views (bgplatform/body_limit.py, fast_path.py) into this API's
    codes.
    """
    known = _EARLY_CODES.get(code, "invalid_headers")
    return CompatError(known, sentence, {"Retry-After": AGAIN_SECONDS} if known == "unavailable" else {})
