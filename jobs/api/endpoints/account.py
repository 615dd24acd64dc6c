"""The account, and what it has used."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Entry, Scope
from accounts.selectors import plan_of, usage_of
from jobs.api.base import ApiView
from jobs.api.pages import PARAMETERS, keyset, paged, position
from jobs.api.serializers.common import Shape, page_of
from jobs.api.throttling import month_of_pictures


class MeterSerializer(Shape):
    """One thing that is counted."""

    name = serializers.ChoiceField(choices=["pictures", "pixels", "storage", "in_flight"])
    limit = serializers.IntegerField(allow_null=True, help_text="Null is unlimited.")
    used = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField(allow_null=True)


class UsageSerializer(Shape):
    """What is used of what there may be."""

    meters = MeterSerializer(many=True)


class EntrySerializer(Shape):
    """A line of the ledger."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Entry.Kind.choices)
    pictures = serializers.IntegerField()
    pixels = serializers.IntegerField()
    job = serializers.UUIDField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class AccountSerializer(Shape):
    """Who asks, and what they may."""

    email = serializers.EmailField()
    name = serializers.CharField()
    plan = serializers.CharField(allow_null=True)
    keep_days = serializers.IntegerField(allow_null=True, help_text="Jobs are kept so long; null: for ever.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), help_text="Of the token of this request."
    )
    usage = UsageSerializer()


class AccountView(ApiView):
    """The account."""

    tag = "account"

    @extend_schema(operation_id="account", summary="Your account", responses=AccountSerializer)
    def get(self, request: Request) -> Response:
        """Who you are here, your plan, what your token may, and what is left."""
        plan = plan_of(self.user.pk)
        facts: dict[str, Any] = {
            "email": self.user.email,
            "name": self.user.name,
            "plan": plan and plan.name,
            "keep_days": plan and plan.keep_days,
            "scopes": self.token.scopes if self.token else Scope.values,
            "usage": {"meters": usage_of(self.user)},
        }
        return Response(self.shown(AccountSerializer, facts))


class UsageView(ApiView):
    """What is used."""

    tag = "account"

    @extend_schema(operation_id="usage", summary="What you have used", responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Pictures and pixels of this month, stored bytes, pictures on their way."""
        self.budgets = [*self.budgets, *month_of_pictures(self.user)]
        return Response(self.shown(UsageSerializer, {"meters": usage_of(self.user)}))


class LedgerView(ApiView):
    """Charges and refunds."""

    tag = "account"

    @extend_schema(
        operation_id="ledger",
        summary="Charges and refunds",
        parameters=PARAMETERS,
        responses=page_of(EntrySerializer),
    )
    def get(self, request: Request) -> Response:
        """Each charge and each refund, the newest first."""
        page = keyset(Entry.objects.filter(user=self.user), request, read=position)
        return Response(paged(request, page, self.shown(EntrySerializer, page.items, many=True)))
