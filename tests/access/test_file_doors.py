"""What a browser does with files that people sent: it never takes one for a page of this site.

Every URL of the site is asked for, so a new one that serves a file is here at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from jobs import storage
from jobs.models import Upload
from jobs.services import shares, submit, uploads
from jobs.serving import FILE_POLICY, SHOWN, serve_file
from segmentation.recipe import Recipe
from tests.access.addresses import all_of_them
from tests.access.test_matrix import things  # noqa: F401  # a fixture
from tests.conftest import make_picture
from tests.jobs.factories import complete, pictures_of
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SCRIPT: Final = b"<script>alert(document.domain)</script>"
# What our own pages, APIs and scripts answer with. They have the policy of pages.
OURS: Final = (
    "text/html",
    "application/json",
    "application/problem+json",
    "text/javascript",
    "text/event-stream",
    "text/plain",
    "application/vnd.oai.openapi",
)
# Endless, or not for a test: the event stream waits for events.
LEFT_OUT: Final = {"jobs:events"}


def address_of(name: str, ids: dict[str, Any]) -> str | None:
    """Returns the URL of that name; None where it needs an id that no object here has."""
    try:
        wanted = all_of_them()[name].pattern.regex.groupindex
        return reverse(name, kwargs={one: ids[one] for one in wanted})
    except (KeyError, NoReverseMatch):
        return None


@pytest.fixture
def polyglot(user: User) -> bytes:
    """A picture that is also a page, as the source of a finished picture of the user."""
    content = make_picture() + SCRIPT
    upload = uploads.take_in(user, "page.html.png", ContentFile(content), len(content))
    assert upload.state == Upload.State.UPLOADED
    job = submit.submit(user, [upload.pk], Recipe(model="u2netp"))
    complete(pictures_of(job)[0])
    return content


def test_every_url_that_serves_a_file_serves_it_harmlessly(
    user: User,
    client_of: Callable[[User], Client],
    polyglot: bytes,
    things: dict[str, Any],  # noqa: F811
) -> None:
    user.is_staff = user.is_superuser = True
    user.save()
    picture = pictures_of(user.jobs.order_by("created_at").first())[0]
    rows = things["rows"]
    ids = {
        **things,
        "picture_id": picture.pk,
        "job_id": picture.job_id,
        "rendition_id": rows["jobs_rendition"].pk,
        "matte_id": rows["jobs_matte"].pk,
        "token": shares.create(user, picture.job, may_download=True).token,
    }
    client, files = client_of(user), set()
    for name in sorted(set(all_of_them()) - LEFT_OUT):
        address = address_of(name, ids)
        for query in ({}, {"inline": ""}) if address else ():
            answer = client.get(address, query)
            media_type = answer.headers.get("Content-Type", "").partition(";")[0]
            if answer.status_code != 200 or media_type.startswith(OURS):
                assert SCRIPT not in body_of(answer), name
                continue
            files.add(name)
            assert answer["X-Content-Type-Options"] == "nosniff", name
            disposition = answer["Content-Disposition"]
            assert disposition.startswith("attachment") or media_type in SHOWN, name
            if media_type != "text/csv":
                assert answer["Content-Security-Policy"] == FILE_POLICY, name
            if SCRIPT in body_of(answer):
                assert disposition.startswith("attachment"), f"{name} shows a file as it was sent"
                assert media_type not in {"text/html", "image/svg+xml", "application/pdf"}, name
    assert files >= {
        "jobs:source",
        "jobs:thumb",
        "jobs:preview",
        "jobs:result",
        "jobs:zip",
        "api:picture-source",
        "api:picture-result",
        "api:picture-thumb",
        "api:picture-preview",
        "api:rendition-file",
        "api:matte-file",
        "api:job-results",
        "jobs:shared_preview",
        "jobs:shared_file",
        "jobs:shared_zip",
        "admin:jobs_picture_thumb",
        "admin:jobs_picture_preview",
        "admin:jobs_improvement_file",
    }


def test_small_pictures_and_results_are_encoded_anew(
    user: User, client_of: Callable[[User], Client], polyglot: bytes
) -> None:
    """Nothing of the sent file is in what a browser shows."""
    picture = pictures_of(user.jobs.get())[0]
    client = client_of(user)
    for name in ("thumb", "preview", "result"):
        answer = client.get(reverse(f"jobs:{name}", args=[picture.pk]), {"inline": ""})
        assert SCRIPT not in body_of(answer)
    assert body_of(client.get(reverse("jobs:source", args=[picture.pk]))) == polyglot


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>",
        b"<!doctype html><html>" + SCRIPT,
        b"%PDF-1.7\n" + SCRIPT,
        b"GIF89a/*" + SCRIPT,
        b"\xff\xd8\xff\xe0" + SCRIPT,
    ],
    ids=["svg", "html", "pdf", "gif header", "jpeg header"],
)
def test_what_is_no_picture_is_refused(content: bytes, user: User) -> None:
    upload = uploads.take_in(user, "picture.png", ContentFile(content), len(content))
    assert upload.state == Upload.State.REFUSED
    assert upload.error_sentence


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/pdf", "image/tiff"])
def test_only_our_raster_types_are_shown(media_type: str) -> None:
    storage.write("sources/x", b"content")
    answer = serve_file("sources/x", media_type=media_type, name="x.png", download=False)
    assert answer["Content-Disposition"].startswith("attachment")


def test_the_store_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The response headers in a presigned URL: the store's answer is no page either."""
    asked: list[dict[str, Any]] = []

    def presigned(key: str, **more: Any) -> str:
        asked.append(more)
        return "https://store.example.org/x"

    monkeypatch.setattr("jobs.serving.storage.download_url", presigned)
    for media_type, download in (("image/webp", False), ("image/svg+xml", False), ("image/png", True)):
        answer = serve_file("sources/x", media_type=media_type, name="x", download=download)
        assert answer.status_code == 302
    assert [one["download"] for one in asked] == [False, True, True]
