"""The part of the audit log that concerns a person's own account."""

from __future__ import annotations

import re
from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.audit_selectors import entries_of
from accounts.models import User

ENTRIES = 50


@login_required
@never_cache
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """A page of security events and of what staff did with the account, the newest first."""
    older = request.GET.get("older", "")
    before = int(older) if re.fullmatch("[0-9]{1,18}", older) else None
    page = list(entries_of(cast(User, request.user), before=before)[: ENTRIES + 1])
    context = {
        "entries": page[:ENTRIES],
        "older": page[ENTRIES - 1].pk if len(page) > ENTRIES else "",
        "first_page": before is None,
    }
    return render(request, "accounts/activity.html", context)
