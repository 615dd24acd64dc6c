"""Private responses are never cached: every URL, requested by its owner and by staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.models import User
from bgplatform.cache_control import PrivateMiddleware
from tests.access.addresses import all_of_them
from tests.access.test_matrix import ROWS, address_of, things  # noqa: F401  # a fixture
from tests.jobs.views.test_access import ADDRESSES

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("valkey"),
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
SignIn = Callable[[User], Client]

# Contains nothing private.
PUBLIC: Final = {"favicon", "robots", "admin:jsi18n"}
# The user's own files: the browser may cache them, proxies may not.
FILES: Final = {"jobs:result", "jobs:preview", "jobs:thumb", "jobs:source", "jobs:shared_preview"}
FILES_OF_STAFF: Final = {
    "admin:jobs_picture_thumb",
    "admin:jobs_picture_preview",
    "admin:jobs_improvement_file",
}
# API responses are revalidated by their ETag.
API: Final = {"api-nowhere"}
GETS: Final = [
    *(name for name, row in ROWS.items() if row.method == "get"),
    *(f"jobs:{name}" for name, (method, _, _) in ADDRESSES.items() if method == "get"),
]


def directives(response: Any) -> set[str]:
    return {part.strip() for part in response.headers.get("Cache-Control", "").split(",")}


@pytest.mark.parametrize("staff", [False, True])
def test_private_responses_are_not_cached(
    staff: bool,
    user: User,
    client_of: SignIn,
    things: dict[str, Any],  # noqa: F811
) -> None:
    user.is_staff = user.is_superuser = staff
    user.save()
    things["job_id"] = things["rows"]["jobs_job"].pk
    wrong = {}
    for name in sorted(set(GETS) - PUBLIC):
        response = client_of(user).get(address_of(name, things))
        found = directives(response)
        is_file = name in FILES | FILES_OF_STAFF and response.status_code == 200
        if not found & ({"private"} if is_file or name in API else {"no-store"}):
            wrong[name] = found
    assert wrong == {}


def test_every_url_is_covered() -> None:
    posts = {name for name, row in ROWS.items() if row.method != "get"}
    posts |= {f"jobs:{name}" for name, (method, _, _) in ADDRESSES.items() if method != "get"}
    left = set(all_of_them()) - set(GETS) - posts
    assert {name for name in left if not name.startswith("api:")} == {
        name for name in left if name.endswith("<path:object_id>/")
    }


def test_a_views_own_cache_header_is_kept(rf: RequestFactory) -> None:
    def view(request: Any) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "public"} if request.path == "/kept" else {})

    site = PrivateMiddleware(view)
    assert site(rf.get("/kept"))["Cache-Control"] == "public"
    assert site(rf.get("/page"))["Cache-Control"] == "private, no-store"
