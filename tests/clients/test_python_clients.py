"""PyPI's `removebg` 0.04 and `remove-bg-api` 0.2.1, unmodified except for the address."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
import remove_bg_api
import removebg.removebg
import requests
from PIL import Image

pytestmark = [pytest.mark.real, pytest.mark.e2e]


def size_of(data: bytes) -> tuple[str | None, str, tuple[int, int]]:
    with Image.open(io.BytesIO(data)) as image:
        return image.format, image.mode, image.size


PREVIEW = ("PNG", "RGBA", (612, 408))


class TestRemovebg:
    """github.com/brilam/remove-bg"""

    @pytest.fixture
    def client(
        self, base: str, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> removebg.RemoveBg:
        monkeypatch.setattr(removebg.removebg, "API_ENDPOINT", f"{base}/removebg")
        return removebg.RemoveBg(token, str(tmp_path / "errors.log"))

    def test_a_file(self, client: removebg.RemoveBg, photo: Path) -> None:
        client.remove_background_from_img_file(str(photo))
        assert size_of(Path(f"{photo}_no_bg.png").read_bytes()) == PREVIEW

    def test_an_address(self, client: removebg.RemoveBg, photo_address: str, tmp_path: Path) -> None:
        out = tmp_path / "out.png"
        client.remove_background_from_img_url(photo_address, size="4k", new_file_name=str(out))
        assert size_of(out.read_bytes()) == ("PNG", "RGBA", (900, 600))

    def test_base64_on_a_colour(self, client: removebg.RemoveBg, photo: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jpg"
        text = base64.b64encode(photo.read_bytes())
        client.remove_background_from_base64_img(text, new_file_name=str(out), bg_color="#ff0000")
        assert size_of(out.read_bytes()) == ("JPEG", "RGB", (612, 408))

    def test_a_bad_key(self, client: removebg.RemoveBg, base: str, photo: Path) -> None:
        stranger = removebg.RemoveBg("nonsense", str(photo.with_name("errors.log")))
        with pytest.raises(requests.HTTPError, match="403"):
            stranger.remove_background_from_img_file(str(photo))
        with pytest.raises(requests.HTTPError, match="400"):
            client.remove_background_from_img_file(str(photo), size="gigantic")


class TestRemoveBgApi:
    """github.com/OPHoperHPO: calls /account in its constructor and reads X-Credits-Charged as an integer."""

    @pytest.fixture
    def client(self, base: str, token: str, monkeypatch: pytest.MonkeyPatch) -> remove_bg_api.RemoveBg:
        monkeypatch.setattr(remove_bg_api, "API_URL", base)
        return remove_bg_api.RemoveBg(token)

    def test_the_account(self, client: remove_bg_api.RemoveBg) -> None:
        assert client.account.balance() == 1_000_000
        assert client.account.free_api_calls() == 0
        assert client.account.get_balance_dict() == {
            "total": 1_000_000,
            "subscription": 1_000_000,
            "payg": 0,
            "enterprise": 0,
        }

    def test_bytes_are_counted_once(self, client: remove_bg_api.RemoveBg, photo: Path) -> None:
        assert size_of(client.remove_bg_bytes(photo.read_bytes())) == PREVIEW
        assert client.account.balance() == 999_999
        client.remove_bg_bytes(photo.read_bytes())
        assert client.account.balance() == 999_999, "the same once more costs nothing"

    def test_a_file_an_address_and_base64(
        self, client: remove_bg_api.RemoveBg, photo: Path, photo_address: str, tmp_path: Path
    ) -> None:
        out = str(tmp_path / "out.png")
        assert client.remove_bg_file(str(photo), out_path=out, size="full", raw=False) == out
        assert size_of(Path(out).read_bytes()) == ("PNG", "RGBA", (900, 600))
        assert size_of(client.remove_bg_url(photo_address)) == PREVIEW
        text = base64.b64encode(photo.read_bytes()).decode()
        options = {"size": "full", "format": "jpg", "crop": "true", "roi": "", "bg_color": "fff"}
        kind, mode, size = size_of(client.remove_bg_base64(text, data=options))
        assert (kind, mode) == ("JPEG", "RGB")
        assert size[0] < 900

    def test_errors_are_distinguished(
        self, client: remove_bg_api.RemoveBg, photo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(remove_bg_api.Errors.ApiErrorCode400):
            client.remove_bg_bytes(b"no picture")
        with pytest.raises(remove_bg_api.Errors.ApiErrorCode403):
            remove_bg_api.RemoveBg("nonsense")
