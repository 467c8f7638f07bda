"""Descriptor, feature filter, scalers, emulator and decomposers joined into one model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core import progress, storage
from xreg.core.data.samples import Samples
from xreg.core.errors import (
    CorruptError,
    DataError,
    NotFittedError,
    OutsideError,
    PluginError,
    SampleError,
)
from xreg.core.interfaces import Component, Decomposer, Descriptor, Emulator, FeatureLabel
from xreg.core.model.changes import code_changes
from xreg.core.model.domain import Domain, Target
from xreg.core.model.features import Featurizer, build_features, require_kind
from xreg.core.model.filters import FeatureFilter, KeptColumns
from xreg.core.model.novelty import Novelty
from xreg.core.model.saved import SavedModel, calling, require_fitting
from xreg.core.model.scaling import FeatureScaling, Scaler, TargetScaling
from xreg.core.model.trust import Assessment, Trust, ranges_left
from xreg.core.source import source_hash
from xreg.core.storage import reading

__all__ = ["Pipeline"]

Stage = Callable[[str], AbstractContextManager[Any]]
ClassFinder = Callable[[str, str], type[Component]]


@dataclass(eq=False)
class Pipeline:
    """A model: descriptor -> filter -> scaler -> emulator -> target scaler; decomposers beside.

    Attributes
    ----------
    descriptor
        None where the emulator takes samples themselves.
    emulator, decomposers
        The methods; decomposers by the label that the report shows.
    feature_filter
        Which columns are left out before scaling, by what they do on the training set.
    feature_scaling, target_scaling
        How features and targets are standardised on the training set.
    featurize
        Builds features; a caller may hand in one with a cache.
    novelty_
        What training samples were like, by which one that resembles none is known.
    trust_
        What to expect of predictions; whoever has judged the model sets it.
    trained_by
        Hash of the code that joined the steps, where the model was read from disk; empty where that
        is not known.
    """

    emulator: Emulator
    descriptor: Descriptor | None = None
    decomposers: dict[str, Decomposer] = field(default_factory=dict)
    feature_filter: FeatureFilter = field(default_factory=FeatureFilter)
    feature_scaling: FeatureScaling = "standard"
    target_scaling: TargetScaling = "global"
    featurize: Featurizer = build_features

    target: Target | None = None
    domain: Domain | None = None
    columns_: KeptColumns | None = None
    features_: Scaler | None = None
    targets_: Scaler | None = None
    novelty_: Novelty | None = None
    trust_: Trust | None = None
    trained_by: str | None = None

    def __post_init__(self) -> None:
        if (self.descriptor is None) != (self.emulator.takes == "samples"):
            raise DataError(
                f"emulator '{self.emulator.name}' takes {self.emulator.takes}, so the pipeline "
                f"{'needs a' if self.descriptor is None else 'must have no'} descriptor."
            )
        if self.decomposers and self.descriptor is None:
            raise DataError("a decomposer needs features; this pipeline has no descriptor.")

    def fit(
        self,
        samples: Samples,
        Y: ArrayLike,
        target: Target,
        validation: tuple[Samples, ArrayLike] | None = None,
        stage: Stage = nullcontext,
    ) -> Self:
        """Train all steps.

        Parameters
        ----------
        samples
            n training samples.
        Y
            (n, m) training targets.
        target
            What the columns of Y are.
        validation
            Samples and targets for early stopping.
        stage
            Called with what comes next, emulator or a decomposer; its context holds meanwhile.
        """
        with stage(f"emulator {self.emulator.name}"):
            X, scaled = self._fit_emulator(samples, Y, target, validation)
        for done, (label, decomposer) in enumerate(self.decomposers.items()):
            progress.report("decomposers", done, len(self.decomposers), label)
            with stage(f"decomposer {label}"):
                decomposer.fit(X, scaled, self.emulator if decomposer.needs_emulator else None)
                decomposer.emulator = self.emulator
            progress.report("decomposers", done + 1, len(self.decomposers), label)
        return self

    def _fit_emulator(
        self,
        samples: Samples,
        Y: ArrayLike,
        target: Target,
        validation: tuple[Samples, ArrayLike] | None,
    ) -> tuple[Any, NDArray[np.float64]]:
        """Train all but the decomposers; return the emulator's inputs and scaled targets."""
        self.target, self.domain = target, Domain.of(samples)
        self.trained_by = None  # where the model was read and is trained anew
        for step in self.steps.values():
            step.trained_by = None
        known = np.asarray(Y, dtype=np.float64)
        self.targets_ = Scaler.fit(known, self.target_scaling)
        if self.descriptor is not None:
            require_kind(self.descriptor, samples)
            self.descriptor.fit(samples)
            raw = self.featurize(self.descriptor, samples)
            self.columns_ = self.feature_filter.fit(raw)
            raw = self.columns_.transform(raw)
            self.features_ = Scaler.fit(raw, self.feature_scaling)
            X: Any = self.features_.transform(raw)
            for decomposer in self.decomposers.values():
                decomposer.require_rank(X.shape)
        else:
            X = samples
        held = None
        if validation is not None and len(validation[0]):
            held = (self.inputs(validation[0]), self.targets_.transform(validation[1]))
        scaled = self.targets_.transform(known)
        self.emulator.zero_intensity = self.targets_.zero
        self.emulator.fit(X, scaled, validation=held)
        self.novelty_ = Novelty.fit(samples, X)
        return X, scaled

    def assess(
        self,
        samples: Samples,
        inputs: Any,
        predicted: NDArray[np.float64],
        spread: NDArray[np.float64] | None,
    ) -> Assessment:
        """Say how far predictions may be trusted, and what is new about their samples.

        Parameters
        ----------
        samples, inputs
            n samples, and what :meth:`inputs` makes of them.
        predicted, spread
            (n, m) spectra and their spread, in the units of the data.
        """
        assert self.domain is not None
        reasons = ranges_left(self.domain, samples)
        for row, why in self.domain.strangers(samples).items():
            reasons[row] = reasons[row] or why.partition(";")[0]
        if self.novelty_ is not None:
            new = self.novelty_.reasons(samples, inputs)
            reasons = ["; ".join(filter(None, pair)) for pair in zip(reasons, new, strict=True)]
        outside = np.array([bool(why) for why in reasons], dtype=bool)
        if self.trust_ is None:
            unknown = np.full(len(outside), np.nan)
            return Assessment(unknown, unknown, outside, tuple(reasons))
        # Beyond a parameter's range errors follow the evidence a while; a new structure is another.
        doubt = self.domain.kind == "structures"
        return self.trust_.assess(inputs, predicted, spread, outside, reasons, doubt)

    def inputs(self, samples: Samples) -> Any:
        """Return what the emulator takes: (n, k) scaled features, or the samples themselves."""
        if self.descriptor is None:
            return samples
        if self.features_ is None or self.columns_ is None:
            raise NotFittedError("the pipeline must be fitted before it is used.")
        with calling(self.descriptor):
            raw = self.featurize(self.descriptor, samples)
        return self.features_.transform(self.columns_.transform(raw))

    @property
    def steps(self) -> dict[str, Component]:
        """Its components, by their place in a saved model."""
        found: dict[str, Component] = {"emulator": self.emulator}
        if self.descriptor is not None:
            found["descriptor"] = self.descriptor
        return found | {f"decomposers/{label}": d for label, d in self.decomposers.items()}

    def changes(self) -> list[str]:
        """Return, a sentence each, which code is not that which trained a model read from disk."""
        named = {f"{step.kind} '{step.name}'": step for step in self.steps.values()}
        parts: dict[str, Any] = {**named, "xreg's own part of the model": self}
        return code_changes(parts)

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """What each of the k columns means that emulator and decomposers see."""
        if self.descriptor is None:
            return []
        if self.columns_ is None:
            raise NotFittedError("the pipeline must be fitted before its columns are known.")
        return self.columns_.labels(self.descriptor.feature_labels)

    def refusals(self, samples: Samples) -> dict[int, str]:
        """Return why samples lie so far outside that the model can say nothing of them, by row.

        Those with an absorber that was never trained on, those with an element that neither
        training nor, where its columns do not depend on elements, the descriptor knows, and those
        of which an emulator of samples says itself that it cannot use them.
        """
        assert self.domain is not None
        found = self.domain.strangers(samples)
        if self.descriptor is None:
            unusable = self.emulator.unusable(samples)
            return {row: str(why) for row, why in unusable.items()} | found
        if not found:
            return found
        for row, why in list(found.items()):
            one = samples[row : row + 1]
            if int(one.absorbers()[0]) not in self.domain.absorbers:
                continue
            try:
                self.descriptor.transform(one)
            except SampleError:
                found[row] = why
            else:
                del found[row]
        return found

    def predict(self, samples: Samples, return_std: bool = False) -> Any:
        """Return the (n, m) spectra in the units of the data, and their spread where asked for.

        A model of code that has changed since it was trained gives a warning.

        Raises
        ------
        SampleError
            If a sample lies outside the model's domain; it says which and why.
        """
        if self.targets_ is None or self.domain is None:
            raise NotFittedError("the pipeline must be fitted before it is used.")
        for change in self.changes():
            warnings.warn(change, stacklevel=2)
        self.domain.require(samples)
        if refused := self.refusals(samples):
            raise OutsideError(refused[min(refused)])
        X = self.inputs(samples)
        with calling(self.emulator):
            found = self.emulator.predict(X, return_std=return_std)
            mean, std = found if return_std else (found, None)
            shapes = {np.shape(part) for part in (mean, std) if part is not None}
            if shapes != {(len(samples), len(self.targets_.mean))}:
                raise PluginError(
                    f"emulator '{self.emulator.name}' predicts arrays of shape {shapes} for "
                    f"{len(samples)} samples of {len(self.targets_.mean)} values: the model is "
                    "damaged, or the plugin is at fault."
                )
        if std is None:
            return self.targets_.inverse_transform(mean)
        return self.targets_.inverse_transform(mean), std * self.targets_.scale

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder: one sub-folder a step, all hashed."""
        if self.features_ is None and self.descriptor is not None:
            raise NotFittedError("the pipeline must be fitted before it is saved.")
        if self.targets_ is None or self.target is None or self.domain is None:
            raise NotFittedError("the pipeline must be fitted before it is saved.")
        folder = Path(folder)
        arrays: dict[str, NDArray[Any]] = {}
        for name, scaler in (("features", self.features_), ("targets", self.targets_)):
            if scaler is not None:
                arrays |= scaler.arrays(name)
        if self.target.energy is not None:
            arrays["energy"] = self.target.energy
        if self.novelty_ is not None:
            arrays |= {f"novelty.{name}": array for name, array in self.novelty_.arrays().items()}
        if self.trust_ is not None:
            arrays |= {f"trust.{name}": array for name, array in self.trust_.arrays().items()}
        steps = self.steps
        for place, component in steps.items():
            component.save(folder / place)
        storage.write(
            folder,
            {
                "kind": "pipeline",
                "steps": {place: [c.kind, c.name] for place, c in steps.items()},
                # Ties the parts together: a step of another model in this folder is noticed.
                "parts": {
                    place: storage.digest((folder / place / storage.META).read_bytes())
                    for place in steps
                },
                "feature_filter": vars(self.feature_filter),
                "columns": None if self.columns_ is None else self.columns_.state(),
                "feature_scaling": self.feature_scaling,
                "target_scaling": self.target_scaling,
                "target": {
                    "channel": self.target.channel,
                    "features": self.target.features,
                    "unit": self.target.unit,
                },
                "domain": vars(self.domain),
                "code": source_hash(type(self)) if self.trained_by is None else self.trained_by,
            },
            arrays,
        )

    @staticmethod
    def steps_in(folder: Path) -> list[tuple[str, str, str]]:
        """Return place, kind and name of each component of a saved model; none is imported."""
        return SavedModel.of(storage.read_meta(folder), folder).places()

    @classmethod
    def load(cls, folder: str | Path, find: ClassFinder) -> Self:
        """Read a saved model.

        Parameters
        ----------
        folder
            What :meth:`save` wrote.
        find
            Gives the class for a kind and a name (the plugin host's).

        Raises
        ------
        CorruptError
            If anything of it changed since it was written.
        """
        folder = Path(folder)
        meta, arrays = storage.read(folder)
        saved = SavedModel.of(meta, folder)
        steps: dict[str, Any] = {}
        for place, kind, name in saved.places():
            steps[place] = find(kind, name).load(folder / place)
            if storage.digest((folder / place / storage.META).read_bytes()) != saved.parts[place]:
                raise CorruptError(f"{folder / place} does not belong to this model.")
        with reading(f"model {folder}"):
            pipeline = cls(
                emulator=steps["emulator"],
                descriptor=steps.get("descriptor"),
                decomposers={
                    place.partition("/")[2]: step
                    for place, step in steps.items()
                    if place.startswith("decomposers/")
                },
                feature_filter=saved.feature_filter,
                feature_scaling=saved.feature_scaling,
                target_scaling=saved.target_scaling,
                target=Target(
                    saved.target.channel,
                    arrays.get("energy"),
                    saved.target.features,
                    saved.target.unit,
                ),
                domain=saved.known_domain(folder),
                columns_=None
                if saved.columns is None
                else KeptColumns.restore(saved.columns.model_dump()),
                features_=Scaler.of(arrays, "features") if "descriptor" in steps else None,
                targets_=Scaler.of(arrays, "targets"),
                novelty_=Novelty.of(_under("novelty.", arrays)),
                trust_=Trust.of(_under("trust.", arrays)),
                trained_by=saved.code,
            )
            require_fitting(pipeline, folder)
        for decomposer in pipeline.decomposers.values():
            decomposer.emulator = pipeline.emulator
        return pipeline


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
