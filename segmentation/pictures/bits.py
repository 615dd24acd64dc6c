"""A bit reader, most significant bit first, for the headers of video codecs."""

from __future__ import annotations


class Bits:
    """Reads bits from bytes. Raises ValueError past the end."""

    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content)
        self._left = len(content) * 8

    def take(self, count: int) -> int:
        """Returns the next `count` bits as an unsigned number."""
        if count > self._left:
            raise ValueError("bits past the end")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """Reads an unsigned Exp-Golomb number (ITU-T H.265, 9.2), which is also AV1's uvlc()."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("no number")
        return (1 << zeros) - 1 + self.take(zeros)
