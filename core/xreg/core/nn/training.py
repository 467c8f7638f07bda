"""The one training loop: resident tensors, fused optimisers, an ensemble's networks at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xreg.core import progress
from xreg.core.errors import DataError, RunError
from xreg.core.nn.devices import on_device, training_device
from xreg.core.nn.gradients import Gradients, gradients_of
from xreg.core.nn.layers import Dropout
from xreg.core.nn.losses import Loss
from xreg.core.nn.settings import TrainingConfig

__all__ = [
    "History",
    "generators",
    "hold_out",
    "quick_products",
    "scheduled_rate",
    "threads",
    "train",
]

EVALUATION_ROWS = 4096
FINAL_RATE = {"constant": 1.0, "exponential": 0.01}


@dataclass(frozen=True)
class History:
    """How training went.

    Attributes
    ----------
    epoch
        (c,) epochs at which the losses below were taken.
    train, validation
        (c, M) mean training loss since the check before, and validation loss (NaN without one).
    best_epoch
        (M,) epoch whose weights each network keeps.
    """

    epoch: Tensor
    train: Tensor
    validation: Tensor
    best_epoch: Tensor

    def table(self, networks: slice = slice(None)) -> NDArray[np.float32]:
        """Return the (c, 1 + 2M) epochs, training and validation losses of some networks."""
        parts = [self.epoch[:, None], self.train[:, networks], self.validation[:, networks]]
        return torch.cat(parts, dim=1).numpy()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use that many CPU threads inside the block; 0 changes nothing."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quick_products() -> Iterator[None]:
    """Let oneDNN multiply single-precision matrices inside the block, where that rounds no more.

    On processors for which torch's own library (MKL) is not made, oneDNN is twice as fast. torch
    hands it such products only where it may round them to bfloat16, which it does with AMX alone:
    on a processor that has AMX nothing is changed, and MKL is fast there.
    """
    before = torch.get_float32_matmul_precision()
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    if not capabilities.get("amx_tile", True):
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def generators(seed: int, models: int) -> list[torch.Generator]:
    """Return one random generator a network, seeded ``seed + i``; torch's own is never touched."""
    return [torch.Generator().manual_seed(seed + i) for i in range(models)]


