"""The recipe: one typed value that says how a picture is to be cut out and rendered.

HTML forms, the REST API, the compatible APIs, presets and the command line all parse into it. Its digest is
the cache key of a rendition, its `matte_digest` that of the matte.

To add a field, declare it in `Recipe`; `segmentation.recipe.field` says what a description holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from segmentation.messages import gettext_noop as _
from segmentation.recipe import formats, reading
from segmentation.recipe.field import Choice, choice, described, flag
from segmentation.recipe.parts import Background, Plain, Region, Shadow, Size, Transparent
from segmentation.recipe.reading import Margins, Original, Position
from segmentation.recipe.record import Record
from segmentation.recipe.values import WHITE, read_number, refuse, spell

_MODEL = r"[a-z0-9][a-z0-9._-]{0,63}"
_TRANSPARENT = Transparent()


def _read_model(value: object, field: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(_MODEL, value):
        raise refuse(field, f"{field} is a name such as u2net, not {value!r}.")
    return value


def _percent(value: float) -> str:
    return f"{spell(value)}%"


def _write_position(value: Position | Original) -> object:
    return value if isinstance(value, str) else [_percent(part) for part in value]


def _spell_position(value: Position | Original) -> str:
    return value if isinstance(value, str) else " ".join(map(_percent, value))


@dataclass(frozen=True, slots=True)
class Recipe(Record):
    """The recipe. `Recipe()` is the default: u2net, fast edges, a transparent PNG of the source's size.

    Combinations that make no sense become what people expect, so that equal results have equal digests:

    - A JPEG with a transparent background gets a white one.
    - A matte alone (channels=alpha) has no background and no shadow. As a ZIP it is refused.
    - crop_margin without crop, and the quality of a lossless format, are dropped.
    - A scaled subject without a position stands in the middle. `original` without a scale is no position.
    - binary leaves nothing for semitransparency to decide.

    Raises RecipeError with code `invalid_<field>` and the field's name.
    """

    model: str = described(
        default="u2net",
        label=_("Model"),
        help=_("The network that finds the subject."),
        decides="matte",
        read=_read_model,
        examples=("u2net",),
        types=("string",),
        pattern=f"^{_MODEL}$",
        prominent=True,
    )
    refine: str = choice(
        Choice("off", _("Raw"), _("The network’s own soft map, only enlarged."), _("raw edges")),
        Choice(
            "fast", _("Fine"), _("Edges follow the picture. Right for nearly everything."), _("fine edges")
        ),
        Choice(
            "best", _("Best"), _("For hair, fur and fine mesh. Takes several times as long."), _("best edges")
        ),
        default="fast",
        label=_("Edges"),
        help=_("How closely the matte follows the picture's edges."),
        decides="matte",
        prominent=True,
    )
    shrink: str = choice(
        Choice("auto", _("Automatic"), _("The best way by measurement.")),
        Choice("plain", _("Plain"), _("As in the network's training.")),
        Choice("smooth", _("Smooth"), _("With anti-aliasing.")),
        Choice("two-step", _("Two steps"), _("Averaged first, then as in the network's training.")),
        label=_("Downscaling"),
        help=_("How the picture is scaled down to the network's input."),
        decides="matte",
    )
    roi: Region | None = described(
        default=None,
        label=_("Region of interest"),
        help=_("Only what lies inside counts as foreground: left, top, right, bottom."),
        decides="matte",
        read=reading.read_region,
        write=lambda value: str(value).split(),
        syntax=_("'X1 Y1 X2 Y2' in px or %"),
        examples=("10% 10% 90% 90%",),
    )
    crop: bool = flag(
        default=False,
        label=_("Crop"),
        help=_("Cut the empty border away."),
        decides="canvas",
        switch=True,
    )
    crop_margin: Margins = described(
        default=reading.NO_MARGINS,
        label=_("Crop margin"),
        help=_("The border around a cropped subject; % of the subject's height and width."),
        decides="canvas",
        read=reading.read_margins,
        write=lambda value: [str(margin) for margin in value],
        spell=lambda value: "" if value == reading.NO_MARGINS else " ".join(map(str, value)),
        syntax=_("1, 2 or 4 lengths in px or %"),
        examples=("4%",),
    )
    scale: float | None = described(
        default=None,
        label=_("Scale"),
        help=_("The subject's size in % of the canvas, from 1 to 100."),
        decides="canvas",
        read=reading.read_scale,
        write=_percent,
        spell=_percent,
        examples=("85%",),
    )
    position: Position | Original | None = described(
        default=None,
        label=_("Position"),
        help=_("The subject's place: where it was, or the middle if there is a scale."),
        decides="canvas",
        read=reading.read_position,
        write=_write_position,
        spell=_spell_position,
        syntax=_("center, original, or 'X Y' in %"),
        examples=("center", "50% 100%", "original"),
    )
    background: Background = described(
        default=_TRANSPARENT,
        label=_("Background"),
        help=_("What stands behind the subject."),
        decides="pixels",
        read=reading.read_background,
        write=lambda value: value.as_json(),
        choices=(
            Choice("transparent", _("Transparent"), summary=_("transparent")),
            Choice("#ffffff", _("White"), summary=_("white")),
            Choice("#e6e6e6", _("Grey"), summary=_("grey")),
            Choice("#000000", _("Black"), summary=_("black")),
        ),
        syntax=_(
            "transparent, a colour (#fff, white, #ff000080), linear:#fff,#ddd,90, radial:#fff,#ccc, blur:20"
        ),
        examples=("transparent", "#ffffff", "linear:#fff,#eee,90", "blur:2%"),
        prominent=True,
    )
    shadow: Shadow | None = described(
        default=None,
        label=_("Shadow"),
        help=_("A shadow of the subject."),
        decides="pixels",
        read=reading.read_shadow,
        write=lambda value: value.as_json(),
        syntax=_("drop, contact, none, or with parts: 'drop:opacity=45,blur=2%,offset=1% 2%,colour=#000'"),
        examples=("drop", "contact"),
    )
    semitransparency: bool = flag(
        default=True,
        label=_("Semitransparency"),
        help=_("Keep half-transparent areas; without it they become opaque or vanish."),
        decides="pixels",
    )
    binary: bool = flag(
        default=False,
        label=_("Binary matte"),
        help=_("A matte of 0 and 255 only, with a smooth outline."),
        decides="pixels",
    )
    size: Size | None = described(
        default=None,
        label=_("Size"),
        help=_("At most so many megapixels, or exactly so many pixels."),
        decides="canvas",
        read=reading.read_size,
        write=lambda value: value.as_json(),
        syntax=_("4MP, 2000x1500, 2000x, x1500 or original"),
        examples=("2000x2000", "4MP"),
    )
    format: str = choice(
        Choice("png", "PNG", _("Without loss, opens everywhere.")),
        Choice("webp", "WebP", _("Much smaller, keeps transparency.")),
        Choice(
            "webp-lossless", _("WebP without loss"), _("Smaller than PNG, keeps transparency."), listed=False
        ),
        Choice("jpeg", "JPEG", _("Smallest, but never transparent: white goes underneath.")),
        Choice("avif", "AVIF", _("Very small, keeps transparency."), listed=False),
        Choice("zip", "ZIP", _("Colours as JPEG and the matte as PNG."), listed=False),
        label=_("File"),
        help=_("The file format."),
        decides="file",
        prominent=True,
    )
    quality: int | None = described(
        default=None,
        label=_("Quality"),
        help=_("Of JPEG, WebP, AVIF and the colours in a ZIP, from 1 to 100."),
        decides="file",
        read=lambda value, field: int(read_number(value, field, 1, 100, percent=True)),
        examples=(85,),
        types=("integer", "string"),
    )
    metadata: str = choice(
        Choice("strip", _("Remove")),
        Choice("keep", _("Keep")),
        label=_("Metadata"),
        help=_("EXIF, resolution, artist and copyright of the source."),
        decides="file",
    )
    channels: str = choice(
        Choice("rgba", _("Colours"), _("With an alpha channel unless the result is opaque.")),
        Choice("rgba-always", _("Colours, always with alpha"), _("Also if the result is opaque.")),
        Choice("alpha", _("The grey matte alone")),
        label=_("Channels"),
        help=_("Which channels the file has."),
        decides="file",
    )

    def __post_init__(self) -> None:
        self.read_fields()
        put = object.__setattr__
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
            # JPEG and ZIP hold no alpha channel; a transparent result has one anyway.
            put(self, "channels", "rgba")
        if self.format == "jpeg" and self.channels == "rgba" and isinstance(self.background, Transparent):
            put(self, "background", Plain(WHITE))
        if formats.QUALITIES.get(self.format) in (None, self.quality):
            put(self, "quality", None)
        side = formats.WEBP_MAX_SIDE
        if self.format.startswith("webp") and self.size and max(self.size.width, self.size.height) > side:
            raise refuse("size", f"WebP holds at most {side} pixels a side; choose png or avif.")

    @property
    def opaque(self) -> bool:
        """Whether the result certainly has no transparency, so that a format without alpha loses nothing."""
        return self.channels == "alpha" or self.background.opaque

    @property
    def effective_quality(self) -> int | None:
        """The quality to encode with; None for lossless formats."""
        return self.quality if self.quality is not None else formats.QUALITIES.get(self.format)

    @property
    def extension(self) -> str:
        """The file name extension, without the dot."""
        return formats.extension(self.format)

    @property
    def media_type(self) -> str:
        """The media type of the file."""
        return formats.media_type(self.format)


REFINEMENTS = Recipe.described()["refine"].values
SHRINKS = Recipe.described()["shrink"].values
FORMATS = Recipe.described()["format"].values
METADATA = Recipe.described()["metadata"].values
CHANNELS = Recipe.described()["channels"].values
