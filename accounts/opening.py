"""An admin base that writes into the audit log which rows staff opened."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.models import AuditAction, User
from accounts.services import audit


class RecordsOpening:
    """Rows of other people's: the audit log says which member of staff opened which."""

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one row."""
        admin: Any = super()
        response: HttpResponse = admin.change_view(request, object_id, form_url, extra_context)
        row = admin.get_object(request, object_id) if request.method == "GET" else None
        if row is not None and response.status_code == 200:
            owner = row.pk if isinstance(row, User) else getattr(row, "user_id", None)
            audit.record_alone(AuditAction.OPENED, subject=owner, on=row)
        return response
