"""The door itself: which format the bytes are, whether they may come in, and their pixels."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from PIL import Image

from segmentation.errors import PictureError
from segmentation.pictures import bmp, exif, gif, heif, ico, jp2, jpeg, pixels, png, pnm, refusals, tiff, webp
from segmentation.pictures.density import Density
from segmentation.pictures.probe import Probe
from segmentation.pictures.source import Source, opened
from segmentation.pictures.types import FORMATS, DecodedPicture, Limits, PictureInfo, PictureSource, Pixels

# Our own limits are checked on every header before a decoder runs. Pillow's are one number for the whole
# process, warn from 89 megapixels and refuse from 179, in a few of its decoders only.
Image.MAX_IMAGE_PIXELS = None

UNUSUAL = "its pixels are laid out in an unusual way"
# What decoders say of kinds that they do not do, rather than of damage.
_NOT_DONE = ("unknown pixel mode", "unknown data", "unsupported bmp", "cannot handle", "not supported")

_READERS: tuple[ModuleType, ...] = (jpeg, png, webp, heif, gif, tiff, jp2, bmp, ico, pnm)


def inspect(file: PictureSource, limits: Limits | None = None) -> PictureInfo:
    """What the header of a picture says, without decoding a pixel.

    Raises PictureError (see refusals.py for its codes). Costs some file reads, no Pillow decoder, no memory
    beyond the header's own.
    """
    limits = limits or Limits()
    with opened(file, limits) as source:
        return _info(_probe(source))


def decode(file: PictureSource, limits: Limits | None = None) -> DecodedPicture:
    """The first picture of the file, upright, in sRGB with straight alpha, 8 bits a channel.

    Raises PictureError (see refusals.py for its codes), and OSError where a path cannot be read.
    """
    limits = limits or Limits()
    with opened(file, limits) as source:
        probe = _probe(source)
        # Colours of a profile are converted by LittleCMS, which takes an image.
        if not probe.profile:
            rgb = _straight(probe)
            if rgb is not None:
                return DecodedPicture(rgb, None, _info(probe), *_metadata(probe))
        image = _guarded(probe, source.label, probe.load)
        if image.size != (probe.width, probe.height):
            raise refusals.broken_picture(source.label)
        return _finished(image, probe, source.label)


def decode_reduced(file: PictureSource, min_side: int, limits: Limits | None = None) -> DecodedPicture:
    """Like decode(), but a JPEG is decoded at 1/2, 1/4 or 1/8 where both sides stay at least `min_side`.

    For the network's input and for thumbnails. `info` has the size of the whole picture, `rgb` and `alpha`
    that of what was decoded; other formats are decoded whole. libjpeg averages in the frequency domain, so
    the small picture is not aliased.
    """
    limits = limits or Limits()
    with opened(file, limits) as source:
        probe = _probe(source)
        reduced = probe.reduced
        load = probe.load if reduced is None else lambda: reduced(min_side)
        return _finished(_guarded(probe, source.label, load), probe, source.label)


def _probe(source: Source) -> Probe:
    head = source.at(0, 512)
    for reader in _READERS:
        if reader.accepts(head):
            source.label = reader.LABEL
            probe: Probe = reader.probe(source)
            source.check_size(probe.width, probe.height)
            return probe
    raise refusals.unsupported_format(head)


def _straight(probe: Probe) -> Pixels | None:
    """The upright pixels without a Pillow image in between; None where that does not go."""
    if probe.straight is None:
        return None
    try:
        rgb = probe.straight()
        if rgb is None or rgb.shape != (probe.height, probe.width, 3):
            return None
        return pixels.turned(rgb, probe.orientation)
    except MemoryError as error:
        raise refusals.out_of_memory() from error


def _guarded(probe: Probe, label: str, load: Callable[[], Image.Image]) -> Image.Image:
    """Runs the decoder: whatever it raises on these bytes becomes the refusal that it means."""
    try:
        return load()
    except PictureError:
        raise
    except MemoryError as error:
        raise refusals.out_of_memory() from error
    except Exception as error:
        message = str(error).lower()
        if isinstance(error, EOFError) or "truncated" in message:
            raise refusals.truncated_picture(label) from error
        if any(word in message for word in _NOT_DONE):
            raise refusals.unsupported_variant(label, UNUSUAL) from error
        raise refusals.broken_picture(label) from error


def _finished(image: Image.Image, probe: Probe, label: str) -> DecodedPicture:
    # Imported here: LittleCMS is not needed to look at a header.
    from segmentation.pictures.colour import to_srgb

    try:
        colours, alpha = pixels.split(pixels.upright(image, probe.orientation))
        del image
        rgb = pixels.array_of(to_srgb(colours, probe.profile, probe.warnings))
        block, density = _metadata(probe)
        return DecodedPicture(
            rgb=rgb,
            alpha=None if alpha is None else pixels.array_of(alpha),
            info=_info(probe),
            exif=block,
            density=density,
        )
    except MemoryError as error:
        raise refusals.out_of_memory() from error
    except ValueError as error:
        raise refusals.unsupported_variant(label, UNUSUAL) from error


def _metadata(probe: Probe) -> tuple[bytes | None, Density | None]:
    """The EXIF block and the resolution that a result may keep."""
    block = exif.kept(probe.exif) if probe.exif else None
    density = probe.density or (exif.density_of(block) if block else None)
    if probe.density and probe.orientation >= 5:
        density = (probe.density[1], probe.density[0])
    return exif.completed(block, density, probe.texts), density


def _info(probe: Probe) -> PictureInfo:
    kind = FORMATS[probe.format]
    width, height = probe.width, probe.height
    if probe.orientation >= 5:
        width, height = height, width
    return PictureInfo(kind.name, width, height, kind.media_type, kind.extension, tuple(probe.warnings))
