"""The training loop. Read it from the top: set-up, then for each step forward, backward, update, write."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from segmentation.backends.pytorch import keep_large_blocks, resolve_device
from segmentation.training import checkpoints
from segmentation.training.batches import Batches, Rank, as_alpha, normalised
from segmentation.training.checkpoints import Progress
from segmentation.training.config import TrainConfig, TrainingError
from segmentation.training.ema import MovingAverage
from segmentation.training.losses import distillation, supervised
from segmentation.training.order import Order
from segmentation.training.sources import Entry, Pairs, Source, open_source, split
from segmentation.training.start import build, choose_parameters
from segmentation.training.validation import ValidationScores, validate
from segmentation.u2net import FusedMap, U2Net

MEASURED_BATCHES = 8


def train(config: TrainConfig) -> Progress:
    """Trains until `steps` are done, time is up, or validation stops improving.

    Writes into `out`: last.pt, best-*.pt, log.jsonl, config.json, samples/. Raises TrainingError,
    WeightsError and EngineError before the first step.
    """
    torch.manual_seed(config.seed)
    rank_info, device = _join_process_group(config)
    out, is_leader = Path(config.out), rank_info.rank == 0

    sources, held_out = _data(config)
    pairs = Pairs(
        [e for source in sources for e in source.entries], config.cache, config.loaders, not is_leader
    )
    validation_pairs = (
        Pairs(held_out, config.cache, config.loaders, not is_leader) if is_leader and held_out else None
    )
    batches = Batches(pairs, Order(sources, config.seed), config, rank_info)

    network = build(config, _statistics_batches(batches, config)).to(device)
    if config.channels_last:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    teacher = _teacher(config, device)
    optimizer = torch.optim.AdamW(
        choose_parameters(network, config.train_only), lr=config.rate, weight_decay=config.weight_decay
    )
    average = MovingAverage(network, config.ema) if config.ema else None
    progress = _resume(out, config, network, optimizer, average)
    model = _wrap(network, config, rank_info, device)

    def save(name: str) -> None:
        content = {
            "config": config.as_dict(),
            "progress": asdict(progress),
            "model": network.state_dict(),
            "ema": average.state if average else None,
            "optimizer": optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        checkpoints.save(out / name, content)

    stop = _Stop(config.seconds, rank_info, device)
    began, first = time.perf_counter(), progress.step
    feed = batches.from_step(progress.step)
    with _Log(out, config, is_leader) as log, contextlib.closing(cast(Any, feed)):
        _set_train_mode(network, config)
        while progress.step < config.steps and not stop.requested():
            for group in optimizer.param_groups:
                group["lr"] = rate_at(progress.step, config)
            loss = 0.0
            for micro in range(config.accumulate):
                pictures, truths = next(feed)
                last = micro == config.accumulate - 1
                with _gradient_sync(model, wait=last):
                    loss += _backward(model, teacher, pictures, truths, config, device)
            if config.clip:
                nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            progress.step += 1
            if average:
                average.update(network, progress.step)
            if not math.isfinite(loss):
                raise TrainingError(
                    "diverged", f"The loss is {loss} at step {progress.step}: lower the rate."
                )
            seen = (progress.step - first) * config.batch * config.accumulate * rank_info.world
            log.step(
                progress.step, loss, seen / (time.perf_counter() - began), rate_at(progress.step - 1, config)
            )

            if (
                is_leader
                and validation_pairs
                and (_due(progress.step, config.validate_every) or progress.step == config.steps)
            ):
                validated = _validate(network, average, validation_pairs, config, device, progress.step)
                log.validation(progress.step, validated)
                gone, name = checkpoints.keep_best(progress, validated.max_f, config.keep_best)
                improved = progress.best[0][1] == name
                progress.without_gain = 0 if improved else progress.without_gain + 1
                if name:
                    save(name)
                for file in gone:
                    (out / file).unlink(missing_ok=True)
                if config.patience and progress.without_gain >= config.patience:
                    stop.now()
                _set_train_mode(network, config)
            if is_leader and (_due(progress.step, config.save_every) or progress.step == config.steps):
                save("last.pt")
        if is_leader:
            save("last.pt")
    _leave_process_group()
    return progress


def rate_at(step: int, config: TrainConfig) -> float:
    """Returns the learning rate of a step: linear warm-up, then constant or half a cosine down to its final
    share.
    """
    if step < config.warm_up:
        return config.rate * (step + 1) / config.warm_up
    if config.schedule == "constant":
        return config.rate
    done = (step - config.warm_up) / max(1, config.steps - config.warm_up)
    return config.rate * (config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2)


def _backward(
    model: nn.Module,
    teacher: FusedMap | None,
    pictures: Tensor,
    truths: Tensor,
    config: TrainConfig,
    device: torch.device,
) -> float:
    """Runs one forward and backward pass; returns the loss of this part of the step."""
    inputs = normalised(pictures, device, config.channels_last)
    alpha = as_alpha(truths, device)
    half = config.precision == "bfloat16"
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        outputs = model(inputs)
    loss = supervised(outputs, alpha, config)
    if teacher is not None:
        loss = loss + distillation(outputs, _teacher_maps(teacher, inputs, config, half), config)
    (loss / config.accumulate).backward()  # type: ignore[no-untyped-call]
    return float(loss.detach()) / config.accumulate


@torch.no_grad()
def _teacher_maps(teacher: FusedMap, inputs: Tensor, config: TrainConfig, half: bool) -> Tensor:
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=half):
        maps = cast(Tensor, teacher(inputs))
        if config.teacher_best:
            maps = (maps + cast(Tensor, teacher(inputs.flip(-1))).flip(-1)) / 2
    return maps[:, None].float()


def _join_process_group(config: TrainConfig) -> tuple[Rank, torch.device]:
    """Joins the process group; returns this process's rank, as torchrun sets it in the environment, and its
    device.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    requested = config.device
    if world > 1 and requested in ("auto", "cuda") and torch.cuda.is_available():
        requested = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    device = resolve_device(requested)
    if device.type == "cpu":
        keep_large_blocks()
        if config.threads:
            torch.set_num_threads(config.threads)
    else:
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = (
            config.precision != "float32"
        )
        torch.backends.cudnn.benchmark = True
    if world > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Rank(rank, world), device


