"""Serializers of shares."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.api.fields import StrictBooleanField, StrictCharField, StrictIntegerField, StrictSerializer
from jobs.api.serializers.common import ResponseSerializer, UrlField
from jobs.models import Share
from jobs.services import shares

STATES = [(state, state) for state in ("live", "expired", "revoked", "hidden")]


class NewShare(StrictSerializer):
    """What to share, and what visitors may do."""

    job = serializers.UUIDField()
    pictures = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=shares.MOST_SELECTED,
        help_text="Pictures of the job that have a result. Default: the whole job, also pictures that finish "
        "later.",
    )
    days = StrictIntegerField(required=False, min_value=1, help_text="How long the link works.")
    title = StrictCharField(
        required=False, allow_blank=True, max_length=Share.MAX_TITLE, help_text="Shown to visitors."
    )
    password = StrictCharField(required=False, trim_whitespace=False, max_length=shares.PASSWORD_LENGTHS[1])
    may_download = StrictBooleanField(
        required=False, help_text="Default: visitors see previews only, and cannot fetch the full files."
    )
    show_names = StrictBooleanField(required=False, help_text="Show visitors the names of your files.")
    show_owner = StrictBooleanField(required=False, help_text="Show visitors the name in your account.")


class ShareSerializer(ResponseSerializer):
    """A share."""

    id = serializers.UUIDField()
    job = serializers.UUIDField(source="job_id")
    kind = serializers.ChoiceField(choices=Share.Kind.choices)
    pictures = serializers.IntegerField(
        source="selected", help_text="How many pictures were chosen; 0 for a whole job."
    )
    state = serializers.ChoiceField(choices=STATES)
    link = serializers.SerializerMethodField()
    title = serializers.CharField()
    has_password = serializers.SerializerMethodField()
    may_download = serializers.BooleanField()
    show_names = serializers.BooleanField()
    show_owner = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    views = serializers.IntegerField()
    downloads = serializers.IntegerField()
    last_viewed_at = serializers.DateTimeField(allow_null=True)
    url = UrlField("share")
    job_url = UrlField("job", source="job_id")

    @extend_schema_field(OpenApiTypes.URI)
    def get_link(self, share: Share) -> str | None:
        """The page for visitors; null once the share has ended."""
        token = share.token if share.state == "live" else ""
        if not token:
            return None
        return str(self.context["request"].build_absolute_uri(reverse("jobs:shared", args=[token])))

    def get_has_password(self, share: Share) -> bool:
        """Whether visitors need a password."""
        return bool(share.password)


class RevokedSerializer(ResponseSerializer):
    """How many shares were ended."""

    revoked = serializers.IntegerField()