def hold_out(n: int, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Divide n rows at random into training and validation rows.

    Raises
    ------
    DataError
        If one of the parts would be empty.
    """
    count = max(1, round(n * share))
    if count >= n:
        raise DataError(
            f"{n} training sample(s) are too few to set a validation part aside; give one or "
            "switch early_stopping off."
        )
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[count:].sort().values, order[:count].sort().values


def train(
    module: nn.Module,
    loss: Loss,
    data: Sequence[Tensor],
    config: TrainingConfig,
    *,
    models: int | None = None,
    draws: Sequence[torch.Generator] | None = None,
    validation: Sequence[Tensor] | None = None,
    rates: Tensor | None = None,
    decays: Tensor | None = None,
    task: str = "training",
) -> History:
    """Minimise a loss over the parameters of a module, in place, on the device of ``config``.

    Tensors are given and the module is left on the CPU. All random numbers are drawn there too, so
    that they are the same wherever the training computes.

    Parameters
    ----------
    module
        Any module. With ``models`` every parameter and buffer has the model index first.
    loss
        ``loss(module, *batch)``, a mean over the batch's rows: a number, or (M,) with ``models``.
    data
        Tensors of n rows each; a batch holds the same rows of all, (b, …), or (M, b, …) with
        ``models``: each network sees its own shuffle.
    config
        Optimiser, schedule, batches, early stopping, threads, device.
    models
        Number M of independent networks inside the module; None for an ordinary module.
    draws
        One generator a network for shuffles and dropout; from ``config.seed`` where not given.
    validation
        Tensors like ``data``. With early stopping the loss on them picks the weights that each
        network keeps, and a network whose loss has not fallen for ``patience`` checks is done.
    rates, decays
        (M,) peak learning rate and weight decay of each network, in place of ``config``'s.
    task
        Name under which progress is reported.

    Raises
    ------
    RunError
        If a loss becomes infinite or NaN, or a GPU is too small.
    ConfigError
        If a GPU is asked for and there is none.
    """
    draws = generators(config.seed, models or 1) if draws is None else draws
    device = training_device(config, module, len(data[0]))
    with (
        threads(config.threads),
        _dropout_generators(module, draws),
        on_device(device, module),
    ):
        data = [tensor.to(device) for tensor in data]
        if validation is not None:
            validation = [tensor.to(device) for tensor in validation]
        gradients = gradients_of(module, loss, models)
        try:
            loop = _Loop(module, loss, data, config, models, draws, validation, task, gradients)
            if rates is not None or decays is not None:
                loop.pace = _NetworkRates(gradients, config, rates, decays)
            return loop.run()
        finally:
            gradients.release()


@contextmanager
def _dropout_generators(module: nn.Module, draws: Sequence[torch.Generator]) -> Iterator[None]:
    dropouts = [m for m in module.modules() if isinstance(m, Dropout)]
    for dropout in dropouts:
        dropout.generators = draws
    try:
        yield
    finally:
        module.eval()
        for dropout in dropouts:
            dropout.generators = ()


class _NetworkRates:
    """Gives each network its own learning rate and weight decay, with one fused optimiser.

    A step of every optimiser here is proportional to the rate, so a step at the rate of
    ``config`` is taken and then scaled network by network.
    """

    def __init__(
        self,
        gradients: Gradients,
        config: TrainingConfig,
        rates: Tensor | None,
        decays: Tensor | None,
    ) -> None:
        self.parameters = gradients.parameters
        self.before = [torch.empty_like(p.data) for p in self.parameters]
        self.decoupled = config.optimiser == "adamw"
        one = torch.ones(1)
        self.factors = gradients.spread(one if rates is None else rates / config.learning_rate)
        # The optimiser adds the decay of config itself.
        self.decays = None if decays is None else gradients.spread(decays - config.weight_decay)

    @torch.no_grad()
    def step(self, optimiser: torch.optim.Optimizer, rate: float) -> None:
        """Take one step of the optimiser, whose gradients are ready."""
        for p, old in zip(self.parameters, self.before, strict=True):
            old.copy_(p)
        if self.decays is not None:
            self._decay(self.decays, rate)
        optimiser.step()
        for p, old, factor in zip(self.parameters, self.before, self.factors, strict=True):
            torch.lerp(old, p, factor, out=p)

    def _decay(self, decays: list[Tensor], rate: float) -> None:
        for p, decay in zip(self.parameters, decays, strict=True):
            if self.decoupled:
                p.mul_(1 - rate * decay)
            elif p.grad is not None:
                p.grad.addcmul_(p, decay)


class _Loop:
    pace: _NetworkRates | None = None

    def __init__(
        self,
        module: nn.Module,
        loss: Loss,
        data: Sequence[Tensor],
        config: TrainingConfig,
        models: int | None,
        draws: Sequence[torch.Generator],
        validation: Sequence[Tensor] | None,
        task: str,
        gradients: Gradients,
    ) -> None:
        self.module, self.loss, self.config, self.task = module, loss, config, task
        self.gradients = gradients
        self.models, self.draws = models, draws
        self.data, self.validation = list(data), validation
        self.rows, self.device = len(self.data[0]), self.data[0].device
        # Equal parts: no tiny last batch to disturb gradients and batch normalisation.
        self.steps = math.ceil(self.rows / config.batch)
        self.optimiser = _optimiser(gradients.parameters, config)
        self.stopping = config.early_stopping and validation is not None
        count = models or 1
        self.best = torch.full((count,), math.inf, device=self.device)
        self.best_epoch = torch.full((count,), config.epochs, device=self.device)
        self.stale = torch.zeros(count, dtype=torch.int64, device=self.device)
        self.kept = {key: value.clone() for key, value in self._state().items()}

    def run(self) -> History:
        config = self.config
        records: list[tuple[int, Tensor, Tensor]] = []
        since, start = self._zeros(), 0
        for epoch in range(1, config.epochs + 1):
            since += self._epoch(epoch - 1)
            if not torch.isfinite(since).all():
                raise RunError(
                    f"{self.task} diverged in epoch {epoch}: the loss is not finite; lower "
                    f"learning_rate ({config.learning_rate:g}) or set gradient_clip."
                )
            if epoch % config.check_every and epoch != config.epochs:
                continue
            held = self._evaluate()
            records.append((epoch, since / (epoch - start), held))
            since, start = torch.zeros_like(since), epoch
            shown = held if self.validation is not None else records[-1][1]
            progress.report(self.task, epoch, config.epochs, f"loss {shown.mean():.4g}")
            if self.stopping and self._done(epoch, held):
                break
        if self.stopping:
            with torch.no_grad():
                for key, value in self._state().items():
                    value.copy_(self.kept[key])
        epochs, trained, held_out = zip(*records, strict=True)
        progress.report(self.task, config.epochs, config.epochs, f"{epochs[-1]} epochs")
        return History(
            torch.tensor(epochs),
            torch.stack(trained).cpu(),
            torch.stack(held_out).cpu(),
            self.best_epoch.cpu(),
        )

    def _zeros(self) -> Tensor:
        """Return a zero for each network."""
        return torch.zeros(self.models or 1, device=self.device)

    def _epoch(self, epoch: int) -> Tensor:
        """Take one pass over the data and return the mean loss of each network."""
        self.module.train()
        total = self._zeros()
        orders = torch.stack([torch.randperm(self.rows, generator=g) for g in self.draws])
        if (orders == orders[0]).all():  # of one seed: their batches are picked once for all
            orders = orders[:1]
        parts = orders.to(self.device).tensor_split(self.steps, dim=1)
        for step, rows in enumerate(parts):
            rate = self.config.learning_rate * scheduled_rate(
                self.config, (epoch + step / self.steps) / self.config.epochs
            )
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            values = self.gradients(*[self._take(tensor, rows) for tensor in self.data])
            if self.config.gradient_clip:
                self._clip()
            if self.pace is None:
                self.optimiser.step()
            else:
                self.pace.step(self.optimiser, rate)
            total += values * (rows.shape[1] / self.rows)
        return total

    def _take(self, tensor: Tensor, rows: Tensor) -> Tensor:
        picked = tensor.index_select(0, rows.flatten())
        if self.models is None:
            return picked
        return picked.view(*rows.shape, *tensor.shape[1:]).expand(self.models, *[-1] * tensor.dim())

    @torch.no_grad()
    def _evaluate(self) -> Tensor:
        total = self._zeros()
        if self.validation is None:
            return total + math.nan
        self.module.eval()
        n = len(self.validation[0])
        for start in range(0, n, EVALUATION_ROWS):
            part = [tensor[start : start + EVALUATION_ROWS] for tensor in self.validation]
            size = len(part[0])
            if self.models is not None:
                part = [tensor.expand(self.models, *tensor.shape) for tensor in part]
            total += self.loss(self.module, *part) * (size / n)
        return total

    def _done(self, epoch: int, held: Tensor) -> bool:
        """Keep the weights of networks that became better; say whether all have stopped."""
        running = self.stale < self.config.patience
        better = running & (held < self.best)
        self.best = torch.where(better, held, self.best)
        self.best_epoch[better] = epoch
        self.stale = torch.where(better, 0, self.stale + 1).where(running, self.stale)
        with torch.no_grad():
            for key, value in self._state().items():
                self.kept[key][better] = value[better]
        return bool((self.stale >= self.config.patience).all())

    def _state(self) -> dict[str, Tensor]:
        """Return weights and buffers, model index first."""
        state = self.module.state_dict()
        return state if self.models is not None else {k: v[None] for k, v in state.items()}

    @torch.no_grad()
    def _clip(self) -> None:
        """Limit the norm of each network's gradient."""
        grads = self.gradients.by_network()
        count = self.models or 1
        norms = torch.stack([g.reshape(count, -1).norm(dim=1) for g in grads]).norm(dim=0)
        scale = (self.config.gradient_clip / norms.clamp_min(1e-30)).clamp_max(1)
        for g in grads:
            g.mul_(scale.view(-1, *[1] * (g.dim() - 1)) if self.models else scale[0])


def scheduled_rate(config: TrainingConfig, done: float) -> float:
    """Return the learning rate, relative to its peak, after a share ``done`` of the training."""
    if done < config.warmup:
        return max(done, 1e-3 * config.warmup) / config.warmup
    done = (done - config.warmup) / (1 - config.warmup)
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    if config.schedule == "step":
        return 0.1 ** math.floor(3 * done)
    return FINAL_RATE[config.schedule] ** done


def _optimiser(parameters: list[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, weight_decay=decay)
    if config.optimiser == "sgd":
        return torch.optim.SGD(
            parameters, rate, momentum=0.9, nesterov=True, weight_decay=decay, fused=True
        )
    kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
    return kind(parameters, rate, weight_decay=decay, fused=True)
