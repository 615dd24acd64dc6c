"""Refusals of the jobs room: a stable code, a sentence for a person, the status that fits on the wire."""

from __future__ import annotations

from common.errors import SiteError


class JobsError(SiteError):
    """Base: something was asked for that cannot be."""


class UploadRefusedError(JobsError):
    """A file that is not taken."""

    status = 422


class SubmitRefusedError(JobsError):
    """A job that cannot be made of what was given."""

    status = 422


class TagRefusedError(JobsError):
    """A tag that is none, or one too many."""

    status = 422


class TooManyError(JobsError):
    """More at once than one account gets; fewer, or later, is right."""

    status = 429


class WebhookRefusedError(JobsError):
    """A webhook that cannot be so; `field` is the one to blame, where there is one."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str | None = None) -> None:
        super().__init__(code, sentence)
        self.field = field


class WrongStateError(JobsError):
    """Right in another state, not in this one."""

    status = 409


class GoneError(JobsError):
    """It was there a moment ago, and somebody deleted it."""

    status = 404

    def __init__(self) -> None:
        super().__init__("not_found", "Not found, or it belongs to another account.")


class KeyReusedError(JobsError):
    """An Idempotency-Key that another request had."""

    status = 422


class PresetRefusedError(JobsError):
    """A preset that cannot be saved."""

    status = 422


class MatteRefusedError(JobsError):
    """A corrected matte that does not fit its picture, or a rendition that needs another one."""

    status = 422
