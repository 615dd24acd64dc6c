"""Who you are, and what that allows."""

from accounts.models.plan import Plan
from accounts.models.user import User, UserManager

__all__ = ["Plan", "User", "UserManager"]
