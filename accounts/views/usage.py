"""The plan's limits, the usage, and every charge and refund."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import selectors
from accounts.models import User
from accounts.selectors import Meter

ENTRIES = 50
LABELS = {
    "pictures": "Pictures this month",
    "pixels": "Megapixels this month",
    "storage": "Storage",
    "in_flight": "Waiting or running now",
}


@dataclass(frozen=True)
class Row:
    """A meter, formatted. per_mille: how full it is; None without a limit."""

    label: str
    used: str
    limit: str
    left: str
    per_mille: int | None
    nearly: bool
    full: bool


@login_required
@never_cache
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """Show four meters and a page of the ledger, newest first."""
    user = cast(User, request.user)
    meters = selectors.usage_of(user)
    before = request.GET.get("older", "")
    entries = selectors.ledger_of(user, before=int(before) if re.fullmatch("[0-9]{1,18}", before) else None)
    page = list(entries[: ENTRIES + 1])
    context = {
        "rows": [_row(meter) for meter in meters],
        "resets_at": meters[0].resets_at,
        "plan": selectors.plan_of(user.pk),
        "entries": page[:ENTRIES],
        "older": page[ENTRIES - 1].pk if len(page) > ENTRIES else "",
        "first_page": not before,
        # Entries outlive their jobs: link only those that still exist.
        "jobs": set(user.jobs.filter(pk__in=[entry.job for entry in page]).values_list("pk", flat=True)),
    }
    return render(request, "accounts/usage.html", context)


def _row(meter: Meter) -> Row:
    full = meter.left == 0
    share = None if meter.limit is None else min(1.0, meter.used / meter.limit) if meter.limit else 1.0
    return Row(
        label=LABELS[meter.name],
        used=_words(meter.name, meter.used),
        limit="" if meter.limit is None else _words(meter.name, meter.limit),
        left="" if meter.left is None else _words(meter.name, meter.left),
        per_mille=None if share is None else round(1000 * share),
        nearly=share is not None and share >= 0.9 and not full,
        full=full,
    )


def _words(name: str, count: int) -> str:
    if name == "storage":
        return filesizeformat(count)
    if name == "pixels":
        return intcomma(f"{count / 1e6:.1f}".removesuffix(".0"))
    return intcomma(count)
