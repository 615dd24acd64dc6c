"""The owner's side of shares: create one, see them all with their counts, end them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.current_user import user_of
from jobs.errors import ShareRefusedError
from jobs.models import Job, Share
from jobs.selectors import shares as selectors
from jobs.services import shares
from jobs.views.access import job_or_404
from jobs.views.share_forms import ShareForm
from jobs.views.share_gate import address_of

THUMBNAILS = 12


@login_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A form for a new share of a job, or of the pictures that `picture` names; a POST creates it."""
    job = job_or_404(request, job_id)
    chosen = _chosen(request)
    form = ShareForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            share = shares.create(user_of(request), job, chosen or None, **form.cleaned_data)
        except ShareRefusedError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The link is ready. Copy it and send it to whom you like."))
            return redirect(f"{reverse('jobs:shares')}#share-{share.pk}")
    return _form_page(request, job, form, chosen)


@login_required
@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """All shares, newest first, with their links and counts."""
    rows = selectors.shares_of(user_of(request))
    try:
        older = UUID(request.GET.get("older", ""))
        rows = rows.filter(pk__lt=older)
    except ValueError:
        older = None
    found = list(rows[: selectors.SHARES_PER_PAGE + 1])
    page = found[: selectors.SHARES_PER_PAGE]
    context = {
        "shares": [(share, _link(request, share)) for share in page],
        "any_live": any(share.state == "live" for share in page),
        "older": page[-1].pk if len(found) > len(page) else "",
        "first_page": older is None,
    }
    return render(request, "shares/listing.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, share_id: UUID) -> HttpResponse:
    """Ends one share."""
    try:
        share = selectors.share_of(user_of(request), share_id)
    except Share.DoesNotExist as error:
        raise Http404("No such share.") from error
    shares.revoke(share)
    messages.success(request, _("The link no longer works."))
    return redirect("jobs:shares")


@login_required
@require_POST
def revoke_all(request: HttpRequest) -> HttpResponse:
    """Ends all shares."""
    count = shares.revoke_all(user_of(request))
    ended = ngettext("%(count)d link no longer works.", "%(count)d links no longer work.", count)
    messages.success(request, ended % {"count": count})
    return redirect("jobs:shares")


def _chosen(request: HttpRequest) -> list[UUID]:
    given = request.POST if request.method == "POST" else request.GET
    try:
        return [UUID(text) for text in given.getlist("picture")]
    except ValueError as error:
        raise Http404("No such picture.") from error


def _form_page(request: HttpRequest, job: Job, form: ShareForm, chosen: list[UUID]) -> HttpResponse:
    if len(chosen) > shares.MOST_SELECTED:
        raise Http404("Too many pictures.")
    pictures = selectors.shareable(job, chosen) if chosen else []
    if request.method != "POST" and len(pictures) != len(set(chosen)):
        # Without this, the form would offer fewer pictures than were chosen, or the whole job.
        messages.error(request, _("One of these pictures has no result, or was deleted. Choose again."))
        return redirect("jobs:job", job.pk)
    context = {
        "job": job,
        "form": form,
        "pictures": pictures,
        "shown": pictures[:THUMBNAILS],
        "has_name": bool(user_of(request).name),
    }
    return render(request, "shares/new.html", context, status=400 if form.errors else 200)


def _link(request: HttpRequest, share: Share) -> str:
    path = address_of(share) if share.state == "live" else ""
    return request.build_absolute_uri(path) if path else ""
