"""Your data: an export of everything that the account has, and the erasure of the account."""

from __future__ import annotations

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import ErasureRefusedError
from accounts.forms import EraseForm
from jobs import clock, storage
from jobs.errors import ExportRefusedError
from jobs.models import DataExport
from jobs.services import erasure, exports
from jobs.serving import ServedFile, serve_file
from jobs.views.access import user_of


@login_required
@never_cache
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The page: make an export, see its progress, download it; erase the account."""
    return _page(request, EraseForm(user_of(request)))


@login_required
@never_cache
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def export(request: HttpRequest) -> HttpResponse:
    """Order an export."""
    user = user_of(request)
    refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="data_export", user=user)
    if refusal is not None:
        return refusal
    try:
        exports.request(user)
    except ExportRefusedError as error:
        messages.error(request, error.sentence)
    return redirect("jobs:data")


@login_required
@require_safe
def export_file(request: HttpRequest, export_id: UUID) -> ServedFile:
    """Download a part of a finished export, until it expires. `part` counts from 1."""
    ready = DataExport.objects.for_user(user_of(request)).filter(state=DataExport.State.READY)
    found = ready.filter(pk=export_id, expires_at__gt=clock.now()).first()
    part = request.GET.get("part", "1")
    number = int(part) if part.isascii() and part.isdecimal() and len(part) < 6 else 0
    if found is None or not 1 <= number <= len(found.parts):
        raise Http404("There is no such file, or its time is over.")
    suffix = f" part {number}" if len(found.parts) > 1 else ""
    return serve_file(
        storage.export_key(found.pk, number),
        media_type="application/zip",
        name=f"bgplatform export {found.created_at:%Y-%m-%d}{suffix}.zip",
        download=True,
        cache=False,
    )


@login_required
@never_cache
@require_POST
def export_delete(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """Delete an export, or stop making it."""
    exports.delete(_export_or_404(request, export_id))
    messages.success(request, _("The export is deleted."))
    return redirect("jobs:data")


@login_required
@never_cache
@require_POST
@reauthentication_required  # type: ignore[untyped-decorator]  # allauth ships no types
def erase(request: HttpRequest) -> HttpResponse:
    """Close the account and have it erased. Signs out."""
    user = user_of(request)
    form = EraseForm(user, request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    try:
        erased = erasure.request(user, at_once=form.cleaned_data["when"] == EraseForm.AT_ONCE)
    except ErasureRefusedError as error:
        messages.error(request, error.sentence)
        return redirect("jobs:data")
    logout(request)
    if form.cleaned_data["when"] == EraseForm.AT_ONCE:
        messages.success(request, _("Your account is closed and is being erased. A receipt comes by mail."))
    else:
        due = date_format(timezone.localtime(erased.due_at), "DATETIME_FORMAT")
        said = _("Your account is closed. It will be erased on %(due)s. To keep it, sign in before then.")
        messages.success(request, said % {"due": due})
    return redirect("account_login")


def _export_or_404(request: HttpRequest, export_id: UUID) -> DataExport:
    found: DataExport | None = DataExport.objects.for_user(user_of(request)).filter(pk=export_id).first()
    if found is None:
        raise Http404("No such export.")
    return found


def _page(request: HttpRequest, form: EraseForm, *, status: int = 200) -> HttpResponse:
    newest = DataExport.objects.for_user(user_of(request)).first()
    context = {"export": newest, "form": form, "grace_days": settings.ERASURE_GRACE_DAYS}
    return render(request, "jobs/data.html", context, status=status)
