"""Jobs over the wire."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from jobs.api.fields import Flag, RecipeField, StoredRecipeField, StrictCharField, StrictSerializer
from jobs.api.serializers.common import Address, Shape
from jobs.api.serializers.pictures import PictureSerializer
from jobs.models import Job, Preset, Tag
from jobs.selectors.estimate import outlook
from jobs.services.tags import TAGS_A_JOB
from segmentation.recipe import Recipe


class NewJob(StrictSerializer):
    """A job of finished uploads, in their order."""

    uploads = serializers.ListField(
        child=serializers.UUIDField(),
        allow_empty=False,
        max_length=settings.MAX_JOB_PICTURES,
        help_text="Ids of uploads.",
    )
    recipe = RecipeField(required=False, help_text="On top of the preset, where there is one.")
    preset = StrictCharField(required=False, max_length=Preset.MAX_LENGTH, help_text="The name of a preset.")
    title = StrictCharField(required=False, max_length=255, allow_blank=True)


class NewJobOfFiles(StrictSerializer):
    """A job of files; a recipe's fields are fields of the form, each as text."""

    pictures = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True),
        allow_empty=False,
        max_length=settings.MAX_JOB_PICTURES,
    )
    preset = StrictCharField(required=False, allow_blank=True, max_length=Preset.MAX_LENGTH)
    title = StrictCharField(required=False, allow_blank=True, max_length=255)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Those, and a text field for each field of the recipe."""
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
    """What of a job can be changed."""

    pinned = Flag(required=False, help_text="Kept beyond the plan's days.")
    tags = serializers.ListField(
        child=StrictCharField(max_length=Tag.MAX_LENGTH),
        required=False,
        max_length=TAGS_A_JOB,
        help_text="All its tags.",
    )


class CountsSerializer(Shape):
    """Pictures by state."""

    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    cancelled = serializers.IntegerField()


@extend_schema_serializer(component_name="Outlook")
class EstimateSerializer(Shape):
    """Where a job at work stands."""

    ahead = serializers.IntegerField(help_text="Your own pictures that come first.")
    seconds = serializers.IntegerField(allow_null=True, help_text="Until its end; null: nobody can tell.")


class JobSerializer(Shape):
    """One batch."""

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
    url = Address("job")
    pictures_url = Address("job-pictures")
    results_url = Address("job-results")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, job: Job) -> list[str]:
        """Their names."""
        return sorted(tag.name for tag in job.tags.all())


class JobDetail(JobSerializer):
    """One batch with its first pictures."""

    outlook = serializers.SerializerMethodField()
    pictures = serializers.SerializerMethodField()

    @extend_schema_field(EstimateSerializer(allow_null=True))
    def get_outlook(self, job: Job) -> dict[str, Any] | None:
        """Null for one that has ended."""
        found = outlook(job)
        return {"ahead": found.ahead, "seconds": found.seconds} if found else None

    @extend_schema_field(PictureSerializer(many=True))
    def get_pictures(self, job: Job) -> Any:
        """The first ones; `pictures_url` has all of them."""
        return PictureSerializer(self.context["pictures"], many=True, context=self.context).data
