"""Account pages: signing out, tokens, usage."""

from accounts.views.signing import SignOutView

__all__ = ["SignOutView"]
