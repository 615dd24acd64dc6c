"""Where a person is signed in, and signing out there."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.current_user import user_of
from accounts.services import sessions as service
from accounts.session_selectors import SHOWN, sessions_of


@login_required
@never_cache
@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """The list."""
    user = user_of(request)
    service.note_use(request, user)
    context = {"sessions": sessions_of(user, current=request.session.session_key or ""), "most": SHOWN}
    return render(request, "usersessions/usersession_list.html", context)


@login_required
@never_cache
@require_POST
def end(request: HttpRequest, number: int) -> HttpResponse:
    """Ends one other session."""
    if not service.end(user_of(request), number, current=request.session.session_key or ""):
        raise Http404("No such session.")
    messages.success(request, _("That session is signed out."))
    return redirect("usersessions_list")


@login_required
@never_cache
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Ends all other sessions."""
    ended = service.end_others(user_of(request), current=request.session.session_key or "")
    said = ngettext("%d other session is signed out.", "%d other sessions are signed out.", ended) % ended
    messages.success(request, said if ended else _("You are signed in only here."))
    return redirect("usersessions_list")
