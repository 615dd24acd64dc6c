"""Every example of docs/api/README.md runs as printed, with a worker beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from PIL import Image

from accounts.models import User
from jobs.models import Picture, RenditionRequest
from jobs.worker import processing, rendering
from tests.conftest import make_job, make_picture
from tests.jobs.api.program import Program

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(300),
]
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "api" / "README.md"
SNIPPETS = re.findall(r"^```(bash|python|javascript)\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
RUNS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}


@pytest.fixture
def worker() -> Iterator[None]:
    """Does a worker's job in a thread of this process until the test ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            for picture in list(Picture.objects.filter(state="queued").values_list("pk", flat=True)):
                processing.process(picture)
            for rendition_request in list(
                RenditionRequest.objects.filter(state="queued").values_list("pk", flat=True)
            ):
                rendering.fulfil(rendition_request)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pictures that the examples name."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "photo.jpg").write_bytes(make_picture(160, 120, format="JPEG"))
    (here / "shoe.png").write_bytes(make_picture(120, 160, seed=2))
    return here


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("number", range(len(SNIPPETS)), ids=lambda at: f"{at}-{SNIPPETS[at][0]}")
def test_the_example_runs(number: int, live_server: Any, user: User, folder: Path) -> None:
    language, text = SNIPPETS[number]
    program = RUNS[language]
    if shutil.which(program[0]) is None:
        pytest.skip(f"{program[0]} is not installed here")
    for picture in Picture.objects.filter(job=make_job(user)):
        # The examples call it "the newest job".
        while Picture.objects.get(pk=picture.pk).state != "done":
            threading.Event().wait(0.05)
    done = subprocess.run(
        [*program, text],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "SITE": live_server.url, "TOKEN": Program(user).secret},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    made = sorted(path for path in folder.iterdir() if path.name not in {"photo.jpg", "shoe.png", "job.json"})
    if not made:
        # An example that changes something prints the answer.
        assert json.loads(done.stdout)["verdict"] == "down"
    for path in made:
        if path.suffix == ".zip":
            assert len(zipfile.ZipFile(path).namelist()) == 2
        else:
            with Image.open(path) as picture:
                assert picture.format == {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[path.suffix]


def test_each_language_has_an_example() -> None:
    assert {language for language, _ in SNIPPETS} == set(RUNS)
