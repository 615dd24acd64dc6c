"""The recipe: one typed value that says what is wanted of a picture.

The form, the REST API, the compatible APIs, presets and the command line all parse into it; its digest is the
cache key of a rendition, `matte_digest` that of the matte it needs.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Self

from segmentation.errors import RecipeError
from segmentation.recipe import reading
from segmentation.recipe.parts import Background, Plain, Region, Shadow, Size, Transparent
from segmentation.recipe.reading import Margins, Original, Position
from segmentation.recipe.values import WHITE, read_number, refuse, spell

# Raised whenever the same recipe would give other pixels: then no old cache entry answers for a new one.
VERSION = 1

REFINEMENTS = ("off", "fast", "best")
SHRINKS = ("auto", "plain", "smooth", "two-step")
FORMATS = ("png", "webp", "webp-lossless", "jpeg", "avif", "zip")
METADATA = ("strip", "keep")
CHANNELS = ("rgba", "rgba-always", "alpha")

_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EXTENSIONS = {"jpeg": "jpg", "webp-lossless": "webp"}
_MEDIA_TYPES = {"zip": "application/zip", "webp-lossless": "image/webp"}
_QUALITIES = {"jpeg": 90, "webp": 85, "avif": 70, "zip": 92}
_WEBP_SIDE = 16383
_TRANSPARENT = Transparent()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is wanted. `Recipe()` is the default: u2net, fast edges, a transparent PNG of the source's size.

    Decides the matte:
    - model: a registered model's name. refine: off (the network's own map, enlarged), fast, best.
    - roi: only what lies inside counts as foreground.
    - shrink: the way down to the network's input; `auto` is the measured best, `plain` the training's own.

    Decides the canvas:
    - crop: cut the empty border away, leaving crop_margin (top, right, bottom, left; px or % of the
      subject's height and width).
    - scale: the subject's size in % of the canvas (then in the middle unless position says otherwise).
    - position: the subject's place, x and y in %; None leaves it where it is. `original`, of a scaled one,
      keeps its middle where it was, or as near as it stays whole (without a scale it is None).
    - size: at most so many megapixels, or exactly so many pixels.

    Decides the pixels: background, shadow, semitransparency (false: what is half seen is seen or not, but
    for an edge as wide as a smooth one needs), binary (alpha is 0 or 255 everywhere, with a smoothed
    outline; then semitransparency has nothing left to decide).

    Decides the file: format, quality (1..100; None is the format's own default; lossless formats have none),
    metadata (strip, keep), channels (rgba: an opaque result has no alpha channel; rgba-always: it has one,
    in the formats that can hold it; alpha: the grey matte alone).

    What cannot be together is put right the way people expect: JPEG knows no transparency and gets white
    under what would be transparent; a matte alone has no background and no shadow; a margin without crop, and
    a quality of a lossless format, mean nothing and are dropped, so that equal results have equal digests.
    A ZIP of the matte alone is refused. Raises RecipeError, code `invalid_<field>`, with the field's name.
    """

    model: str = "u2net"
    refine: str = "fast"
    shrink: str = "auto"
    roi: Region | None = None
    crop: bool = False
    crop_margin: Margins = reading.NO_MARGINS
    scale: float | None = None
    position: Position | Original | None = None
    background: Background = _TRANSPARENT
    shadow: Shadow | None = None
    semitransparency: bool = True
    binary: bool = False
    size: Size | None = None
    format: str = "png"
    quality: int | None = None
    metadata: str = "strip"
    channels: str = "rgba"

    def __post_init__(self) -> None:
        put = object.__setattr__
        if not isinstance(self.model, str) or not _MODEL.fullmatch(self.model):
            raise refuse("model", f"model is a name such as u2net, not {self.model!r}.")
        for name, choices in (
            ("refine", REFINEMENTS),
            ("shrink", SHRINKS),
            ("format", FORMATS),
            ("metadata", METADATA),
            ("channels", CHANNELS),
        ):
            put(self, name, reading.read_choice(getattr(self, name), name, choices))
        put(self, "scale", reading.read_scale(self.scale))
        put(self, "position", reading.read_position(self.position))
        if self.roi is not None and self.roi.whole:
            put(self, "roi", None)
        if not self.crop:
            put(self, "crop_margin", reading.NO_MARGINS)
        if self.scale is None and self.position == reading.ORIGINAL:
            put(self, "position", None)
        if self.scale is not None and self.position is None:
            put(self, "position", (50.0, 50.0))
        if self.binary:
            put(self, "semitransparency", True)
        self._settle_channels()
        self._settle_format()

    def _settle_channels(self) -> None:
        if self.channels != "alpha":
            return
        if self.format == "zip":
            raise refuse(
                "channels", "A ZIP holds colour and matte; ask for channels=rgba, or for the matte as png."
            )
        object.__setattr__(self, "background", _TRANSPARENT)
        object.__setattr__(self, "shadow", None)

    def _settle_format(self) -> None:
        put = object.__setattr__
        if self.channels == "rgba-always" and (
            self.format in ("jpeg", "zip") or isinstance(self.background, Transparent)
        ):
            # A JPEG cannot hold alpha; the others have it anyway.
            put(self, "channels", "rgba")
        if self.format == "jpeg" and self.channels == "rgba" and isinstance(self.background, Transparent):
            put(self, "background", Plain(WHITE))
        if self.format not in _QUALITIES:
            put(self, "quality", None)
        elif self.quality is not None:
            quality = int(read_number(self.quality, "quality", 1, 100, percent=True))
            put(self, "quality", None if quality == _QUALITIES[self.format] else quality)
        if (
            self.format.startswith("webp")
            and self.size
            and max(self.size.width, self.size.height) > _WEBP_SIDE
        ):
            raise refuse("size", f"WebP holds at most {_WEBP_SIDE} pixels a side; choose png or avif.")

    @classmethod
    def parse(cls, value: Mapping[str, object]) -> Self:
        """A recipe from a mapping as JSON gives it or `as_dict` wrote it; a missing field takes its default.

        Raises RecipeError: `unknown_field` for a key that is none, `unknown_version` for another version's
        recipe, `invalid_<field>` for a value that cannot be.
        """
        known = [field.name for field in fields(cls)]
        for key in value:
            if key not in (*known, "version"):
                raise RecipeError(
                    "unknown_field", f"A recipe has no {key!r}; it has {', '.join(known)}.", str(key)
                )
        version = value.get("version", VERSION)
        if version not in (VERSION, str(VERSION)) or isinstance(version, bool):
            raise RecipeError(
                "unknown_version", f"Recipes here are of version {VERSION}, not {version!r}.", "version"
            )
        given: dict[str, object] = {
            key: item for key, item in value.items() if item is not None and key != "version"
        }
        for key, read in _READERS.items():
            if key in given:
                given[key] = read(given[key])
        return cls(**given)  # type: ignore[arg-type] # every value went through its field's reader above

    @classmethod
    def from_strings(cls, value: Mapping[str, str]) -> Self:
        """A recipe from form fields or command-line options: all text, and empty text means not given."""
        return cls.parse({key: text for key, text in value.items() if text.strip()})

    def as_dict(self) -> dict[str, object]:
        """The canonical JSON-able form: every field, one spelling each; `parse` reads it back."""
        return {
            "version": VERSION,
            "model": self.model,
            "refine": self.refine,
            "shrink": self.shrink,
            "roi": None if self.roi is None else str(self.roi).split(),
            "crop": self.crop,
            "crop_margin": [str(margin) for margin in self.crop_margin],
            "scale": None if self.scale is None else f"{spell(self.scale)}%",
            "position": [f"{spell(part)}%" for part in self.position]
            if isinstance(self.position, tuple)
            else self.position,
            "background": self.background.as_json(),
            "shadow": None if self.shadow is None else self.shadow.as_json(),
            "semitransparency": self.semitransparency,
            "binary": self.binary,
            "size": None if self.size is None else self.size.as_json(),
            "format": self.format,
            "quality": self.quality,
            "metadata": self.metadata,
            "channels": self.channels,
        }

    def as_strings(self) -> dict[str, str]:
        """Every field as the text that `from_strings` reads back, "" for what is not set: for forms."""
        return {
            "model": self.model,
            "refine": self.refine,
            "shrink": self.shrink,
            "roi": str(self.roi or ""),
            "crop": "true" if self.crop else "",
            "crop_margin": " ".join(map(str, self.crop_margin)) if self.crop else "",
            "scale": "" if self.scale is None else f"{spell(self.scale)}%",
            "position": " ".join(f"{spell(part)}%" for part in self.position)
            if isinstance(self.position, tuple)
            else self.position or "",
            "background": str(self.background),
            "shadow": str(self.shadow or ""),
            "semitransparency": "" if self.semitransparency else "false",
            "binary": "true" if self.binary else "",
            "size": str(self.size or ""),
            "format": self.format,
            "quality": str(self.quality or ""),
            "metadata": self.metadata,
            "channels": self.channels,
        }

    @property
    def digest(self) -> str:
        """sha256 (64 hex digits) of the canonical JSON, the version within: the cache key of a rendition."""
        whole = self.as_dict()
        # Younger than the digests that are stored: where it asks for nothing, it is no part of them.
        if self.semitransparency:
            del whole["semitransparency"]
        if not self.binary:
            del whole["binary"]
        return _digest(whole)

    @property
    def matte_digest(self) -> str:
        """sha256 (64 hex digits) of what decides the matte alone: version, model, refine, shrink, roi."""
        whole = self.as_dict()
        return _digest({key: whole[key] for key in ("version", "model", "refine", "shrink", "roi")})

    @property
    def opaque(self) -> bool:
        """Whether the result surely has no transparency (so that a format without alpha loses nothing)."""
        return self.channels == "alpha" or self.background.opaque

    @property
    def effective_quality(self) -> int | None:
        """The quality to encode with: as asked, else the format's own; None for formats without loss."""
        return self.quality if self.quality is not None else _QUALITIES.get(self.format)

    @property
    def extension(self) -> str:
        """The file's extension without a dot."""
        return _EXTENSIONS.get(self.format, self.format)

    @property
    def media_type(self) -> str:
        """The file's media type."""
        return _MEDIA_TYPES.get(self.format, f"image/{self.format}")


_READERS: dict[str, Callable[[object], object]] = {
    "roi": lambda value: value if isinstance(value, Region) else reading.read_region(value),
    "crop": lambda value: reading.read_flag(value, "crop"),
    "crop_margin": reading.read_margins,
    "scale": reading.read_scale,
    "position": reading.read_position,
    "background": reading.read_background,
    "shadow": reading.read_shadow,
    "semitransparency": lambda value: reading.read_flag(value, "semitransparency"),
    "binary": lambda value: reading.read_flag(value, "binary"),
    "size": reading.read_size,
    "quality": lambda value: int(read_number(value, "quality", 1, 100, percent=True)),
}


def _digest(value: dict[str, object]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
