"""Validation during training: maxF and MAE on held-out pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from segmentation.evaluation import binary
from segmentation.evaluation.arrays import as_mask, stretched
from segmentation.shrink import network_input, stretch
from segmentation.training.sources import Bytes, Pairs
from segmentation.u2net import U2Net

BATCH = 8
TILE_SIDE = 160


@dataclass(frozen=True)
class ValidationScores:
    """Averages over the validation pictures. max_f: as in the paper, from mean precision and recall."""

    max_f: float
    mae: float
    pictures: int


@torch.no_grad()
def validate(
    network: U2Net, pairs: Pairs, device: torch.device, sheet: Path | None, samples: int
) -> ValidationScores:
    """Evaluates a network in eval mode, as in production. sheet: where to write a contact sheet of some
    maps."""
    precisions, recalls, errors = [], [], []
    rows: list[Bytes] = []
    for start in range(0, len(pairs), BATCH):
        part = [pairs[number] for number in range(start, min(len(pairs), start + BATCH))]
        inputs = torch.from_numpy(np.stack([network_input(rgb) for rgb, _ in part])).to(device)
        maps = torch.sigmoid(network(inputs)[0].float())[:, 0].cpu().numpy()
        for (rgb, truth), raw in zip(part, maps, strict=True):
            height, width = truth.shape
            matte = np.asarray(
                np.rint(255 * cv2.resize(stretch(raw), (width, height), interpolation=cv2.INTER_LINEAR)),
                np.uint8,
            )
            if len(rows) < samples:
                rows.append(np.hstack([_tile(rgb), _tile(truth), _tile(matte)]))
            found, mask = stretched(matte), as_mask(truth)
            curve = binary.precision_recall(found, mask)
            precisions.append(curve.precision)
            recalls.append(curve.recall)
            errors.append(binary.mean_absolute_error(found, mask))
    if sheet is not None and rows:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheet), np.vstack(rows)[..., ::-1])
    curve_f = binary.f_curve(np.mean(precisions, axis=0), np.mean(recalls, axis=0))
    return ValidationScores(float(curve_f.max()), float(np.mean(errors)), len(errors))


def _tile(pixels: Bytes) -> Bytes:
    tile = np.asarray(cv2.resize(pixels, (TILE_SIDE, TILE_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    return tile if tile.ndim == 3 else np.repeat(tile[..., None], 3, axis=2)
