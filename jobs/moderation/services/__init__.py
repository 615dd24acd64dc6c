"""What leads to cases. The other services are modules of this package: import them by name."""

from jobs.moderation.services.flagging import flag, report, review

__all__ = ["flag", "report", "review"]
