"""The roles of staff: two groups, whose permissions every `manage.py migrate` gives again.

Moderators decide cases. Administrators may do everything in the administration; only who may become a
superuser stays with superusers (accounts/admin.py). Permissions that staff add to the groups stay.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import Group, Permission

from jobs.models import DecisionAction

MODERATORS: Final = "Moderators"
ADMINISTRATORS: Final = "Administrators"
# Cases, and what they are about. No users' rights, no plans, no settings.
OF_MODERATORS: Final = (
    "view_case",
    "view_flag",
    "view_report",
    "view_decision",
    "view_appeal",
    "assign_case",
    *(f"decide_{action.value}" for action in DecisionAction),
    "undo_decision",
    "answer_appeal",
    "add_refusedpicture",
    "view_refusedpicture",
)


def give_permissions(sender: Any, using: str, **_facts: Any) -> None:
    """Creates the groups where they are missing, and gives them what their role may do. After a migration.

    Django creates the permissions by the same signal, before: this app is the last one.
    """
    if sender.name != "jobs":
        return
    rows = Permission.objects.using(using)
    moderators, _ = Group.objects.using(using).get_or_create(name=MODERATORS)
    moderators.permissions.add(*rows.filter(content_type__app_label="jobs", codename__in=OF_MODERATORS))
    administrators, _ = Group.objects.using(using).get_or_create(name=ADMINISTRATORS)
    administrators.permissions.add(*rows.all())
