"""PyPI's `rembgpy` 1.0.1 and the command `removebg-cli` 1.0.0, unmodified except for the address."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import rembgpy.bg
import removebg_cli
import requests
from PIL import Image

# Importing it disables logging in the whole process.
rembgpy.set_logging(True)

pytestmark = [pytest.mark.real, pytest.mark.e2e]


def size_of(path: Path) -> tuple[str | None, str, tuple[int, int]]:
    with Image.open(path) as image:
        return image.format, image.mode, image.size


class TestRembgpy:
    """Sends every parameter with each call, as text: `roi=0 0 100% 100%`, `type_level=none`, `crop=false`."""

    @pytest.fixture
    def client(self, base: str, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> rembgpy.RemBg:
        monkeypatch.setattr(rembgpy.bg, "base_url", f"{base}/removebg")
        return rembgpy.RemBg(token, str(tmp_path / "errors.log"))

    def test_an_address_with_all_defaults(
        self, client: rembgpy.RemBg, photo_address: str, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.png"
        assert client.remove_img(photo_address, nfn=str(out)) == "[*] Process finished."
        assert size_of(out) == ("PNG", "RGBA", (612, 408))

    def test_base64_with_everything(self, client: rembgpy.RemBg, photo: Path, tmp_path: Path) -> None:
        out, text = tmp_path / "out.jpg", base64.b64encode(photo.read_bytes())
        kinds = {"size": "4k", "type": "graphics", "type_level": "2", "format": "jpg"}
        client.remove_b64(
            text, nfn=str(out), crop="10%", scale="80%", shadow=True, bg="#ff0000", bg_type="color", **kinds
        )
        kind, mode, size = size_of(out)
        assert (kind, mode) == ("JPEG", "RGB")
        assert size[0] < 900

    def test_a_bad_key(self, client: rembgpy.RemBg, tmp_path: Path) -> None:
        with pytest.raises(requests.HTTPError, match="403"):
            rembgpy.RemBg("nonsense", str(tmp_path / "errors.log")).remove_b64("aGk=")


class TestRemovebgCli:
    """Requests /account after each picture, and shows the first error's title."""

    @pytest.fixture
    def run(self, base: str, token: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        send = requests.Session.request

        def here(session: requests.Session, method: str, url: str, **options: object) -> requests.Response:
            return send(session, method, url.replace("https://api.remove.bg/v1.0", base), **options)  # type: ignore[arg-type]  # handed on

        monkeypatch.setattr(requests.Session, "request", here)
        monkeypatch.setenv("REMOVE_BG_API_KEY", token)

        def command(*arguments: object) -> None:
            monkeypatch.setattr("sys.argv", ["removebg", *map(str, arguments)])
            removebg_cli.main()

        return command

    def test_a_file_and_an_address(
        self, run: Callable[..., None], photo: Path, photo_address: str, tmp_path: Path
    ) -> None:
        run(photo)
        assert size_of(photo.with_name("disc-nobg.png")) == ("PNG", "RGBA", (900, 600))
        run(photo_address, "-o", tmp_path / "out.webp", "-f", "webp", "-s", "preview", "--shadow")
        assert size_of(tmp_path / "out.webp") == ("WEBP", "RGBA", (612, 408))

    def test_a_colour_and_a_zip(self, run: Callable[..., None], photo: Path, tmp_path: Path) -> None:
        run(photo, "-o", tmp_path / "out.jpg", "-f", "jpg", "-b", "white", "-c")
        with Image.open(tmp_path / "out.jpg") as image:
            corner = image.getpixel((0, 0))
        assert corner == (255, 255, 255)
        run(photo, "-o", tmp_path / "out.zip", "-f", "zip", "-s", "50MP")
        with zipfile.ZipFile(io.BytesIO((tmp_path / "out.zip").read_bytes())) as archive:
            assert archive.namelist() == ["color.jpg", "alpha.png"]

    def test_the_account_and_a_bad_key(
        self,
        run: Callable[..., None],
        photo: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        run("--account")
        assert "1000000" in capsys.readouterr().out
        monkeypatch.setenv("REMOVE_BG_API_KEY", "nonsense")
        with pytest.raises(SystemExit):
            run(photo)
        assert "[403]: API Key invalid" in capsys.readouterr().out
