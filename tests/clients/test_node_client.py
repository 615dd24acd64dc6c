"""npm's `remove.bg` 1.3.0, unmodified, with a preload that only rewrites the address."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.real, pytest.mark.e2e]
SHIM = Path(__file__).with_name("shim.js")
# Calls the named function with options from standard input; prints the result or the error.
RUN = """
const client = require("remove.bg");
const options = JSON.parse(require("fs").readFileSync(0));
client[process.argv[1]](options)
  .then(result => console.log(JSON.stringify({result})), error => console.log(JSON.stringify({error})));
"""


@pytest.fixture
def call(node_modules: Path, base: str) -> Any:
    def run(function: str, **options: object) -> dict[str, Any]:
        done = subprocess.run(
            ["node", "--require", str(SHIM), "-e", RUN, function],
            input=json.dumps(options),
            cwd=node_modules,
            env={**os.environ, "BASE": base, "NODE_PATH": str(node_modules / "node_modules")},
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


def size_of(text: str) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return image.format, image.size


def test_a_file(call: Any, token: str, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    result = call("removeBackgroundFromImageFile", path=str(photo), apiKey=token, outputFile=str(out))[
        "result"
    ]
    assert size_of(result["base64img"]) == ("PNG", (612, 408))
    assert out.read_bytes() == base64.b64decode(result["base64img"])
    assert (result["creditsCharged"], result["detectedType"]) == ("1", "other")
    assert (result["resultWidth"], result["resultHeight"]) == ("612", "408")
    assert result["rateLimit"] == "500"
    assert int(result["rateLimitRemaining"]) < 500


def test_a_file_with_everything(call: Any, token: str, photo: Path) -> None:
    options = {"size": "regular", "type": "product", "crop": True, "crop_margin": "5%", "scale": "80%"}
    result = call(
        "removeBackgroundFromImageFile", path=str(photo), apiKey=token, bg_color="81d4fa", **options
    )
    assert size_of(result["result"]["base64img"])[0] == "JPEG"
    assert result["result"]["detectedType"] == "product"


def test_an_address(call: Any, token: str, photo_address: str) -> None:
    result = call("removeBackgroundFromImageUrl", url=photo_address, apiKey=token, size="full", roi="")[
        "result"
    ]
    assert size_of(result["base64img"]) == ("PNG", (900, 600))


def test_base64(call: Any, token: str, photo: Path) -> None:
    text = base64.b64encode(photo.read_bytes()).decode()
    result = call("removeBackgroundFromImageBase64", base64img=text, apiKey=token, channels="alpha")["result"]
    assert size_of(result["base64img"]) == ("PNG", (612, 408))


def test_what_is_wrong(call: Any, token: str, photo: Path) -> None:
    bad = call("removeBackgroundFromImageFile", path=str(photo), apiKey="nonsense")["error"]
    assert (bad[0]["title"], bad[0]["code"]) == ("API Key invalid", "auth_failed")
    wrong = call("removeBackgroundFromImageFile", path=str(photo), apiKey=token, size="gigantic")["error"]
    assert wrong[0]["code"] == "invalid_size"
