"""Flags bursts: many sign-ups from one network, many pictures of a new account. Nothing is blocked.

The scheduler looks about once a minute, at what the audit log and the ledger hold of the last hour. So
requests count nothing, and a restart of Redis loses no count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from django.conf import settings
from django.db.models import Sum

from accounts.models import AuditAction, AuditEntry, Entry, User
from jobs import clock
from jobs.models import Flag, FlagKind
from jobs.moderation.services.flagging import ACCOUNT_FLAGGED_AGAIN, flag

WINDOW: Final = timedelta(hours=1)
# Bits of the network that a provider gives to one customer or one site.
PREFIX: Final = {4: 24, 6: 64}
# Sign-ups that one look reads, the newest first, and accounts that one look flags.
MOST_READ: Final = 10_000
MOST_FLAGGED: Final = 200


def look() -> int:
    """Flags the accounts of bursts of the last hour. Returns how many flags are new. Safe to run twice."""
    return flag_sign_ups() + flag_new_accounts()


def flag_sign_ups() -> int:
    """Flags the accounts that signed up from a network with more than FLAG_SIGN_UPS_AN_HOUR sign-ups.

    A network is a /24 of IPv4 or a /64 of IPv6. Returns how many flags are new.
    """
    most = settings.FLAG_SIGN_UPS_AN_HOUR
    if not most:
        return 0
    lately = AuditEntry.objects.filter(
        action=AuditAction.SIGNED_UP,
        at__gt=clock.now() - WINDOW,
        origin__isnull=False,
    )
    accounts: defaultdict[str, set[int]] = defaultdict(set)
    for user, address in lately.order_by("-at").values_list("subject", "origin__address")[:MOST_READ]:
        if user is not None:
            accounts[_network(address)].add(user)
    bursts = [users for users in accounts.values() if len(users) > most]
    return _flag(
        FlagKind.BURST_OF_SIGN_UPS,
        {user: {"sign_ups": len(users)} for users in bursts for user in users},
    )


def flag_new_accounts() -> int:
    """Flags accounts of at most NEW_ACCOUNT_DAYS that were charged for more than FLAG_NEW_PICTURES_AN_HOUR
    pictures. Returns how many flags are new.
    """
    most = settings.FLAG_NEW_PICTURES_AN_HOUR
    if not most:
        return 0
    now = clock.now()
    charged = Entry.objects.filter(
        kind=Entry.Kind.CHARGE,
        at__gt=now - WINDOW,
        user__date_joined__gt=now - timedelta(days=settings.NEW_ACCOUNT_DAYS),
    )
    busy = charged.order_by().values("user").annotate(total=Sum("pictures")).filter(total__gt=most)
    found = dict(busy.order_by("-total").values_list("user", "total")[:MOST_FLAGGED])
    return _flag(FlagKind.BURST_OF_UPLOADS, {user: {"pictures": total} for user, total in found.items()})


def _flag(kind: FlagKind, accounts: Mapping[int, Mapping[str, int]]) -> int:
    """Flags accounts that still exist and were not flagged for this lately."""
    since = clock.now() - ACCOUNT_FLAGGED_AGAIN
    known = _flagged(kind, accounts, since) if accounts else set()
    rest = [user for user in accounts if user not in known]
    there = User.objects.filter(pk__in=rest, is_staff=False).order_by("-pk")[:MOST_FLAGGED]
    return sum(flag(kind, user=user, facts=accounts[user.pk]) is not None for user in there)


def _flagged(kind: FlagKind, accounts: Iterable[int], since: datetime) -> set[int]:
    flags = Flag.objects.filter(kind=kind, created_at__gt=since, case__user__in=list(accounts))
    return set(flags.values_list("case__user", flat=True))


def _network(address: str) -> str:
    known = ip_address(address)
    return str(ip_network(f"{known}/{PREFIX[known.version]}", strict=False))
