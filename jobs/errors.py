"""Errors of the jobs app: a stable code, a sentence for people, and an HTTP status."""

from __future__ import annotations

from common.errors import SiteError


class JobsError(SiteError):
    """Base class: the request cannot be fulfilled."""


class UploadRefusedError(JobsError):
    """A file that is not accepted."""

    status = 422


class SubmitRefusedError(JobsError):
    """A job that cannot be created from the request."""

    status = 422


class TagRefusedError(JobsError):
    """An invalid tag, or more tags than allowed."""

    status = 422


class TooManyError(JobsError):
    """The account exceeds a concurrency or count limit. Retry later or with fewer."""

    status = 429


class WebhookRefusedError(JobsError):
    """An invalid webhook; `field` names the value to change, if there is one."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str | None = None) -> None:
        super().__init__(code, sentence)
        self.field = field


class ExportRefusedError(JobsError):
    """An export of an account that cannot be made now."""

    status = 409


class FeedbackRefusedError(JobsError):
    """Feedback that cannot be saved; `field` names the value to change."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str) -> None:
        super().__init__(code, sentence)
        self.field = field


class WrongStateError(JobsError):
    """The operation is not possible in the object's current state."""

    status = 409


class GoneError(JobsError):
    """The object was deleted by a concurrent request."""

    status = 404

    def __init__(self) -> None:
        super().__init__("not_found", "Not found, or it belongs to another account.")


class KeyReusedError(JobsError):
    """An Idempotency-Key that was used for a different request."""

    status = 422


class PresetRefusedError(JobsError):
    """A preset that cannot be saved."""

    status = 422


class MatteRefusedError(JobsError):
    """A corrected matte that does not fit its picture, or a rendition that needs another one."""

    status = 422


class ModerationError(JobsError):
    """A report, decision or appeal that is not possible."""

    status = 422


class HiddenError(JobsError):
    """A file that a moderator hid. Its owner sees why on the page of decisions."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "hidden", "A moderator hid this. See “Decisions” in your account for why, and to answer."
        )


class ShareRefusedError(JobsError):
    """A share that cannot be created; `field` names the value to change, if there is one."""

    status = 422

    def __init__(self, code: str, sentence: str, field: str | None = None) -> None:
        super().__init__(code, sentence)
        self.field = field
