"""Server-sent events of a job: hints, after which the page fetches the changed cards."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from time import monotonic
from typing import cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from accounts.models import User
from accounts.services import sessions
from jobs import events
from jobs.errors import TooManyError
from jobs.models import Job

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10
# How often a stream checks by itself whether its session still exists.
SESSION_SECONDS = 5.0


@login_required
@require_safe
async def job_events(request: HttpRequest, job_id: UUID) -> StreamingHttpResponse | JsonResponse:
    """A stream that ends with the job or with the session. Comments keep idle connections open through
    proxies.
    """
    user = cast(User, await request.auser())
    if not await Job.objects.for_user(user).filter(pk=job_id).aexists():
        raise Http404("No such job.")
    if await _too_many(user.pk):
        sentence = (
            "Too many of your pages receive live updates. This one refreshes every few seconds instead."
        )
        refusal = TooManyError("too_many_streams", sentence)
        return JsonResponse(
            refusal.as_dict(), status=refusal.status, headers={"Retry-After": str(RETRY_SECONDS)}
        )
    session = request.session.session_key or ""
    response = StreamingHttpResponse(_stream(job_id, user.pk, session), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _event(kind: str, facts: dict[str, str]) -> str:
    return f"event: {kind}\ndata: {json.dumps(facts)}\n\n"


async def _too_many(user: int) -> bool:
    """Whether the user has reached the limit of open streams. Streams opened at the same moment may exceed
    it.
    """
    try:
        return await events.streams_of(user) >= settings.MAX_EVENT_STREAMS
    except RedisError:
        return False  # the stream then ends by itself


async def _stream(job: UUID, user: int, session: str) -> AsyncIterator[str]:
    """The hints of a job, while the session exists."""
    yield "retry: 2000\n\n"
    seen_alive = 0.0
    try:
        async with aclosing(events.listen(job, user=user)) as hints:
            async for hint in hints:
                ended = hint is not None and hint["kind"] == events.SESSION
                if hint is None or ended or monotonic() - seen_alive > SESSION_SECONDS:
                    if not await sync_to_async(sessions.is_alive)(session, user):
                        return
                    seen_alive = monotonic()
                if ended:
                    continue
                if hint is None:
                    # Check the database at the start and after each silence, because a hint may be lost.
                    state = await sync_to_async(_state)(job)
                    yield ": keep-alive\n\n"
                    if state is None or state != Job.State.ACTIVE:
                        yield _event("job", {"state": state or "gone"})
                        return
                    continue
                kind = hint.pop("kind")
                yield _event(kind, hint)
                if kind == "job":
                    return
    except RedisError as error:
        # The stream ends, and the page polls instead.
        logger.warning("No events for job %s: %s", job, error)


def _state(job: UUID) -> str | None:
    return Job.objects.filter(pk=job).values_list("state", flat=True).first()
