"""Entry points: detect the format, check the limits, and decode the pixels."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from PIL import Image

from segmentation.errors import PictureError
from segmentation.pictures import bmp, exif, gif, heif, ico, jp2, jpeg, pixels, png, pnm, refusals, tiff, webp
from segmentation.pictures.density import Density
from segmentation.pictures.probe import Probe
from segmentation.pictures.source import Source, open_picture
from segmentation.pictures.types import FORMATS, DecodedPicture, Limits, PictureInfo, PictureSource, Pixels

# Our own limits are checked on every header before a decoder runs. Pillow's limit is a single number for the
# whole process, warns from 89 megapixels, refuses from 179, and applies to only a few of its decoders.
Image.MAX_IMAGE_PIXELS = None

UNUSUAL_LAYOUT = "its pixels are laid out in an unusual way"
# Decoders' messages for unsupported variants, as opposed to damage.
_UNSUPPORTED_MESSAGES = (
    "unknown pixel mode",
    "unknown data",
    "unsupported bmp",
    "cannot handle",
    "not supported",
)

_READERS: tuple[ModuleType, ...] = (jpeg, png, webp, heif, gif, tiff, jp2, bmp, ico, pnm)


def inspect(file: PictureSource, limits: Limits | None = None) -> PictureInfo:
    """Reads a picture's header without decoding pixels.

    Raises PictureError (see refusals.py for its codes). Costs a few file reads, no Pillow decoder, and no
    memory beyond the header's own.
    """
    limits = limits or Limits()
    with open_picture(file, limits) as source:
        return _info(_probe(source))


def decode(file: PictureSource, limits: Limits | None = None) -> DecodedPicture:
    """Decodes the first picture of the file, upright, in sRGB with straight alpha, 8 bits a channel.

    Raises PictureError (see refusals.py for its codes), and OSError if a path cannot be read.
    """
    limits = limits or Limits()
    with open_picture(file, limits) as source:
        probe = _probe(source)
        # LittleCMS converts a profile's colours, and it needs an image.
        if not probe.profile:
            rgb = _fast_rgb(probe)
            if rgb is not None:
                return DecodedPicture(rgb, None, _info(probe), *_metadata(probe))
        image = _run_decoder(probe, source.label, probe.load)
        if image.size != (probe.width, probe.height):
            raise refusals.broken_picture(source.label)
        return _finish(image, probe, source.label)


def decode_reduced(file: PictureSource, min_side: int, limits: Limits | None = None) -> DecodedPicture:
    """Like decode(), but decodes a JPEG at 1/2, 1/4 or 1/8 as long as both sides stay at least `min_side`.

    For the network's input and for thumbnails. `info` has the size of the whole picture, `rgb` and `alpha`
    the decoded size. Other formats are decoded at full size. libjpeg averages in the frequency domain, so the
    small picture is not aliased.
    """
    limits = limits or Limits()
    with open_picture(file, limits) as source:
        probe = _probe(source)
        load_reduced = probe.load_reduced
        load = probe.load if load_reduced is None else lambda: load_reduced(min_side)
        return _finish(_run_decoder(probe, source.label, load), probe, source.label)


def _probe(source: Source) -> Probe:
    head = source.read_at(0, 512)
    for reader in _READERS:
        if reader.accepts(head):
            source.label = reader.LABEL
            probe: Probe = reader.probe(source)
            source.check_size(probe.width, probe.height)
            return probe
    raise refusals.unsupported_format(head)


def _fast_rgb(probe: Probe) -> Pixels | None:
    """Decodes upright pixels without an intermediate Pillow image; returns None if that is not possible."""
    if probe.load_rgb is None:
        return None
    try:
        rgb = probe.load_rgb()
        if rgb is None or rgb.shape != (probe.height, probe.width, 3):
            return None
        return pixels.oriented(rgb, probe.orientation)
    except MemoryError as error:
        raise refusals.out_of_memory() from error


def _run_decoder(probe: Probe, label: str, load: Callable[[], Image.Image]) -> Image.Image:
    """Runs the decoder and turns every exception into the matching PictureError."""
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
        if any(word in message for word in _UNSUPPORTED_MESSAGES):
            raise refusals.unsupported_variant(label, UNUSUAL_LAYOUT) from error
        raise refusals.broken_picture(label) from error


def _finish(image: Image.Image, probe: Probe, label: str) -> DecodedPicture:
    # Imported here: LittleCMS is not needed to read a header.
    from segmentation.pictures.colour import to_srgb

    try:
        colours, alpha = pixels.split(pixels.upright(image, probe.orientation))
        del image
        rgb = pixels.to_array(to_srgb(colours, probe.profile, probe.warnings))
        block, density = _metadata(probe)
        return DecodedPicture(
            rgb=rgb,
            alpha=None if alpha is None else pixels.to_array(alpha),
            info=_info(probe),
            exif=block,
            density=density,
        )
    except MemoryError as error:
        raise refusals.out_of_memory() from error
    except ValueError as error:
        raise refusals.unsupported_variant(label, UNUSUAL_LAYOUT) from error


def _metadata(probe: Probe) -> tuple[bytes | None, Density | None]:
    """Returns the EXIF block and the resolution that a result may keep."""
    block = exif.sanitised(probe.exif) if probe.exif else None
    density = probe.density or (exif.density_of(block) if block else None)
    if probe.density and probe.orientation >= 5:
        density = (probe.density[1], probe.density[0])
    return exif.with_missing_fields(block, density, probe.texts), density


def _info(probe: Probe) -> PictureInfo:
    kind = FORMATS[probe.format]
    width, height = probe.width, probe.height
    if probe.orientation >= 5:
        width, height = height, width
    return PictureInfo(kind.name, width, height, kind.media_type, kind.extension, tuple(probe.warnings))
