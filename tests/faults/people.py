"""Clients that upload and submit through the real web and the real store, and retry on failures."""

from __future__ import annotations

import io
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import urllib3
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.faults import marks

TRY_SECONDS = 150.0
PAUSE_SECONDS = 0.5


class GaveUpError(Exception):
    """Something did not recover within TRY_SECONDS."""


def good(seed: int) -> bytes:
    """Returns a distinct small picture in one of three formats."""
    pen = random.Random(seed)
    noise = np.random.default_rng(seed).integers(0, 60, (48, 64, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    ImageDraw.Draw(picture).ellipse((pen.randint(4, 16), 6, 50, 44), fill=(230, pen.randint(90, 200), 90))
    out = io.BytesIO()
    picture.save(out, pen.choice(["PNG", "JPEG", "WEBP"]))
    return out.getvalue()


def broken(seed: int) -> bytes:
    """A PNG with a valid header and truncated pixels: accepted at upload, impossible to decode."""
    noise = np.random.default_rng(seed).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()[:9000]


def text(seed: int) -> bytes:
    """Not a picture: refused at upload."""
    return f"This is no picture, {seed} times.".encode() * 20


def marked(comment: bytes) -> Callable[[int], bytes]:
    """Returns a generator of pictures that crash or hang the fragile worker."""

    def make(seed: int) -> bytes:
        info, out = PngInfo(), io.BytesIO()
        info.add_text("Comment", comment.decode())
        Image.new("RGB", (64, 48), (seed % 255, 90, 30)).save(out, "PNG", pnginfo=info)
        return out.getvalue()

    return make


KINDS: dict[str, Callable[[int], bytes]] = {
    "good": good,
    "broken": broken,
    "text": text,
    "killer": marked(marks.KILLS),
    "hanger": marked(marks.HANGS),
}


@dataclass
class Person(threading.Thread):
    """Submits `batches`, lists of (name, content), with pauses; `address` has no trailing slash."""

    address: str
    session: str
    batches: list[list[tuple[str, bytes]]]
    pauses: list[float]
    retries: int = 0
    jobs: list[str] = field(default_factory=list)
    # The upload URLs.
    targets: list[str] = field(default_factory=list)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._http = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=3, read=20)
        )
        token = "t" * 32
        self._headers = {"Cookie": f"sessionid={self.session}; csrftoken={token}", "X-CSRFToken": token}
        self._headers["Accept"] = "application/json"

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Submit everything; an exception is stored in `error`."""
        try:
            for batch, pause in zip(self.batches, self.pauses, strict=True):
                self._submit([self.upload(name, content) for name, content in batch])
                time.sleep(pause)
        except BaseException as error:
            self.error = error
            raise

    def upload(self, name: str, content: bytes) -> str:
        """Start, send and finish one upload. Returns its id."""
        said = json.dumps({"name": name, "size": len(content)}).encode()
        begun = json.loads(self._ask("/uploads/", said, "application/json", {201}).data)
        target = begun["target"]
        fields = {**target["fields"], "file": (name, content, "application/octet-stream")}
        # A relative address is the web's own upload endpoint.
        self.targets.append(target["url"])
        own = target["url"].startswith("/")
        url = self.address + target["url"] if own else target["url"]
        headers = self._headers if own else None
        self._until(lambda: self._http.request("POST", url, fields=fields, headers=headers), {204})
        self._ask(begun["finish_url"], b"", "application/json", {200, 422})
        return str(begun["id"])

    def _submit(self, uploads: list[str]) -> None:
        fields = urllib3.filepost.encode_multipart_formdata([("uploads", one) for one in uploads])
        answer = self._ask("/jobs/", fields[0], fields[1], {201, 422})
        if answer.status == 201:
            self.jobs.append(json.loads(answer.data)["id"])
        elif json.loads(answer.data)["code"] != "upload_not_ready":
            # A retry after a lost response: the uploads are in a job already.
            raise GaveUpError(answer.data.decode())

    def ask(self, path: str) -> bytes:
        """Returns the body at a path."""
        return bytes(
            self._until(
                lambda: self._http.request("GET", self.address + path, headers=self._headers), {200}
            ).data
        )

    def open(self, path: str) -> Any:
        """Returns the response at a path, for reading in pieces."""
        answer = self._http.request("GET", self.address + path, headers=self._headers, preload_content=False)
        if answer.status != 200:
            raise GaveUpError(f"{answer.status} at {path}")
        return answer

    def _ask(self, path: str, body: bytes, kind: str, fine: set[int]) -> Any:
        headers = {**self._headers, "Content-Type": kind}
        return self._until(
            lambda: self._http.request("POST", self.address + path, body=body, headers=headers), fine
        )

    def _until(self, act: Callable[[], Any], fine: set[int]) -> Any:
        deadline = time.monotonic() + TRY_SECONDS
        while True:
            try:
                answer = act()
                if answer.status in fine:
                    return answer
                problem = f"{answer.status} {answer.data[:300]!r}"
                if answer.status < 500:
                    raise GaveUpError(problem)
            except urllib3.exceptions.HTTPError as error:
                problem = repr(error)
            if time.monotonic() > deadline:
                raise GaveUpError(problem)
            self.retries += 1
            time.sleep(PAUSE_SECONDS)
