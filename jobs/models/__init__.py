"""Models: rows, states and database constraints. Services write them, selectors read them."""

from jobs.models.backdrop import Backdrop
from jobs.models.case import Case, CaseKind, Flag, FlagKind, Report, ReportReason, Severity
from jobs.models.continuation import Continuation
from jobs.models.data_export import DataExport
from jobs.models.decision import Appeal, Decision, DecisionAction
from jobs.models.discard import Discard
from jobs.models.feedback import Feedback
from jobs.models.figures import CountedDay, DailyFailures, DailyFigures, DailyTimes, PastPicture
from jobs.models.idempotency import Idempotency
from jobs.models.improvement import Improvement
from jobs.models.job import Job
from jobs.models.last_run import LastRun
from jobs.models.matte import Matte
from jobs.models.picture import Picture
from jobs.models.preset import Preset
from jobs.models.receipt import Receipt
from jobs.models.refused_picture import RefusedPicture
from jobs.models.rendition import Rendition
from jobs.models.rendition_request import RenditionRequest
from jobs.models.search_text import SearchText
from jobs.models.share import Share
from jobs.models.tag import Tag
from jobs.models.thumbnail_request import ThumbnailRequest
from jobs.models.upload import Upload
from jobs.models.webhook import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    WebhookMessage,
    WebhookSecret,
)

__all__ = [
    "Appeal",
    "Backdrop",
    "Case",
    "CaseKind",
    "Continuation",
    "CountedDay",
    "DailyFailures",
    "DailyFigures",
    "DailyTimes",
    "DataExport",
    "Decision",
    "DecisionAction",
    "Discard",
    "Feedback",
    "Flag",
    "FlagKind",
    "Idempotency",
    "Improvement",
    "Job",
    "LastRun",
    "Matte",
    "PastPicture",
    "Picture",
    "Preset",
    "Receipt",
    "RefusedPicture",
    "Rendition",
    "RenditionRequest",
    "Report",
    "ReportReason",
    "SearchText",
    "Severity",
    "Share",
    "Tag",
    "ThumbnailRequest",
    "Upload",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
    "WebhookMessage",
    "WebhookSecret",
]
