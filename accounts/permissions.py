"""What a token may do: the scope that a view asks for."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, Scope

READING = {"GET", "HEAD", "OPTIONS"}


class HasScope(BasePermission):
    """The view says `required_scope`: one scope, or one for each method. Without a word nothing is allowed.

    A person who is signed in may do everything that is theirs.
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
    """The scope that a view asks for with a method; None where it says nothing about it.

    HEAD and OPTIONS ask for what GET does.
    """
    asked: str | dict[str, str] | None = getattr(view, "required_scope", None)
    if isinstance(asked, dict):
        asked = asked.get("GET" if method in READING else method)
    return asked if asked in Scope.values else None
