"""Database constraints: invalid rows are refused, whoever writes them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import User
from common.ids import new_id
from jobs.models import Discard, Job, Matte, Picture, Receipt, Rendition, Tag, Upload
from tests.jobs.factories import bare_job, bare_uploads, complete, pictures_of

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def refused(queryset: models.QuerySet[Any], constraint: str, **facts: object) -> None:
    """Asserts that this update violates the constraint and changes nothing."""
    before = list(queryset.values())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        queryset.update(**facts)
    assert list(queryset.values()) == before


def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("job_state_known", {"state": "paused", "finished_at": NOW}),
        ("job_lane_known", {"lane": "express"}),
        ("job_has_pictures", {"picture_count": 0}),
        ("job_ended_when_not_active", {"state": "finished"}),
        ("job_ended_when_not_active", {"state": "cancelled"}),
        ("job_ended_when_not_active", {"finished_at": NOW}),
    ],
)
def test_constraints_of_jobs(user: User, constraint: str, facts: dict[str, Any]) -> None:
    refused(Job.objects.filter(pk=bare_job(user).pk), constraint, **facts)


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("picture_state_known", {"state": "resting", "finished_at": NOW}),
        ("picture_leased_when_running", {"state": "running"}),
        ("picture_leased_when_running", {"state": "running", "lease_token": uuid4()}),
        ("picture_leased_when_running", {"lease_token": uuid4()}),
        ("picture_leased_when_running", {"lease_until": NOW}),
        ("picture_ended_has_time", {"state": "done"}),
        ("picture_ended_has_time", {"state": "cancelled"}),
        ("picture_ended_has_time", {"finished_at": NOW}),
        ("picture_failed_says_why", {"state": "failed", "finished_at": NOW}),
        ("picture_failed_says_why", {"state": "failed", "finished_at": NOW, "error_code": "broken"}),
        ("picture_failed_says_why", {"state": "failed", "finished_at": NOW, "error_sentence": "It broke."}),
        ("picture_failed_says_why", {"error_code": "broken"}),
        ("picture_worked_on_has_source", {"source_key": ""}),
        ("picture_worked_on_has_source", {"state": "done", "finished_at": NOW, "source_key": ""}),
    ],
)
def test_constraints_of_pictures(user: User, constraint: str, facts: dict[str, Any]) -> None:
    refused(Picture.objects.filter(job=bare_job(user)), constraint, **facts)


def test_picture_positions_are_unique_within_a_job(user: User) -> None:
    job = bare_job(user, 2)
    with pytest.raises(IntegrityError, match="position"), transaction.atomic():
        Picture.objects.filter(job=job, position=1).update(position=0)


@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("upload_state_known", {"state": "lost"}),
        ("upload_refused_says_why", {"state": "refused"}),
        ("upload_refused_says_why", {"state": "refused", "error_code": "empty_file"}),
        ("upload_checked_has_facts", {"size": None}),
        ("upload_checked_has_facts", {"size": 0}),
        ("upload_checked_has_facts", {"width": None}),
        ("upload_checked_has_facts", {"height": 0}),
    ],
)
def test_constraints_of_uploads(user: User, constraint: str, facts: dict[str, Any]) -> None:
    refused(Upload.objects.filter(pk__in=bare_uploads(user, 1)), constraint, **facts)


@pytest.mark.parametrize(
    ("model", "constraint", "facts"),
    [
        (Matte, "matte_revision_from_one", {"revision": 0}),
        (Matte, "matte_confidence_in_range", {"confidence": 1.01}),
        (Matte, "matte_confidence_in_range", {"confidence": -0.01}),
        (Rendition, "rendition_not_empty", {"size": 0}),
    ],
)
def test_constraints_of_mattes_and_renditions(
    user: User, model: type[models.Model], constraint: str, facts: dict[str, Any]
) -> None:
    complete(pictures_of(bare_job(user))[0])
    refused(model._default_manager.all(), constraint, **facts)


def test_mattes_and_renditions_are_unique(user: User) -> None:
    rendition = complete(pictures_of(bare_job(user))[0])
    matte = rendition.matte
    for double in (matte, rendition):
        double.pk = new_id()
        with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
            double.save(force_insert=True)
    assert (Matte.objects.count(), Rendition.objects.count()) == (1, 1)


def test_a_deleted_job_has_one_receipt(user: User) -> None:
    facts = {"title": "t", "picture_count": 1, "reason": "owner", "job_created_at": NOW}
    receipt = Receipt.objects.create(user=user, job=uuid4(), **facts)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Receipt.objects.create(user=user, job=receipt.job, **facts)
    assert Receipt.objects.count() == 1


@pytest.mark.parametrize("again", ["shoes", "SHOES"])
def test_tag_names_are_unique_for_each_user_ignoring_case(user: User, stranger: User, again: str) -> None:
    Tag.objects.create(user=user, name="Shoes")
    Tag.objects.create(user=stranger, name=again)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Tag.objects.create(user=user, name=again)
    refused(Tag.objects.filter(user=user), "tag_not_empty", name="")


def test_discards_are_unique() -> None:
    Discard.objects.create(key="sources/1")
    with pytest.raises(IntegrityError, match=r"(?i)unique"), transaction.atomic():
        Discard.objects.create(key="sources/1")


def test_every_named_constraint_has_a_test() -> None:
    """Fails if a new constraint has no test."""
    named = {
        constraint.name
        for model in apps.get_app_config("jobs").get_models()
        for constraint in model._meta.constraints
    }
    assert named == {
        "job_state_known",
        "job_lane_known",
        "job_has_pictures",
        "job_ended_when_not_active",
        "picture_position_unique",
        "picture_state_known",
        "picture_leased_when_running",
        "picture_ended_has_time",
        "picture_failed_says_why",
        "picture_worked_on_has_source",
        "upload_state_known",
        "upload_refused_says_why",
        "upload_checked_has_facts",
        "matte_revision_unique",
        "matte_revision_from_one",
        "matte_confidence_in_range",
        "rendition_unique",
        "rendition_not_empty",
        "receipt_one_a_job",
        "tag_once_a_user",
        "tag_not_empty",
        "webhook_off_says_why",
        "webhook_one_secret",
        "webhook_delivery_unique",
        "webhook_delivery_waits_or_ended",
        "webhook_attempt_says_how",
        # tests/jobs/test_api_models.py
        "rendition_request_unique",
        "rendition_request_revision_unique",
        "rendition_request_of_a_matte",
        "rendition_request_leased_when_running",
        "rendition_request_failed_says_why",
        # tests/jobs/queue/test_lines.py
        "rendition_request_state_known",
        "thumbnail_request_state_known",
        "thumbnail_request_leased_when_running",
        "thumbnail_request_failed_says_why",
        # tests/jobs/test_trust_models.py
        "data_export_one_at_a_time",
        "data_export_ends",
        "data_export_failed_says_why",
        "refused_picture_bands_of_hash",
        "share_kind_known",
        "share_expires_after_creation",
        # tests/jobs/moderation/test_constraints.py
        "case_one_open_a_target",
        "case_one_open_an_account",
        "case_has_target",
        "case_decided_has_time",
        "case_assigned_has_time",
        "flag_one_a_kind",
        "decision_suspension_has_end",
        "decision_deletion_stays",
        "appeal_answered_is_complete",
        # tests/jobs/test_api_models.py
        "preset_once_a_user",
        "preset_has_name",
        "backdrop_once_a_user",
        "idempotency_once_a_user",
        "daily_figures_unique",
        "daily_failures_unique",
        "daily_times_unique",
        "feedback_verdict_known",
        "feedback_up_has_no_reasons",
    }


def test_identifiers_sort_by_time_and_do_not_repeat() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert {one.version for one in ids} == {7}


def test_which_picture_states_are_final(user: User) -> None:
    picture = pictures_of(bare_job(user))[0]
    ended = {state: Picture(state=state).ended for state in Picture.State.values}
    assert ended == {"queued": False, "running": False, "done": True, "failed": True, "cancelled": True}
    assert picture.queued_at - timezone.now() < timedelta(seconds=1)
    assert str(picture) == "picture-0.png"
