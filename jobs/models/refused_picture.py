"""RefusedPicture: a picture that staff refuse from now on."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

BANDS: Final = 4
BAND_BITS: Final = 16
# Two hashes at most this far apart have a band that differs in at most one bit; see `near_bands`.
MAX_DISTANCE: Final = 2 * BANDS - 1


class RefusedPicture(models.Model):
    """One refused picture. An upload of the same bytes is refused; a similar picture is flagged for review.

    sha256: of the file, in lower-case hex. size: of the file in bytes; null if unknown. phash: the
    perceptual hash as a signed 64-bit number; null if unknown. band0 to band3: its four parts of 16 bits,
    each with an index, so that similar hashes are found without reading the whole list. added_by: the number
    of the member of staff. It is no foreign key: the entry stays when that account is erased.
    """

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    size = models.BigIntegerField("size in bytes", null=True, blank=True)
    phash = models.BigIntegerField("perceptual hash", null=True, blank=True, editable=False)
    band0 = models.PositiveIntegerField(null=True, editable=False)
    band1 = models.PositiveIntegerField(null=True, editable=False)
    band2 = models.PositiveIntegerField(null=True, editable=False)
    band3 = models.PositiveIntegerField(null=True, editable=False)
    note = models.CharField(max_length=500, blank=True)
    added_by = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="refused_picture_bands_of_hash",
                condition=models.Q(phash__isnull=True, band0=None, band1=None, band2=None, band3=None)
                | models.Q(
                    phash__isnull=False,
                    band0__isnull=False,
                    band1__isnull=False,
                    band2__isnull=False,
                    band3__isnull=False,
                ),
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["size"], name="refused_picture_size"),
            *(models.Index(fields=[f"band{n}"], name=f"refused_picture_band{n}") for n in range(BANDS)),
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


def signed(bits: int) -> int:
    """Returns 64 bits as the signed number that a database column can hold."""
    return bits - 2**64 if bits >= 2**63 else bits


def bands(phash: int) -> list[int]:
    """Returns the four parts of a hash, 16 bits each, the lowest first."""
    return [(phash >> (BAND_BITS * n)) & (2**BAND_BITS - 1) for n in range(BANDS)]


def near_bands(band: int, distance: int) -> list[int]:
    """Returns the values that a band can have in a hash at most `distance` bits away, in at least one of the
    four bands.

    Of `distance` differing bits, at least one band has distance // 4: none up to a distance of 3, one up to
    MAX_DISTANCE.
    """
    return [band] if distance < BANDS else [band, *(band ^ (1 << bit) for bit in range(BAND_BITS))]


def distance_between(one: int, other: int) -> int:
    """Returns the number of bits in which two hashes differ."""
    return ((one ^ other) & (2**64 - 1)).bit_count()
