"""A client without a browser: signs in at the running site's pages and submits files by a form."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.stack import SignIn


class Person:
    """Keeps cookies between requests; every request goes to `address`, which ends with a slash."""

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str) -> bytes:
        """Returns the body at a path; raises HTTPError for an error status."""
        with self._browser.open(self._address + path, timeout=30) as answer:
            return bytes(answer.read())

    def open(self, path: str) -> Any:
        """Opens a path whose answer takes long, such as events. The caller reads and closes it."""
        return self._browser.open(self._address + path, timeout=60)

    def _post(self, path: str, body: bytes, media_type: str) -> str:
        headers = {"Content-Type": media_type, "Referer": self._address + path}
        request = urllib.request.Request(self._address + path, body, headers)  # noqa: S310  # the site's own address
        with self._browser.open(request, timeout=60) as answer:
            return str(answer.url).removeprefix(self._address)

    def _token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).decode())
        assert found, f"no form at {path}"
        return found[1]

    def sign_in(self, who: SignIn) -> None:
        """Sign in with the form; fails where the site refuses."""
        fields = {
            "csrfmiddlewaretoken": self._token("/account/login/"),
            "login": who.email,
            "password": who.password,
        }
        form = urllib.parse.urlencode(fields).encode()
        assert self._post("/account/login/", form, "application/x-www-form-urlencoded") == "/"

    def post(self, path: str, fields: dict[str, str], *, form: str) -> str:
        """Send a form that is on the page `form`. Returns the path where the site leads."""
        data = {"csrfmiddlewaretoken": self._token(form), **fields}
        return self._post(path, urllib.parse.urlencode(data).encode(), "application/x-www-form-urlencoded")

    def submit(self, files: Iterable[tuple[str, bytes]]) -> str:
        """Submit files (name, content) as one job. Returns the path of its page."""
        data = {
            "csrfmiddlewaretoken": self._token("/"),
            "pictures": [SimpleUploadedFile(name, content) for name, content in files],
        }
        return self._post("/jobs/", encode_multipart(BOUNDARY, data), MULTIPART_CONTENT)
