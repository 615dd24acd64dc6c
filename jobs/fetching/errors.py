"""Why an address that a user gave was not spoken to, or not to the end."""

from __future__ import annotations

from jobs.errors import JobsError


class FetchRefusedError(JobsError):
    """Codes: invalid_url, forbidden_address, too_many_bytes, download_failed, timeout."""

    status = 422


def invalid(why: str) -> FetchRefusedError:
    """An address that is none, or of a form that nobody needs."""
    return FetchRefusedError("invalid_url", f"This address cannot be used: {why}.")


def forbidden() -> FetchRefusedError:
    """An address in a network that is not the internet. Which one is not told."""
    return FetchRefusedError(
        "forbidden_address", "This address leads into a private or reserved network, and is not spoken to."
    )


def failed(why: str) -> FetchRefusedError:
    """The other side did not do its part."""
    return FetchRefusedError("download_failed", f"The address did not give what was asked of it: {why}.")


def too_late(seconds: float) -> FetchRefusedError:
    """The other side did its part too slowly."""
    return FetchRefusedError("timeout", f"The address took longer than {seconds:g} seconds to answer.")


def too_large(max_bytes: int) -> FetchRefusedError:
    """More bytes than are taken."""
    return FetchRefusedError(
        "too_many_bytes", f"What lies at the address is larger than {max_bytes / 2**20:.4g} MB."
    )
