"""The base of all application errors: a stable code, a sentence for people, and an HTTP status."""

from __future__ import annotations


class SiteError(Exception):
    """Base class of the apps' errors."""

    status = 400

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    def as_dict(self) -> dict[str, str]:
        """Returns the API's representation."""
        return {"code": self.code, "sentence": self.sentence}
