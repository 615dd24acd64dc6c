"""Keeps the list of a person's sessions: where each was used last, and when."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from accounts.models import User
from accounts.services import sessions

EVERY: Final = timedelta(minutes=5)
REMEMBERED: Final = 10_000

# When this process last wrote down a session, by its key.
_written: OrderedDict[str, float] = OrderedDict()
_lock = Lock()


class LastSeenMiddleware(MiddlewareMixin):
    """Writes down that a session was used, at most once in five minutes and process: a write for each request
    would cost more than the request.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Returns the response unchanged."""
        # Only where the view has asked who it is: other requests need no session.
        user = getattr(request, "_cached_user", None)
        key = request.session.session_key if isinstance(user, User) else None
        if isinstance(user, User) and key and is_due(key):
            sessions.note_use(request, user)
        return response


def is_due(key: str) -> bool:
    """Whether a use of this session is to be written down now; the answer is yes once in five minutes."""
    now = monotonic()
    with _lock:
        before = _written.get(key)
        if before is not None and now - before < EVERY.total_seconds():
            return False
        _written[key] = now
        _written.move_to_end(key)
        if len(_written) > REMEMBERED:
            _written.popitem(last=False)
    return True
