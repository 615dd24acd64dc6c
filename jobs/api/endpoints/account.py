"""The account and its usage."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Entry, Scope
from accounts.selectors import plan_of, usage_of
from jobs.api.base import ApiView
from jobs.api.pagination import PARAMETERS, keyset, page_response, position
from jobs.api.serializers.common import ResponseSerializer, page_schema
from jobs.api.throttling import month_of_pictures


class MeterSerializer(ResponseSerializer):
    """One quota."""

    name = serializers.ChoiceField(choices=["pictures", "pixels", "storage", "in_flight"])
    limit = serializers.IntegerField(allow_null=True, help_text="Null: unlimited.")
    used = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    resets_at = serializers.DateTimeField(allow_null=True)


class UsageSerializer(ResponseSerializer):
    """What is used of each quota."""

    meters = MeterSerializer(many=True)


class EntrySerializer(ResponseSerializer):
    """One entry of the ledger."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Entry.Kind.choices)
    pictures = serializers.IntegerField()
    pixels = serializers.IntegerField()
    job = serializers.UUIDField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class AccountSerializer(ResponseSerializer):
    """The account of the caller and its permissions."""

    email = serializers.EmailField()
    name = serializers.CharField()
    language = serializers.CharField(help_text="Such as en-gb; empty: as the browser asks.")
    time_zone = serializers.CharField(help_text="Such as Europe/Berlin; empty: the site's.")
    plan = serializers.CharField(allow_null=True)
    keep_days = serializers.IntegerField(
        allow_null=True, help_text="How many days jobs are kept; null: without a limit."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), help_text="The scopes of this request's token."
    )
    usage = UsageSerializer()


class AccountView(ApiView):
    """The account."""

    tag = "account"

    @extend_schema(operation_id="account", summary="Your account", responses=AccountSerializer)
    def get(self, request: Request) -> Response:
        """Your account, your plan, your token's scopes and your remaining quotas."""
        plan = plan_of(self.user.pk)
        facts: dict[str, Any] = {
            "email": self.user.email,
            "name": self.user.name,
            "language": self.user.language,
            "time_zone": self.user.time_zone,
            "plan": plan and plan.name,
            "keep_days": plan and plan.keep_days,
            "scopes": self.token.scopes if self.token else Scope.values,
            "usage": {"meters": usage_of(self.user)},
        }
        return Response(self.serialize(AccountSerializer, facts))


class UsageView(ApiView):
    """Usage."""

    tag = "account"

    @extend_schema(operation_id="usage", summary="Your usage", responses=UsageSerializer)
    def get(self, request: Request) -> Response:
        """Pictures and pixels of this month, storage in bytes, and pictures in progress."""
        self.budgets = [*self.budgets, *month_of_pictures(self.user)]
        return Response(self.serialize(UsageSerializer, {"meters": usage_of(self.user)}))


class LedgerView(ApiView):
    """Charges and refunds."""

    tag = "account"

    @extend_schema(
        operation_id="ledger",
        summary="Charges and refunds",
        parameters=PARAMETERS,
        responses=page_schema(EntrySerializer),
    )
    def get(self, request: Request) -> Response:
        """All charges and refunds, newest first."""
        page = keyset(Entry.objects.filter(user=self.user), request, read=position)
        return Response(page_response(request, page, self.serialize(EntrySerializer, page.items, many=True)))
