"""Users, plans, tokens and the ledger."""

from accounts.models.audit import AuditAction, AuditEntry, AuditOrigin, AuditRetention
from accounts.models.erasure import Erasure
from accounts.models.invitation import Invitation
from accounts.models.ledger import Entry, Storage, Usage
from accounts.models.limits import Limits
from accounts.models.plan import Plan
from accounts.models.token import ApiToken, Scope
from accounts.models.user import User, UserManager

__all__ = [
    "ApiToken",
    "AuditAction",
    "AuditEntry",
    "AuditOrigin",
    "AuditRetention",
    "Entry",
    "Erasure",
    "Invitation",
    "Limits",
    "Plan",
    "Scope",
    "Storage",
    "Usage",
    "User",
    "UserManager",
]
