"""Feedback on a picture's result."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.fields import StrictCharField, StrictSerializer
from jobs.api.serializers.common import ResponseSerializer
from jobs.models import Feedback
from jobs.models.feedback import Reason, Verdict
from jobs.services import feedback


class FeedbackBody(StrictSerializer):
    """Your feedback: a thumb up or down."""

    verdict = serializers.ChoiceField(choices=Verdict.choices, help_text="A thumb up or down.")
    reasons = serializers.ListField(
        child=serializers.ChoiceField(choices=Reason.choices),
        required=False,
        max_length=len(Reason),
        help_text="What is wrong with the result. Only with a thumb down.",
    )
    words = StrictCharField(required=False, allow_blank=True, max_length=Feedback.MAX_WORDS)

    def to_internal_value(self, data: Any) -> Any:
        """Tells callers of the former API, which rated from 1 to 5, what to send now."""
        if isinstance(data, dict) and "rating" in data:
            sentence = "Ratings from 1 to 5 are no longer accepted. Send the verdict “up” or “down” instead."
            raise serializers.ValidationError(
                {"rating": [serializers.ErrorDetail(sentence, "rating_replaced")]}
            )
        return super().to_internal_value(data)


class FeedbackSerializer(ResponseSerializer):
    """The stored feedback, and what it was about when you gave it."""

    picture = serializers.UUIDField(source="picture_id")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    reasons = serializers.ListField(child=serializers.ChoiceField(choices=Reason.choices))
    words = serializers.CharField()
    model = serializers.CharField()
    refinement = serializers.CharField()
    matte_revision = serializers.IntegerField(help_text="1 is the model's own matte.")
    recipe_digest = serializers.CharField()
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
        """A thumb up or down on the newest result. It replaces an earlier one."""
        picture = self.picture(picture_id)
        given = self.read(FeedbackBody)
        saved = feedback.give(picture, given["verdict"], given.get("reasons", []), given.get("words", ""))
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
