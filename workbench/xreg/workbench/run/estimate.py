"""What a run would cost, measured on a small sample of its own data."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from xreg.core.executor import cores
from xreg.core.interfaces import Emulator
from xreg.core.model.domain import Target
from xreg.core.model.features import build_features
from xreg.core.nn.settings import Device
from xreg.workbench.run.features import Execution, fit_descriptor
from xreg.workbench.run.preparation import Stages, require_training
from xreg.workbench.run.provenance import peak_memory_mib
from xreg.workbench.run.recipe import Recipe, resolve

__all__ = ["Estimate", "estimate"]

SMALL = 200
# Copies of the training features that live at once: raw, scaled, and the emulator's own.
COPIES = 3
# A network of more weights than this is not trained for an estimate; of each weight so many numbers
# are kept: itself, its gradient, two of the optimiser, and the best until then.
LARGE, STATES = 20_000_000, 5


@dataclass(frozen=True)
class Estimate:
    """What a run is expected to cost.

    Attributes
    ----------
    recipe
        Resolved.
    samples
        Samples by part.
    features
        Columns of the descriptor; 0 without one.
    targets
        Energies or target features.
    measured
        Samples that everything was measured on.
    seconds
        Expected time by stage.
    memory_mib
        Expected peak memory; None where this system does not tell.
    parameters
        Weights of a network that was not trained for the estimate, being too large; else 0.
    """

    recipe: Recipe
    samples: dict[str, int]
    features: int
    targets: int
    measured: int
    seconds: dict[str, float]
    memory_mib: float | None
    parameters: int = 0

    def lines(self) -> list[str]:
        """Return it in words."""
        counts = ", ".join(f"{count:,} {part}" for part, count in self.samples.items())
        total = sum(self.seconds.values())
        memory = "" if self.memory_mib is None else f", {self.memory_mib:,.0f} MiB of memory"
        if self.parameters:
            return [
                f"samples: {counts}; {self.features:,} features, {self.targets:,} targets",
                f"a network of {self.parameters:,} weights",
                *(f"{stage}: about {_duration(value)}" for stage, value in self.seconds.items()),
                f"altogether about {_duration(total)}{memory}",
                "How estimated: the network is too large to be trained for this. Its products, "
                "forward and backward in all epochs, are divided by the speed at which this "
                "machine multiplies large matrices, which training seldom reaches: take the time "
                "for the least. Memory is that of weights, gradients and the optimiser's state.",
            ]
        return [
            f"samples: {counts}; {self.features:,} features, {self.targets:,} targets",
            *(f"{stage}: about {_duration(value)}" for stage, value in self.seconds.items()),
            f"altogether about {_duration(total)}{memory}",
            f"How estimated: every stage was carried out on {self.measured} training samples on "
            "this machine, and its time scaled with the number of samples; figures, analyses and "
            "start-up come on top. Features that are in the cache cost nothing, an emulator that "
            "stops early costs less. Memory is what the small run took, and the arrays of the "
            "whole one.",
        ]


def estimate(recipe: Recipe, execution: Execution | None = None) -> Estimate:
    """Carry out a recipe on a few of its samples and scale up; nothing is written."""
    resolved = resolve(recipe)
    dataset, pipeline, channel = resolved.dataset, resolved.pipeline, resolved.channel
    rows = resolved.split.indices(dataset.samples.ids)
    train = rows["train"]
    chosen = np.sort(np.random.default_rng(0).choice(train, min(SMALL, len(train)), replace=False))
    small = dataset.samples[chosen]
    known = np.asarray(channel[chosen].intensity, dtype=np.float64)
    kept = np.isfinite(known).all(axis=1)
    small, known = small[kept], known[kept]
    require_training(len(small))
    n, total = len(small), len(dataset)
    growth = len(train) / n
    seconds: dict[str, float] = {}
    width, stages, descriptor = 0, Stages(), None
    if pipeline.descriptor is not None:
        start = time.perf_counter()
        descriptor = pipeline.descriptor.__sklearn_clone__()
        if bad := fit_descriptor(descriptor, small, np.arange(len(small))):
            kept = ~np.isin(np.arange(len(small)), list(bad))
            small, known = small[kept], known[kept]
            require_training(len(small))
            n, growth = len(small), len(train) / len(small)
        width = build_features(descriptor, small).shape[1]
        spent = (time.perf_counter() - start) * total / n
        execution = execution or Execution()
        if execution.kind == "process" and execution.pays(spent):
            spent /= execution.workers or cores()
        seconds["features"] = spent
    target = Target(str(resolved.recipe.target.channel), channel.energy, channel.features)
    large = _large(pipeline.emulator, width, known.shape[1], len(train))
    models = len(resolved.splits)
    trainings = models * (1 + resolved.recipe.calibration.folds)
    if large is None:
        pipeline.fit(small, known, target, stage=stages, descriptor=descriptor)
        for stage, spent in stages.seconds.items():
            many = trainings if stage.startswith("emulator") else models
            seconds[stage] = spent * growth * many
    else:
        seconds[f"emulator {pipeline.emulator.name}"] = large.seconds * trainings
    now = peak_memory_mib()
    if now is not None and large is not None:
        now += large.memory_mib
    arrays = 8 * (COPIES * len(train) * width + 2 * total * known.shape[1]) / 2**20
    return Estimate(
        recipe=resolved.recipe,
        samples={part: len(part_rows) for part, part_rows in rows.items()},
        features=width,
        targets=known.shape[1],
        measured=n,
        seconds=seconds,
        memory_mib=None if now is None else now + arrays,
        parameters=0 if large is None else large.parameters,
    )


@dataclass(frozen=True)
class _Large:
    """A network too large to be trained for an estimate."""

    parameters: int
    seconds: float
    memory_mib: float


def _large(emulator: Emulator, features: int, targets: int, samples: int) -> _Large | None:
    """Return what a network of many weights would take, None for any other emulator."""
    found = emulator.size(features, targets)
    if found is None or found[0] < LARGE:
        return None
    parameters, products = found
    work = 2 * 3 * products * samples * int(getattr(emulator.config, "epochs", 1))
    batch = min(samples, int(getattr(emulator.config, "batch", samples)))
    speed = _speed(getattr(emulator.config, "device", "cpu"), batch * products)
    return _Large(parameters, work / speed, 4 * STATES * parameters / 2**20)


def _speed(device: Device, products: int) -> float:
    """Return how many products and sums of single-precision matrices are done in a second."""
    import torch

    from xreg.core.nn.devices import device_for

    place = device_for(device, products)
    width = 1024 if place.type == "cpu" else 8192
    a = torch.ones(width, width, device=place)
    (a @ a)[0, 0].item()  # which waits for a GPU
    start = time.perf_counter()
    for _ in range(4):
        (a @ a)[0, 0].item()
    return float(4 * 2 * width**3 / (time.perf_counter() - start))


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "1 s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
