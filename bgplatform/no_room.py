"""The disk of the temporary files is full: a body cannot be received, and its sender is not to blame."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bgplatform.body_limit import Application, Receive, Scope, Send, Words, our_words, refusal, refuse
from jobs.storage import StoreFullError, StoreUnavailableError

logger = logging.getLogger(__name__)

REFUSAL: Final = refusal(StoreFullError.code, StoreFullError.sentence)


@contextmanager
def temporary_files() -> Iterator[None]:
    """A block whose OSErrors are those of temporary files. Raises StoreFullError instead."""
    try:
        yield
    except ConnectionError:
        raise
    except OSError as error:
        raise StoreFullError(f"the temporary folder takes no files: {error}") from error


class DiskFullResponse:
    """An ASGI application that answers 503, by `words`, where a body could not be written down."""

    def __init__(self, application: Application, words: Words = our_words) -> None:
        self.application = application
        self.words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        try:
            await self.application(scope, receive, send)
        except StoreUnavailableError as error:
            # Views answer theirs: this one came before there was a request for a view.
            logger.error("a body was not received: %s", error)
            await refuse(send, receive, self.words, scope, 503, REFUSAL)
