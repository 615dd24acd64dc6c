"""Token scopes in REST framework: a view names the scope that it requires."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, Scope

READING = {"GET", "HEAD", "OPTIONS"}


class HasScope(BasePermission):
    """Checks the view's `required_scope`: one scope, or one for each method. Denies access where it is
    missing.

    A signed-in person may do everything with their own data.
    """

    code = "scope_missing"
    message = "This token may not do that."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request's token has the scope."""
        if not request.user or not request.user.is_authenticated:
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        scope = scope_for(view, request.method or "GET")
        if scope is None or not request.auth.allows(scope):
            self.message = f"This token may not do that: it lacks the scope {scope}."
            return False
        return True


def scope_for(view: Any, method: str) -> str | None:
    """Returns the scope that a view requires for a method; None where it names none.

    HEAD and OPTIONS require the same as GET.
    """
    asked: str | dict[str, str] | None = getattr(view, "required_scope", None)
    if isinstance(asked, dict):
        asked = asked.get("GET" if method in READING else method)
    return asked if asked in Scope.values else None
