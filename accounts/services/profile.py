"""What a person says about themselves: the name shown, the language, the time zone."""

from __future__ import annotations

from accounts.models import User
from common.text import one_line


def change(user: User, *, name: str, language: str, time_zone: str) -> None:
    """Store the three. language and time_zone: "" means as the browser asks, and the site's.

    The form has validated them. Also sets them on `user`.
    """
    user.name, user.language, user.time_zone = one_line(name), language, time_zone
    User.objects.filter(pk=user.pk).update(name=user.name, language=language, time_zone=time_zone)
