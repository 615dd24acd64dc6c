"""The base of every refusal: a stable code, a sentence for a person, and an HTTP status."""

from __future__ import annotations


class SiteError(Exception):
    """Base of all rooms' refusals."""

    status = 400

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    def as_dict(self) -> dict[str, str]:
        """As it goes over the wire."""
        return {"code": self.code, "sentence": self.sentence}
