"""The thumbs on a picture's card."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_POST

from jobs.errors import FeedbackRefusedError, WrongStateError
from jobs.models import Picture
from jobs.selectors import PICTURES_PER_PAGE
from jobs.services import feedback
from jobs.views.access import picture_or_404

# The verdict that the pressed thumb sends: it takes the feedback back.
NONE = "none"


@login_required
@require_POST
def give(request: HttpRequest, picture_id: UUID) -> HttpResponse:
    """Save a thumb up or down with reasons, or take it back. Scripts get the new form as HTML in JSON."""
    picture = picture_or_404(request, picture_id)
    wants_json = request.accepts("application/json") and not request.accepts("text/html")
    verdict = request.POST.get("verdict", "")
    try:
        if verdict == NONE:
            feedback.take_back(picture)
        else:
            words = request.POST.get("words", "").strip()
            feedback.give(picture, verdict, request.POST.getlist("reasons"), words)
    except (FeedbackRefusedError, WrongStateError) as error:
        if wants_json:
            return JsonResponse({"code": error.code, "sentence": error.sentence}, status=error.status)
        messages.error(request, error.sentence)
        return redirect(_card(picture))
    if wants_json:
        picture = Picture.objects.select_related("feedback").get(pk=picture.pk)
        form = render_to_string("jobs/_thumbs.html", {"picture": picture, "fresh": True}, request)
        return JsonResponse({"html": form, "verdict": verdict})
    return redirect(_card(picture))


def _card(picture: Picture) -> str:
    """The address of a picture's card on its job's page."""
    start = f"?from={picture.position}" if picture.position >= PICTURES_PER_PAGE else ""
    return f"{picture.job.get_absolute_url()}{start}#picture-{picture.pk}"
