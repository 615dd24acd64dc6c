"""Feedback on a picture's result."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.fields import StrictCharField, StrictIntegerField, StrictSerializer
from jobs.api.serializers.common import ResponseSerializer
from jobs.models import Feedback
from jobs.services import feedback


class FeedbackBody(StrictSerializer):
    """Your feedback."""

    rating = StrictIntegerField(
        min_value=Feedback.LEAST, max_value=Feedback.MOST, help_text="1 is bad, 5 is good."
    )
    words = StrictCharField(required=False, allow_blank=True, max_length=Feedback.MAX_WORDS)


class FeedbackSerializer(ResponseSerializer):
    """The stored feedback."""

    picture = serializers.UUIDField(source="picture_id")
    rating = serializers.IntegerField()
    words = serializers.CharField()
    updated_at = serializers.DateTimeField()


class FeedbackView(ApiView):
    """Feedback."""

    tag = "feedback"

    @extend_schema(operation_id="feedback", summary="Your feedback", responses=FeedbackSerializer)
    def get(self, request: Request, picture_id: UUID) -> Response:
        """Your feedback on this picture; 404 if you gave none."""
        found = Feedback.objects.filter(picture=self.picture(picture_id)).first()
        if found is None:
            raise Http404
        return Response(self.serialize(FeedbackSerializer, found))

    @extend_schema(
        operation_id="feedback_give",
        summary="Give feedback",
        request=FeedbackBody,
        responses={200: FeedbackSerializer},
    )
    def put(self, request: Request, picture_id: UUID) -> Response:
        """Rate the result. A new rating replaces the earlier one."""
        picture = self.picture(picture_id)
        given = self.read(FeedbackBody)
        saved = feedback.give(picture, given["rating"], given.get("words", ""))
        return Response(self.serialize(FeedbackSerializer, saved))

    @extend_schema(
        operation_id="feedback_delete",
        summary="Delete feedback",
        responses={204: OpenApiResponse(description="Deleted.")},
    )
    def delete(self, request: Request, picture_id: UUID) -> Response:
        """Delete your feedback."""
        if not feedback.take_back(self.picture(picture_id)):
            raise Http404
        return Response(status=204)
