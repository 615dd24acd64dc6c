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
from jobs.api.serializers.common import Shape
from jobs.models import Feedback
from jobs.services import feedback


class FeedbackBody(StrictSerializer):
    """What you think of it."""

    rating = StrictIntegerField(
        min_value=Feedback.LEAST, max_value=Feedback.MOST, help_text="1 is bad, 5 is good."
    )
    words = StrictCharField(required=False, allow_blank=True, max_length=Feedback.MAX_WORDS)


class FeedbackSerializer(Shape):
    """What you thought of it."""

    picture = serializers.UUIDField(source="picture_id")
    rating = serializers.IntegerField()
    words = serializers.CharField()
    updated_at = serializers.DateTimeField()


class FeedbackView(ApiView):
    """Feedback."""

    tag = "feedback"

    @extend_schema(operation_id="feedback", summary="Your feedback", responses=FeedbackSerializer)
    def get(self, request: Request, picture_id: UUID) -> Response:
        """What you said about this picture; 404 where you did not."""
        found = Feedback.objects.filter(picture=self.picture(picture_id)).first()
        if found is None:
            raise Http404
        return Response(self.shown(FeedbackSerializer, found))

    @extend_schema(
        operation_id="feedback_give",
        summary="Give feedback",
        request=FeedbackBody,
        responses={200: FeedbackSerializer},
    )
    def put(self, request: Request, picture_id: UUID) -> Response:
        """Say how good the result is. The last word counts."""
        picture = self.picture(picture_id)
        given = self.read(FeedbackBody)
        said = feedback.give(picture, given["rating"], given.get("words", ""))
        return Response(self.shown(FeedbackSerializer, said))

    @extend_schema(
        operation_id="feedback_delete",
        summary="Take feedback back",
        responses={204: OpenApiResponse(description="Forgotten.")},
    )
    def delete(self, request: Request, picture_id: UUID) -> Response:
        """Forget what you said."""
        if not feedback.take_back(self.picture(picture_id)):
            raise Http404
        return Response(status=204)
