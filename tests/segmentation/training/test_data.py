"""Sources of pictures, their order, and augmentation."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from segmentation.training.augment import augment, crop_side, generator
from segmentation.training.config import TrainConfig, TrainingError
from segmentation.training.order import Order, positions
from segmentation.training.sources import Pairs, open_source, split
from tests.segmentation.training.conftest import draw, write_pairs


def _tar(folder: Path, shard: Path) -> Path:
    with tarfile.open(shard, "w") as archive:
        for part in ("im", "gt"):
            for file in sorted((folder / part).iterdir()):
                info = tarfile.TarInfo(f"{part}/{file.name}")
                info.size = file.stat().st_size
                archive.addfile(info, io.BytesIO(file.read_bytes()))
    return shard


@pytest.mark.parametrize("cache", ["ram", "encoded"])
@pytest.mark.parametrize("kind", ["folder", "tar", "shards", "index"])
def test_a_folder_shards_and_an_index_hold_the_same_pairs(
    data: Path, tmp_path: Path, kind: str, cache: str
) -> None:
    path = data
    if kind == "tar":
        path = _tar(data, tmp_path / "one.tar")
    elif kind == "shards":
        path = tmp_path / "shards"
        path.mkdir()
        _tar(data, path / "one.tar")
    elif kind == "index":
        path = data / "index.tsv"
        rows = [f"im/p{n:03d}.png\tgt/p{n:03d}.png" for n in range(12)]
        path.write_text("image\ttruth\n" + "\n".join(rows) + "\n")
    source = open_source(str(path))
    pairs = Pairs(source.entries, cache, 2, quiet=True)
    assert [pairs.stem(n) for n in range(len(pairs))] == [f"p{n:03d}" for n in range(12)]
    for number in (0, 11):
        rgb, mask = draw(number)
        np.testing.assert_array_equal(pairs[number][0], rgb)
        np.testing.assert_array_equal(pairs[number][1], mask)


def test_an_invalid_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "im").mkdir()
    for path in (tmp_path, tmp_path / "none", tmp_path / "none.tar"):
        with pytest.raises(TrainingError) as refused:
            open_source(str(path))
        assert refused.value.code == "no_data"


def test_the_split_depends_on_the_stem_alone(data: Path) -> None:
    source = open_source(str(data))
    kept, out = split(source, 400)
    stems = {entry.stem for entry in kept.entries} | {entry.stem for entry in out}
    assert stems == {entry.stem for entry in source.entries}
    assert {entry.stem for entry in kept.entries}.isdisjoint(entry.stem for entry in out)
    more = open_source(str(write_pairs(data, 12, first=12)))
    assert {entry.stem for entry in out} <= {entry.stem for entry in split(more, 400)[1]}


def test_each_epoch_shows_every_picture_once_in_another_order(data: Path) -> None:
    order = Order([open_source(str(data))], seed=1)
    first, second = ([order.at(12 * epoch + n) for n in range(12)] for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second
    assert [Order([open_source(str(data))], seed=1).at(n) for n in range(12)] == first
    assert [Order([open_source(str(data))], seed=2).at(n) for n in range(12)] != first


def test_weights_set_how_often_a_source_is_drawn(data: Path, tmp_path: Path) -> None:
    small = write_pairs(tmp_path / "small", 4, first=20)
    order = Order([open_source(str(data)), open_source(f"{small}=3")], seed=0)
    assert order.epoch == 16
    seen = Counter(order.at(n) >= 12 for n in range(16 * 30))
    assert seen == {False: 240, True: 240}
    # No repetition before all were used: each of the four as often as the others.
    counts = Counter(order.at(n) for n in range(16 * 30) if order.at(n) >= 12)
    assert counts == dict.fromkeys(range(12, 16), 60)


def test_two_processes_see_the_same_pictures_as_one_with_twice_the_batch() -> None:
    for step in range(3):
        both = [p for rank in (0, 1) for p in positions(step, 0, accumulate=1, world=2, rank=rank, batch=4)]
        assert both == list(positions(step, 0, accumulate=1, world=1, rank=0, batch=8))
        parts = [
            p for micro in (0, 1) for p in positions(step, micro, accumulate=2, world=1, rank=0, batch=4)
        ]
        assert parts == both


ALL_ON = TrainConfig(
    resize=64, crop_min=48, crop_max=64, zoom=0.4, flip_vertical=0.5,
    colour=1, blur=1, jpeg=1, noise=1, shrink=1, recompose=1,
)  # fmt: skip


def test_augmentation_is_a_function_of_seed_and_position() -> None:
    pair, other = draw(1), draw(2)[0]
    first = augment(pair, other, ALL_ON, 64, generator(5, 77))
    again = augment(pair, other, ALL_ON, 64, generator(5, 77))
    another = augment(pair, other, ALL_ON, 64, generator(5, 78))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != another[0]).any()
    for rgb, mask in (first, another):
        assert (rgb.shape, mask.shape, rgb.dtype, mask.dtype) == ((64, 64, 3), (64, 64), np.uint8, np.uint8)
        assert mask.any()
    assert {crop_side(ALL_ON, step) for step in range(40)} == {64}
    assert {crop_side(TrainConfig(crop_min=256, crop_max=384), step) for step in range(200)} == {
        256,
        288,
        320,
        352,
        384,
    }


def test_by_default_only_the_papers_augmentation_is_applied() -> None:
    rgb = np.full((40, 40, 3), 7, np.uint8)
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 255
    out, truth = augment((rgb, mask), None, TrainConfig(), 288, generator(0, 0))
    assert out.shape == (288, 288, 3)
    assert np.unique(out).tolist() == [7]
    assert {0, 255} <= set(np.unique(truth).tolist())


def test_recompose_keeps_the_subject_and_replaces_the_background() -> None:
    from segmentation.training.augment import recompose

    rgb, mask = draw(1)
    other = np.full((30, 90, 3), 200, np.uint8)
    out = recompose(rgb, mask, other, np.random.default_rng(0))
    inside = mask == 255
    inside[:, 1:] &= mask[:, :-1] == 255
    inside[:, :-1] &= mask[:, 1:] == 255
    inside[1:] &= mask[:-1] == 255
    inside[:-1] &= mask[1:] == 255
    corner = out[:4, :4]
    assert np.unique(corner).tolist() == [200]
    centre = np.argwhere(inside).mean(axis=0).astype(int)
    np.testing.assert_array_equal(out[tuple(centre)], rgb[tuple(centre)])
