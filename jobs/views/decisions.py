"""What moderators decided about a person, and the person's answer."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.current_user import user_of
from jobs.errors import ModerationError, WrongStateError
from jobs.models import Appeal, Decision
from jobs.moderation import links, selectors
from jobs.moderation.services import appeals
from jobs.moderation.services.notices import what_happened

DECISIONS = 100


@login_required
@never_cache
@require_safe
def decisions(request: HttpRequest) -> HttpResponse:
    """The decisions about the signed-in person, the newest first."""
    rows = list(selectors.decisions_of(user_of(request))[:DECISIONS])
    context = {"decisions": [_shown(row) for row in rows]}
    return render(request, "jobs/decisions.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: HttpRequest, key: str) -> HttpResponse:
    """One decision by its signed link, without a sign-in: read it, and answer once."""
    try:
        found = links.read_key(key)
    except Decision.DoesNotExist as error:
        raise Http404("No such decision.") from error
    refusal, words = "", request.POST.get("words", "")
    if request.method == "POST":
        try:
            appeals.appeal(found, words)
        except (ModerationError, WrongStateError) as error:
            refusal = error.sentence
        else:
            messages.success(request, _("Your answer was sent. A moderator will read it and write to you."))
            return redirect(request.path)
    context = {**_shown(found), "refusal": refusal, "words": words, "most": Appeal.MAX_WORDS}
    return render(request, "jobs/decision.html", context, status=422 if refusal else 200)


def _shown(row: Decision) -> dict[str, object]:
    appeal = getattr(row, "appeal", None)
    return {
        "decision": row,
        "what": what_happened(row),
        "appeal": appeal,
        "may_appeal": appeal is None and row.undone_at is None,
        "path": links.path_of(row.pk),
    }
