"""The history page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from jobs import selectors
from jobs.selectors.search import HistoryForm
from jobs.selectors.sorting import BadCursorError
from jobs.views.access import user_of


def history(request: HttpRequest) -> HttpResponse:
    """A page of jobs, filtered and sorted by the query string. The cursors keep the filters."""
    user = user_of(request)
    form = HistoryForm(request.GET, user=user)
    try:
        page = selectors.history(
            user,
            older=request.GET.get("older", ""),
            newer=request.GET.get("newer", ""),
            wanted=form.cleaned_data if form.is_valid() else {},
        )
    except BadCursorError:
        return redirect("jobs:jobs")
    kept = request.GET.copy()
    for cursor in ("older", "newer"):
        kept.pop(cursor, None)
    context = {
        "form": form,
        "query": kept.urlencode(),
        "here": request.GET.urlencode(),
        "jobs": page.items,
        "older": page.older,
        "newer": page.newer,
    }
    return render(request, "jobs/history.html", context)
