"""Presets: the built-in ones and the user's own."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.base import ApiView
from jobs.api.fields import RecipeField, StoredRecipeField, StrictCharField, StrictSerializer
from jobs.api.serializers.common import ResponseSerializer, page_schema
from jobs.models import Preset
from jobs.services import presets, submit
from segmentation.recipe import PRESETS

NAME = OpenApiParameter(
    "name", {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}, OpenApiParameter.PATH
)


class PresetSerializer(ResponseSerializer):
    """A named recipe."""

    name = serializers.CharField()
    title = serializers.CharField()
    sentence = serializers.CharField(help_text="What the preset is for; empty for your own presets.")
    built_in = serializers.BooleanField()
    recipe = StoredRecipeField()


class PresetBody(StrictSerializer):
    """The recipe and the title of a preset."""

    recipe = RecipeField()
    title = StrictCharField(required=False, allow_blank=True, max_length=100)


def _own(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "sentence": "",
        "built_in": False,
        "recipe": preset.recipe,
    }


def _built_in(name: str) -> dict[str, Any]:
    found = PRESETS[name]
    return {
        "name": name,
        "title": found.title,
        "sentence": found.sentence,
        "built_in": True,
        "recipe": found.recipe.as_dict(),
    }


class PresetsView(ApiView):
    """Presets."""

    tag = "presets"

    @extend_schema(operation_id="presets", summary="All presets", responses=page_schema(PresetSerializer))
    def get(self, request: Request) -> Response:
        """The built-in presets, then your own. There is only one page: you can have at most 100."""
        mine = Preset.objects.for_user(self.user)
        found = [*map(_built_in, PRESETS), *map(_own, mine)]
        results = self.serialize(PresetSerializer, found, many=True)
        return Response({"results": results, "next": None, "previous": None})


class PresetView(ApiView):
    """One preset."""

    tag = "presets"

    @extend_schema(operation_id="preset", summary="A preset", parameters=[NAME], responses=PresetSerializer)
    def get(self, request: Request, name: str) -> Response:
        """A preset, by name."""
        if name in PRESETS:
            return Response(self.serialize(PresetSerializer, _built_in(name)))
        own = Preset.objects.for_user(self.user).filter(name=name).first()
        if own is None:
            raise Http404
        return Response(self.serialize(PresetSerializer, _own(own)))

    @extend_schema(
        operation_id="preset_save",
        summary="Save a preset",
        parameters=[NAME],
        request=PresetBody,
        responses={200: PresetSerializer, 201: PresetSerializer},
    )
    def put(self, request: Request, name: str) -> Response:
        """Create a preset of your own (201) or replace one (200)."""
        given = self.read(PresetBody)
        recipe = presets.recipe_of(self.user, "", given["recipe"])
        submit.check(recipe)
        preset, new = presets.save(self.user, name, given.get("title", ""), recipe)
        return Response(self.serialize(PresetSerializer, _own(preset)), status=201 if new else 200)

    @extend_schema(
        operation_id="preset_delete",
        summary="Delete a preset",
        parameters=[NAME],
        responses={204: OpenApiResponse(description="Deleted.")},
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete one of your own presets."""
        if not presets.delete(self.user, name):
            raise Http404
        return Response(status=204)
