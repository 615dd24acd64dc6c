"""The admin of jobs: search, view and delete, within the permissions of staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from jobs.models import Improvement, Job, Matte, Picture, Rendition, Upload
from jobs.services import improvements, lines, submit, uploads
from jobs.services.synchronous import Source
from segmentation import pictures
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload
from tests.jobs.factories import bare_job, complete, complete_all, pictures_of, stored_files
from tests.jobs.views.answers import body_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
MARKUP = '"><img src=x onerror=alert(1)>.png'


@pytest.fixture
def root(make_user: Callable[..., User], client_of: Any) -> Client:
    """An administrator's browser."""
    client: Client = client_of(make_user("root@example.org", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff_with(make_user: Callable[..., User], client_of: Any) -> Callable[..., Client]:
    """A browser of a staff member with these permissions."""

    def make(*codenames: str) -> Client:
        staff = make_user(is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        assert staff.user_permissions.count() == len(codenames)
        client: Client = client_of(staff)
        return client

    return make


@pytest.fixture
def job(user: User) -> Job:
    """One picture done, one failed."""
    made = make_job(user, 2)
    done, failed = pictures_of(made)
    complete(done)
    claim = lines.PICTURES.claim(failed.pk)
    assert claim is not None
    lines.PICTURES.fail(claim, "broken", "It is broken.")
    return made


MODELS = [f"{model._meta.app_label}_{model._meta.model_name}" for model in site._registry]


@pytest.mark.parametrize("model", MODELS)
def test_every_list_opens_and_can_be_searched(root: Client, job: Job, model: str) -> None:
    address = reverse(f"admin:{model}_changelist")
    assert root.get(address).status_code == 200
    for word in ("disc", str(job.pk), "ada@example.org", "%", "'; --", "\0" * 3, "x" * 1000):
        assert root.get(address, {"q": word}).status_code in {200, 302}, word


@pytest.mark.parametrize("model", [Job, Picture, Matte, Rendition, Upload, User])
def test_every_row_opens(root: Client, job: Job, model: Any) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    page = root.get(reverse(name, args=[model.objects.first().pk]))
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("model", "query", "found"),
    [
        ("picture", "state=failed", 1),
        ("picture", "state__exact=failed", 1),
        ("picture", "error_code__exact=broken", 1),
        ("picture", "q=disc-1", 1),
        ("picture", "q=ada@example", 2),
        ("picture", "q=nobody", 0),
        ("matte", "q=disc-0", 1),
        ("matte", "q=disc-1", 0),
        ("rendition", "q=ada@example", 1),
        ("job", "q=disc-1", 1),
        ("job", "q=ada@example", 1),
        ("job", "q=nobody", 0),
        ("upload", "q=ada@example", 2),
        ("upload", "q=disc-1", 0),  # in a job: its picture has the name
        ("job", "state__exact=finished", 1),
        ("job", "state__exact=active", 0),
        ("upload", "state__exact=submitted", 2),
    ],
)
def test_filters_and_search_find(root: Client, job: Job, model: str, query: str, found: int) -> None:
    page = root.get(f"/admin/jobs/{model}/?{query}")
    assert page.status_code == 200
    assert page.context["cl"].result_count == found


@pytest.mark.parametrize(("model", "found"), [("job", 1), ("picture", 2), ("matte", 1), ("rendition", 1)])
def test_a_jobs_id_finds_all_that_belongs_to_it(root: Client, job: Job, model: str, found: int) -> None:
    page = root.get(f"/admin/jobs/{model}/", {"q": str(job.pk)})
    assert page.context["cl"].result_count == found


def test_the_picture_list_has_a_constant_number_of_queries(root: Client, user: User) -> None:
    counts = []
    for size in (2, 30):
        complete_all(bare_job(user, size))
        with CaptureQueriesContext(connection) as queries:
            assert root.get("/admin/jobs/picture/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_the_list_shows_thumbnail_and_preview(root: Client, job: Job) -> None:
    done = pictures_of(job)[0]
    text = root.get("/admin/jobs/picture/").content.decode()
    assert text.count(f'src="/admin/jobs/picture/{done.pk}/thumb/"') == 1
    assert text.count(f'src="/admin/jobs/picture/{done.pk}/preview/"') == 1


def test_names_are_escaped(root: Client, user: User) -> None:
    content = make_picture()
    upload = uploads.take_in(user, MARKUP, ContentFile(content), len(content))
    made = complete_all(submit.submit(user, [upload.pk], Recipe(model="u2netp")))
    picture = pictures_of(made)[0]
    for address in (
        "/admin/jobs/job/",
        f"/admin/jobs/job/{made.pk}/change/",
        f"/admin/jobs/job/{made.pk}/delete/",
        "/admin/jobs/picture/",
        f"/admin/jobs/picture/{picture.pk}/change/",
        f"/admin/jobs/picture/{picture.pk}/delete/",
        "/admin/jobs/upload/",
        "/admin/jobs/matte/",
        "/admin/jobs/rendition/",
    ):
        page = root.get(address)
        assert page.status_code == 200, address
        assert "<img src=x" not in page.content.decode(), address


SMALL = ["thumb", "preview"]


@pytest.mark.parametrize("which", SMALL)
def test_thumbnails_need_the_permission_to_view_pictures(
    job: Job, staff_with: Callable[..., Client], which: str
) -> None:
    picture = pictures_of(job)[0]
    address = f"/admin/jobs/picture/{picture.pk}/{which}/"
    response = staff_with("view_picture").get(address)
    assert body_of(response)[:4] == b"RIFF"
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"].startswith("private")
    assert staff_with().get(address).status_code == 404
    assert staff_with("view_job", "delete_picture").get(address).status_code == 404


@pytest.mark.parametrize("which", SMALL)
def test_thumbnails_redirect_everybody_else_to_the_login(
    job: Job, user: User, client_of: Any, which: str
) -> None:
    address = f"/admin/jobs/picture/{pictures_of(job)[0].pk}/{which}/"
    for client in (Client(), client_of(user)):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith(("/account/login/", "/admin/login/"))


@pytest.mark.parametrize("which", SMALL)
def test_missing_thumbnails_are_a_404(root: Client, job: Job, which: str) -> None:
    failed = pictures_of(job)[1]
    assert root.get(f"/admin/jobs/picture/{failed.pk}/{which}/").status_code == 404
    assert root.get(f"/admin/jobs/picture/{uuid4()}/{which}/").status_code == 404


@pytest.mark.parametrize("address", ["/admin/", "/admin/jobs/job/", "/admin/accounts/user/"])
def test_the_admin_is_for_staff(user: User, client_of: Any, address: str) -> None:
    for client in (Client(), client_of(user)):
        assert client.get(address).status_code == 302


def test_staff_without_permissions_see_no_lists(staff_with: Callable[..., Client]) -> None:
    client = staff_with()
    assert client.get("/admin/").status_code == 200
    for model in ("job", "picture", "matte", "rendition", "upload"):
        assert client.get(f"/admin/jobs/{model}/").status_code == 403


@pytest.mark.parametrize("model", ["job", "picture", "matte", "rendition", "upload"])
def test_staff_cannot_edit_rows_of_workers(root: Client, job: Job, model: str) -> None:
    table = {"job": Job, "picture": Picture, "matte": Matte, "rendition": Rendition, "upload": Upload}[model]
    row = table.objects.first()
    before = list(table.objects.order_by("pk").values())
    assert root.get(f"/admin/jobs/{model}/add/").status_code == 403
    assert (
        root.post(f"/admin/jobs/{model}/{row.pk}/change/", {"name": "other", "state": "done"}).status_code
        == 403
    )
    if model in {"matte", "rendition", "upload"}:
        assert root.post(f"/admin/jobs/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(table.objects.order_by("pk").values()) == before


def select(client: Client, model: str, *rows: Any) -> Any:
    return client.post(
        f"/admin/jobs/{model}/",
        {"action": "delete_selected", "_selected_action": [str(row.pk) for row in rows], "post": "yes"},
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_jobs_are_deleted_with_their_files(root: Client, user: User) -> None:
    one, two, kept = (complete_all(make_job(user)) for _ in range(3))
    assert root.post(f"/admin/jobs/job/{one.pk}/delete/", {"post": "yes"}).status_code == 302
    assert len(stored_files()) == 10
    assert select(root, "job", two).status_code == 302
    assert len(stored_files()) == 5
    assert list(Job.objects.all()) == [kept]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_pictures_are_deleted_with_their_files(root: Client, user: User) -> None:
    job = complete_all(make_job(user, 3))
    one, two, kept = pictures_of(job)
    root.post(f"/admin/jobs/picture/{one.pk}/delete/", {"post": "yes"})
    select(root, "picture", two)
    assert pictures_of(job) == [kept]
    assert len(stored_files()) == 5
    assert Upload.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_the_permission_to_delete_jobs_covers_dependent_rows(
    user: User, staff_with: Callable[..., Client]
) -> None:
    job = complete_all(make_job(user))
    client = staff_with("view_job", "delete_job")
    assert client.post(f"/admin/jobs/job/{job.pk}/delete/", {"post": "yes"}).status_code == 302
    assert stored_files() == []


def test_deletion_requires_the_permission(job: Job, staff_with: Callable[..., Client]) -> None:
    client = staff_with("view_job", "view_picture")
    assert client.post(f"/admin/jobs/job/{job.pk}/delete/", {"post": "yes"}).status_code == 403
    select(client, "job", job)
    assert Job.objects.filter(pk=job.pk).exists()


@pytest.mark.parametrize("has_files", [True, False])
def test_accounts_cannot_be_deleted_in_the_admin(root: Client, user: User, has_files: bool) -> None:
    if has_files:
        make_upload(user)
    assert root.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
    root.post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": [str(user.pk)], "post": "yes"},
    )
    assert User.objects.filter(pk=user.pk).exists()
    assert len(stored_files()) == has_files


def test_an_account_created_by_staff_can_sign_in(root: Client, valkey: object) -> None:
    password = "a long and good one 42"
    response = root.post(
        "/admin/accounts/user/add/",
        {"email": "New.Person@Example.org", "password1": password, "password2": password},
    )
    assert response.status_code == 302
    made = User.objects.get(email="new.person@example.org")
    client = Client()
    client.post("/account/login/", {"login": "New.Person@example.org", "password": password})
    assert client.session["_auth_user_id"] == str(made.pk)


def test_a_second_account_with_the_same_address_is_refused(root: Client, user: User) -> None:
    response = root.post(
        "/admin/accounts/user/add/",
        {
            "email": "ADA@example.org",
            "password1": "a long and good one 42",
            "password2": "a long and good one 42",
        },
    )
    assert response.status_code == 200
    assert "already exists" in response.content.decode()
    assert User.objects.filter(email__iexact="ada@example.org").count() == 1


def act(client: Client, action: str, *jobs: Job, **more: str) -> Any:
    """Runs an admin action on the given jobs."""
    data = {"action": action, "_selected_action": [str(job.pk) for job in jobs], **more}
    return client.post("/admin/jobs/job/", data, follow=True)


def test_staff_cancel_and_retry_jobs(root: Client, user: User, job: Job) -> None:
    waiting = make_job(user, 3)
    answer = act(root, "cancel_chosen", waiting, job)
    assert "Cancelled: 3 pictures." in answer.content.decode()
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"

    Picture.objects.filter(job=job, state="failed").update(error_code="internal_error")
    assert "Retried: 4 pictures." in act(root, "retry_chosen", waiting, job).content.decode()
    assert set(Job.objects.values_list("state", flat=True)) == {"active"}
    assert "Retried: 0 pictures." in act(root, "retry_chosen", job).content.decode()


def test_staff_run_a_job_again_for_its_owner(root: Client, user: User, job: Job) -> None:
    asked = act(root, "again_chosen", job)
    assert "Run again with other options" in asked.content.decode()
    assert Job.objects.count() == 1
    options = {"model": "u2netp", "refine": "best", "background": "#ffffff", "format": "jpeg"}
    wrong = act(root, "again_chosen", job, again="yes", **{**options, "format": "exe"})
    assert "Select a valid choice" in wrong.content.decode()

    done = act(root, "again_chosen", job, again="yes", **options)
    assert "Running again: 1 jobs." in done.content.decode()
    new = Job.objects.exclude(pk=job.pk).get()
    assert (new.user, new.picture_count, new.recipe["refine"]) == (user, 2, "best")
    assert (new.recipe["background"]["colour"], new.recipe["format"]) == ("#ffffff", "jpeg")


def test_a_refused_job_does_not_stop_the_others(root: Client, user: User) -> None:
    refused = submit.submit(user, [make_upload(user, "a.png", b"no picture").pk], Recipe(model="u2netp"))
    fine = make_job(user)
    options = {"model": "u2netp", "refine": "fast", "background": "transparent", "format": "png"}
    page = act(root, "again_chosen", refused, fine, again="yes", **options).content.decode()
    assert "a.png: This job has no pictures that could be run again." in page
    assert "Running again: 1 jobs." in page


def test_actions_require_the_permission_to_change_jobs(staff_with: Callable[..., Client], user: User) -> None:
    job = make_job(user)
    client = staff_with("view_job")
    assert "cancel_chosen" not in client.get("/admin/jobs/job/").content.decode()
    for action in ("cancel_chosen", "retry_chosen", "again_chosen"):
        act(client, action, job, again="yes")
    job.refresh_from_db()
    assert (job.state, Job.objects.count()) == ("active", 1)
    assert "cancel_chosen" in staff_with("view_job", "change_job").get("/admin/jobs/job/").content.decode()


def test_lists_limit_their_count_query(root: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.paging.MOST", 3)
    bare_job(user, 5)
    page = root.get("/admin/jobs/picture/")
    assert page.context["cl"].result_count == 3
    with CaptureQueriesContext(connection) as queries:
        root.get("/admin/jobs/picture/")
    asked = [query["sql"] for query in queries if "jobs_picture" in query["sql"]]
    counts = [sql for sql in asked if "COUNT(" in sql]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts)


def test_staff_view_and_download_improvements(
    root: Client, user: User, staff_with: Callable[..., Client]
) -> None:
    content = make_picture()
    source = Source(content, MARKUP, pictures.inspect(content))
    kept = improvements.keep(user, source, "hair")
    page = root.get("/admin/jobs/improvement/?q=hair").content.decode()
    address = f"/admin/jobs/improvement/{kept.pk}/file/"
    assert f'<a href="{address}" download>Download</a>' in page
    assert "<img src=x" not in page
    change = root.get(f"/admin/jobs/improvement/{kept.pk}/change/")
    assert (change.status_code, address in change.content.decode()) == (200, True)
    answer = root.get(address)
    assert body_of(answer) == content
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
    for name in ("add", f"{kept.pk}/delete"):
        assert root.get(f"/admin/jobs/improvement/{name}/").status_code == 403
    root.post(f"/admin/jobs/improvement/{kept.pk}/change/", {"name": "other"})
    assert Improvement.objects.get().name == kept.name
    assert root.get(f"/admin/jobs/improvement/{uuid4()}/file/").status_code == 404
    assert staff_with("view_job").get(address).status_code == 404
    assert staff_with("view_improvement").get(address).status_code == 200
