"""The whole pipeline in one process."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.backends.base import ConcurrentBackend
from segmentation.errors import EngineError, PictureError, RecipeError
from segmentation.pictures import Limits
from segmentation.pictures.types import DecodedPicture, PictureInfo
from segmentation.pipeline import Pipeline, _flatten, encode_preview
from segmentation.recipe import Recipe

SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"
ASTRONAUT = SAMPLES / "astronaut.jpg"
OFF = Recipe(model="u2netp", refine="off")

pytestmark = pytest.mark.real


def _png(rgb: np.ndarray) -> bytes:
    target = io.BytesIO()
    Image.fromarray(rgb).save(target, "PNG")
    return target.getvalue()


def test_from_bytes_to_a_cut_out(pipeline: Pipeline) -> None:
    with Image.open(ASTRONAUT) as image:
        size = image.size
    segmented = pipeline.segment(ASTRONAUT.read_bytes(), OFF)
    assert segmented.matte.shape == size[::-1]
    assert segmented.matte.dtype == np.uint8
    assert (int(segmented.matte.min()), int(segmented.matte.max())) == (0, 255)
    assert 0.5 < segmented.confidence <= 1
    file = pipeline.file(segmented, OFF)
    assert (file.media_type, file.extension, file.width, file.height) == ("image/png", "png", *size)
    with Image.open(io.BytesIO(file.data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", size)
        np.testing.assert_array_equal(np.asarray(image)[..., 3], segmented.matte)


def test_a_preview_is_small_and_keeps_the_proportions(pipeline: Pipeline) -> None:
    segmented = pipeline.segment(ASTRONAUT, OFF)
    rendered = pipeline.render(segmented, OFF, preview_side=64)
    with Image.open(io.BytesIO(rendered.preview.data)) as image:
        assert (image.format, max(image.size)) == ("WEBP", 64)
    thumbnail = pipeline.thumbnail(segmented.picture, 32)
    assert max(thumbnail.width, thumbnail.height) == 32


def test_concurrent_callers_get_the_same_results(pipeline: Pipeline) -> None:
    paths = sorted(SAMPLES.iterdir()) * 3
    alone = [pipeline.segment(path, OFF).matte for path in paths[:3]]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda path: pipeline.segment(path, OFF).matte, paths))
    for index, matte in enumerate(together):
        np.testing.assert_array_equal(matte, alone[index % 3])


def test_only_the_region_of_interest_counts(pipeline: Pipeline) -> None:
    whole = pipeline.segment(ASTRONAUT, OFF).matte
    recipe = Recipe.parse({"model": "u2netp", "refine": "off", "roi": "50% 0% 100% 50%"})
    part = pipeline.segment(ASTRONAUT, recipe).matte
    height, width = whole.shape
    np.testing.assert_array_equal(part[: height // 2, width // 2 :], whole[: height // 2, width // 2 :])
    assert not part[height // 2 :].any()
    assert not part[:, : width // 2].any()


def test_a_region_beyond_the_picture_is_refused(pipeline: Pipeline) -> None:
    recipe = Recipe.parse({"model": "u2netp", "roi": "0px 0px 90000px 10px"})
    with pytest.raises(RecipeError) as error:
        pipeline.segment(ASTRONAUT, recipe)
    assert error.value.code == "roi_exceeds_bounds"


def test_transparent_areas_of_the_file_stay_transparent(pipeline: Pipeline) -> None:
    with Image.open(ASTRONAUT) as image:
        rgba = np.array(image.convert("RGBA"))
    rgba[:, : rgba.shape[1] // 2, 3] = 0
    matte = pipeline.segment(_png(rgba), OFF).matte
    assert not matte[:, : rgba.shape[1] // 2].any()
    assert int(matte.max()) == 255


def test_the_network_sees_transparent_areas_as_white() -> None:
    rgb = np.full((600, 3, 3), 10, dtype=np.uint8)
    alpha = np.tile(np.array([0, 128, 255], dtype=np.uint8), (600, 1))
    picture = DecodedPicture(rgb, alpha, PictureInfo("png", 3, 600, "image/png", "png"))
    np.testing.assert_array_equal(_flatten(picture)[599, :, 0], [255, 132, 10])


def test_picture_errors_keep_their_codes(pipeline: Pipeline) -> None:
    for data, code in ((b"", "empty_file"), (b"no picture at all" * 9, "unsupported_format")):
        with pytest.raises(PictureError) as error:
            pipeline.segment(data, OFF)
        assert error.value.code == code


@pytest.mark.parametrize("frames", [1, 2])
def test_an_error_mentions_that_only_the_first_frame_was_processed(pipeline: Pipeline, frames: int) -> None:
    """Animations often begin black."""
    pages = [Image.new("L", (80, 60), level) for level in (0, 255)][:frames]
    out = io.BytesIO()
    pages[0].save(out, "GIF", save_all=True, append_images=pages[1:])
    with pytest.raises(PictureError) as caught:
        pipeline.segment(out.getvalue(), OFF)
    assert caught.value.code == "unknown_foreground"
    said = " The file holds several pictures or frames, and only the first was looked at."
    assert caught.value.sentence.endswith(said) == (frames == 2)


def test_limits_are_set_per_pipeline(pipeline: Pipeline) -> None:
    limited = Pipeline("u2netp", "cpu", limits=Limits(max_pixels=100))
    with pytest.raises(PictureError) as error:
        limited.segment(ASTRONAUT, OFF)
    assert error.value.code == "too_many_pixels"
    limited.warm()
    limited.close()
    with pytest.raises(EngineError) as closed:
        limited.warm()
    assert closed.value.code == "batcher_closed"


def test_warm_up_covers_single_pictures_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    ready, sizes = Pipeline("u2netp", "cpu"), []
    run, together = ready.predictor.raw, ready.predictor.backend.batch
    monkeypatch.setattr(ready.predictor, "raw", lambda batch: sizes.append(len(batch)) or run(batch))
    ready.warm()
    assert sizes == [1]
    loaded = []
    if isinstance(backend := ready.predictor.backend, ConcurrentBackend):
        monkeypatch.setattr(backend, "load", lambda: loaded.append("all"))
    ready.warm_batch()
    assert loaded == (["all"] if isinstance(backend, ConcurrentBackend) else [])
    assert sum(sizes) == 1 + together + 1
    assert max(sizes) == together
    ready.close()


def test_concurrent_callers_run_the_network_in_parallel(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, beside = pipeline.predictor.backend, []
    if not isinstance(backend, ConcurrentBackend) or backend.batch == 1:
        pytest.skip("this engine, or this machine, runs one at a time")
    run = backend.run_concurrently
    monkeypatch.setattr(backend, "run_concurrently", lambda entry: beside.append(entry.shape) or run(entry))
    alone = pipeline.segment(ASTRONAUT, OFF)
    assert beside == []
    with pipeline._active:
        together = pipeline.segment(ASTRONAUT, OFF)
    assert beside == [(3, 320, 320)]
    assert np.abs(together.matte.astype(int) - alone.matte).max() <= 1
    assert not pipeline._active.several


def test_a_preview_is_never_enlarged() -> None:
    file = encode_preview(np.zeros((5, 7, 3), dtype=np.uint8), None, 64)
    assert (file.width, file.height) == (7, 5)
