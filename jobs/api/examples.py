"""Examples in the schema."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiExample

NEW_JOB: Final = OpenApiExample(
    "White squares",
    value={
        "uploads": ["0199e5c1-6f3a-7c50-9d58-2f6f7a1c0001"],
        "preset": "white-square-2000",
        "recipe": {"quality": 92},
        "title": "Autumn shoes",
    },
    request_only=True,
    media_type="application/json",
)
JOB_OF_FILES: Final = OpenApiExample(
    "Two files",
    value={"pictures": ["shoe.jpg", "bag.jpg"], "background": "#ffffff", "format": "jpeg"},
    request_only=True,
    media_type="multipart/form-data",
)
