"""A running platform, and what real clients need: a token, and photos at a URL."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgplatform.local.state import ROOT
from segmentation import weights
from tests.conftest import make_picture
from tests.stack import Stack

PACKAGE = "remove.bg@1.3.0"
INSTALL_SECONDS = 120


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The platform as `make run` starts it, allowed to fetch from this machine."""
    if weights.verified("u2netp") is None:
        pytest.skip("the weights of u2netp were not pulled")
    with Stack(tmp_path_factory.mktemp("platform"), FETCH_PRIVATE_NETWORKS="127.0.0.0/8") as running:
        yield running


@pytest.fixture(scope="package")
def base(stack: Stack) -> str:
    """The API's base URL, without a trailing slash."""
    return f"{stack.address}v1.0"


@pytest.fixture(scope="package")
def token(stack: Stack) -> str:
    """A token that may read and submit."""
    return stack.token("client", "--scope", "read", "--scope", "submit")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A different JPEG for each test, so that results are not shared."""
    path = tmp_path / "disc.jpg"
    path.write_bytes(make_picture(900, 600, format="JPEG", seed=abs(hash(tmp_path)) % 2**31))
    return path


@pytest.fixture
def photo_address(photo: Path) -> Iterator[str]:
    """The URL of the photo on a third-party server."""
    handler = functools.partial(Quiet, directory=str(photo.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{photo.name}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server without log output."""

    def log_message(self, *_: object) -> None:
        """Discard the log line."""


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """A folder with the npm client, installed once into the state folder of the tree."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("there is no Node.js here (on Debian: apt-get install nodejs npm)")
    folder = ROOT / "var" / "clients"
    # npm writes this file last; without it an earlier installation was interrupted.
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(folder),
            PACKAGE,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm could not fetch {PACKAGE}: the registry is out of reach")
    return folder
