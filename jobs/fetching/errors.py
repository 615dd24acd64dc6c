"""Why a request to a user's URL was refused or failed."""

from __future__ import annotations

from jobs.errors import JobsError


class FetchRefusedError(JobsError):
    """Codes: invalid_url, forbidden_address, too_many_bytes, download_failed, timeout."""

    status = 422


def invalid(why: str) -> FetchRefusedError:
    """An invalid URL, or an unsupported form of one."""
    return FetchRefusedError("invalid_url", f"This address cannot be used: {why}.")


def forbidden() -> FetchRefusedError:
    """A non-public address. The sentence does not reveal which one."""
    return FetchRefusedError(
        "forbidden_address", "This address leads into a private or reserved network. Use a public address."
    )


def failed(why: str) -> FetchRefusedError:
    """The server did not respond as required."""
    return FetchRefusedError(
        "download_failed",
        f"The request to this address failed: {why}. Check the address, or try again later.",
    )


def too_late(seconds: float) -> FetchRefusedError:
    """The server was too slow."""
    return FetchRefusedError(
        "timeout", f"The address took longer than {seconds:g} seconds to answer. Try again later."
    )


def too_large(max_bytes: int) -> FetchRefusedError:
    """The file is larger than allowed."""
    return FetchRefusedError(
        "too_many_bytes",
        f"The file at this address is larger than {max_bytes / 2**20:.4g} MB. Use a smaller file.",
    )
