"""Serializers of jobs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from jobs.api.fields import (
    RecipeField,
    StoredRecipeField,
    StrictBooleanField,
    StrictCharField,
    StrictSerializer,
)
from jobs.api.serializers.common import ResponseSerializer, UrlField
from jobs.api.serializers.pictures import PictureSerializer
from jobs.models import Job, Preset, Tag
from jobs.selectors.estimate import time_left
from jobs.services.tags import TAGS_A_JOB
from segmentation.recipe import Recipe


class NewJob(StrictSerializer):
    """A job made of finished uploads, in the given order."""

    uploads = serializers.ListField(
        child=serializers.UUIDField(),
        allow_empty=False,
        max_length=settings.MAX_JOB_PICTURES,
        help_text="Ids of uploads.",
    )
    recipe = RecipeField(required=False, help_text="Overrides the preset's fields, if a preset is given.")
    preset = StrictCharField(required=False, max_length=Preset.MAX_LENGTH, help_text="The name of a preset.")
    title = StrictCharField(required=False, max_length=255, allow_blank=True)


class NewJobOfFiles(StrictSerializer):
    """A job made of files. The recipe's fields are top-level form fields, each a string."""

    pictures = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        allow_empty=False,
        max_length=settings.MAX_JOB_PICTURES,
    )
    preset = StrictCharField(required=False, allow_blank=True, max_length=Preset.MAX_LENGTH)
    title = StrictCharField(required=False, allow_blank=True, max_length=255)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The declared fields, and a text field for each field of the recipe."""
        texts = {
            name: StrictCharField(required=False, allow_blank=True, max_length=1000)
            for name in Recipe.described()
        }
        return {**super().get_fields(), **texts}


class Again(StrictSerializer):
    """The same pictures with another recipe."""

    recipe = RecipeField(required=False)
    preset = StrictCharField(required=False, max_length=Preset.MAX_LENGTH)


class JobChange(StrictSerializer):
    """The fields of a job that can be changed."""

    pinned = StrictBooleanField(required=False, help_text="Kept beyond the plan's retention.")
    tags = serializers.ListField(
        child=StrictCharField(max_length=Tag.MAX_LENGTH),
        required=False,
        max_length=TAGS_A_JOB,
        help_text="The complete list of tags.",
    )


class CountsSerializer(ResponseSerializer):
    """The number of pictures in each state."""

    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


@extend_schema_serializer(component_name="Estimate")
class EstimateSerializer(ResponseSerializer):
    """The progress of an active job."""

    ahead = serializers.IntegerField(help_text="How many of your own pictures come first.")
    seconds = serializers.IntegerField(
        allow_null=True, help_text="Estimated seconds until the job ends; null if there is no estimate."
    )


class JobSerializer(ResponseSerializer):
    """One job."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=Job.State.values)
    origin = serializers.ChoiceField(choices=Job.Origin.choices)
    lane = serializers.CharField()
    pinned = serializers.BooleanField()
    tags = serializers.SerializerMethodField()
    recipe = StoredRecipeField()
    picture_count = serializers.IntegerField()
    counts = CountsSerializer()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    hidden_at = serializers.DateTimeField(
        allow_null=True, help_text="When a moderator hid it; the files of its pictures are refused."
    )
    url = UrlField("job")
    pictures_url = UrlField("job-pictures")
    results_url = UrlField("job-results")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, job: Job) -> list[str]:
        """The tags' names."""
        return sorted(tag.name for tag in job.tags.all())


class JobDetail(JobSerializer):
    """One job with its first pictures."""

    estimate = serializers.SerializerMethodField()
    pictures = serializers.SerializerMethodField()

    @extend_schema_field(EstimateSerializer(allow_null=True))
    def get_estimate(self, job: Job) -> dict[str, Any] | None:
        """Null for a job that has ended."""
        found = time_left(job)
        return {"ahead": found.ahead, "seconds": found.seconds} if found else None

    @extend_schema_field(PictureSerializer(many=True))
    def get_pictures(self, job: Job) -> Any:
        """The first pictures; `pictures_url` lists all."""
        return PictureSerializer(self.context["pictures"], many=True, context=self.context).data
