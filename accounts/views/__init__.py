"""Pages of the account: signing out, tokens, usage."""

from accounts.views.signing import SignOutView

__all__ = ["SignOutView"]