def _leave_process_group() -> None:
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def _data(config: TrainConfig) -> tuple[list[Source], list[Entry]]:
    """Returns the training sources and the held-out entries: a separate data set, or a part chosen by
    hash."""
    if not config.data:
        raise TrainingError("no_data", "No data: name folders or shards in `data`, or with --data.")
    sources = [open_source(spec) for spec in config.data]
    held_out: list[Entry] = []
    if config.validation:
        held_out = list(open_source(config.validation).entries)
    else:
        parts = [split(source, config.validation_permille) for source in sources]
        sources = [kept for kept, _ in parts]
        held_out = [entry for _, out in parts for entry in out]
    if config.limit:
        sources = [Source(s.path, s.weight, s.entries[: config.limit]) for s in sources]
    sources = [source for source in sources if source.entries]
    if not sources:
        raise TrainingError("no_data", "Everything is held out for validation: lower validation_permille.")
    held_out.sort(key=lambda entry: (entry.part, entry.stem))
    return sources, held_out[: config.validation_limit]


def _statistics_batches(batches: Batches, config: TrainConfig) -> Iterator[Tensor]:
    """Yields some normalised pictures on the CPU to measure BatchNorm's statistics; closes its feed
    afterwards.
    """
    feed = batches.from_step(0)
    with contextlib.closing(cast(Any, feed)):
        for _, (pictures, _truths) in zip(range(MEASURED_BATCHES), feed, strict=False):
            yield normalised(pictures, torch.device("cpu"), config.channels_last)


def _teacher(config: TrainConfig, device: torch.device) -> FusedMap | None:
    if not config.teacher:
        return None
    from segmentation import weights

    network = weights.load(config.teacher).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return FusedMap(network).eval().requires_grad_(False)


def _resume(
    out: Path,
    config: TrainConfig,
    network: U2Net,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
) -> Progress:
    """Restores last.pt from `out` if it exists and resuming is on; otherwise starts at step 0."""
    last = out / "last.pt"
    if not config.resume or not last.exists():
        return Progress()
    content = checkpoints.load(last, config)
    network.load_state_dict(content["model"])
    optimizer.load_state_dict(content["optimizer"])
    if average:
        average.load(content["ema"])
    torch.set_rng_state(content["random"])
    then = content["progress"]
    best = [(float(score), str(name)) for score, name in then["best"]]
    return Progress(then["step"], best, then["without_gain"])


