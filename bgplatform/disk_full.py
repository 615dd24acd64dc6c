"""Handles a full disk for temporary files: the body cannot be received, and that is a server error."""

from __future__ import annotations

import logging
from typing import Final

from bgplatform.body_limit import (
    Application,
    ErrorFormat,
    Receive,
    Scope,
    Send,
    default_error_format,
    refusal,
    refuse,
)
from jobs.storage import StoreFullError, StoreUnavailableError

logger = logging.getLogger(__name__)

REFUSAL: Final = refusal(StoreFullError.code, StoreFullError.sentence)


class DiskFullResponse:
    """ASGI middleware that answers 503, built by `error_format`, where a body cannot be written to disk."""

    def __init__(self, application: Application, error_format: ErrorFormat = default_error_format) -> None:
        self.application = application
        self.error_format = error_format

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        try:
            await self.application(scope, receive, send)
        except StoreUnavailableError as error:
            # Views handle their own; this one was raised before a view had a request.
            logger.error("a body was not received: %s", error)
            await refuse(send, receive, self.error_format, scope, 503, REFUSAL)