def _wrap(network: U2Net, config: TrainConfig, rank_info: Rank, device: torch.device) -> nn.Module:
    model: nn.Module = network
    if config.compile:
        model = cast(nn.Module, torch.compile(model))
    if rank_info.world > 1:
        if device.type == "cuda" and not network.folded and not config.freeze_norm:
            model = cast(nn.Module, nn.SyncBatchNorm.convert_sync_batchnorm(model))  # type: ignore[no-untyped-call]
        model = DistributedDataParallel(model, [device] if device.type == "cuda" else None)
    return model


def _set_train_mode(network: U2Net, config: TrainConfig) -> None:
    """Sets training mode; frozen blocks, or all blocks with freeze_norm, keep their statistics."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and (config.freeze_norm or not module.weight.requires_grad):
            module.eval()


def _gradient_sync(model: nn.Module, wait: bool) -> contextlib.AbstractContextManager[Any]:
    """Synchronises the gradients of several processes once a step, not at every forward pass."""
    if isinstance(model, DistributedDataParallel) and not wait:
        return model.no_sync()
    return contextlib.nullcontext()


def _validate(
    network: U2Net,
    average: MovingAverage | None,
    pairs: Pairs,
    config: TrainConfig,
    device: torch.device,
    step: int,
) -> ValidationScores:
    """Validates the network, or its moving average if there is one, because that is what gets exported."""
    evaluated = network
    if average:
        evaluated = U2Net(network.shape, network.folded)
        evaluated.load_state_dict(average.state)
        evaluated = evaluated.to(device)
    sheet = Path(config.out) / "samples" / f"{step:07d}.webp" if config.samples else None
    return validate(evaluated.eval(), pairs, device, sheet, config.samples)


def _due(step: int, interval: int) -> bool:
    return step % interval == 0


class _Stop:
    """Decides whether to stop after this step: on time-out, SIGTERM or SIGINT. All processes stop
    together."""

    def __init__(self, seconds: float, rank_info: Rank, device: torch.device) -> None:
        self._until = time.monotonic() + seconds if seconds else math.inf
        self._asked = False
        self._rank, self._device = rank_info, device
        with contextlib.suppress(ValueError):  # signals reach only the main thread
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.now())

    def now(self) -> None:
        """Requests a stop after this step."""
        self._asked = True

    def requested(self) -> bool:
        """Whether to stop. Every process calls this between two steps."""
        here = self._asked or time.monotonic() > self._until
        if self._rank.world == 1:
            return here
        vote = torch.tensor(int(here), device=self._device)
        distributed.all_reduce(vote, op=distributed.ReduceOp.MAX)
        return bool(vote.item())


class _Log:
    """Writes log.jsonl, a progress bar, and optionally TensorBoard; only in the leading process."""

    def __init__(self, out: Path, config: TrainConfig, is_leader: bool) -> None:
        self._out, self._config, self._is_leader = out, config, is_leader
        self._board: Any = None

    def __enter__(self) -> _Log:
        if not self._is_leader:
            return self
        self._out.mkdir(parents=True, exist_ok=True)
        (self._out / "config.json").write_text(json.dumps(self._config.as_dict(), indent=1) + "\n", "utf-8")
        self._file = (self._out / "log.jsonl").open("a", encoding="utf-8")
        self._bar = tqdm(total=self._config.steps, unit="step", disable=None)
        if self._config.tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise TrainingError("no_tensorboard", "Install it first: pip install tensorboard.") from error
            self._board = SummaryWriter(str(self._out / "tensorboard"))
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_leader:
            self._bar.close()
            self._file.close()
            if self._board is not None:
                self._board.close()

    def step(self, step: int, loss: float, pace: float, rate: float) -> None:
        """Logs a step. pace: pictures a second since the start."""
        if not self._is_leader:
            return
        self._bar.update(step - self._bar.n)
        self._bar.set_postfix_str(f"loss {loss:.4f}, {pace:.2f} pictures/s", refresh=False)
        if _due(step, self._config.log_every) or step == self._config.steps:
            self._write(step, {"loss": loss, "pictures_a_second": pace, "rate": rate})

    def validation(self, step: int, said: ValidationScores) -> None:
        """Logs the figures of a validation."""
        self._write(step, {"max_f": said.max_f, "mae": said.mae, "pictures": said.pictures})
        self._bar.write(f"step {step}: maxF {said.max_f:.4f}, MAE {said.mae:.4f} on {said.pictures} pictures")

    def _write(self, step: int, facts: dict[str, float]) -> None:
        self._file.write(json.dumps({"step": step, "time": time.time(), **facts}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in facts.items():
                self._board.add_scalar(name, value, step)
