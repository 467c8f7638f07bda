"""A fitted model: from samples to spectra, with all that is known of how far they are right."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core import storage
from xreg.core.arrays import Array
from xreg.core.data.samples import Samples
from xreg.core.errors import (
    CorruptError,
    DataError,
    OutsideError,
    PluginError,
    UnknownNameError,
    did_you_mean,
)
from xreg.core.interfaces import Component, Decomposer, Descriptor, Emulator, FeatureLabel
from xreg.core.interfaces.blocks import Blocks
from xreg.core.model.check import Check, code_changes
from xreg.core.model.conformal.intervals import LEVELS, Intervals
from xreg.core.model.domain import Domain, Target
from xreg.core.model.filters import KeptColumns
from xreg.core.model.inputs import FeatureInputs, Inputs, SampleInputs
from xreg.core.model.novelty import Novelty
from xreg.core.model.preprocessing import Preprocessing, ScaledColumns
from xreg.core.model.saved import (
    SavedModel,
    calling,
    require_features_fit,
    require_targets_fit,
)
from xreg.core.model.scaling import Scaler
from xreg.core.model.target_transforms import TargetTransform
from xreg.core.model.trust import Assessment, Trust, ranges_left
from xreg.core.source import source_hash
from xreg.core.storage import reading

__all__ = ["Model", "require_steps"]

ClassFinder = Callable[[str, str], type[Component]]


def require_steps(
    emulator: Emulator, descriptor: Descriptor | None, decomposers: Mapping[str, Decomposer]
) -> None:
    """Raise `DataError` for components that do not fit together."""
    if (descriptor is None) != (emulator.takes == "samples"):
        raise DataError(
            f"emulator '{emulator.name}' takes {emulator.takes}, so the pipeline "
            f"{'needs a' if descriptor is None else 'must have no'} descriptor."
        )
    if decomposers and descriptor is None:
        raise DataError("a decomposer needs features; this pipeline has no descriptor.")


@dataclass(eq=False)
class Model:
    """Samples -> inputs -> emulator -> spectra in the units of the data; decomposers beside.

    Attributes
    ----------
    emulator, decomposers
        The methods, fitted; decomposers by the label that the report shows.
    inputs
        What makes of samples what the emulator takes.
    preprocessing
        How inputs and targets were prepared, to train the like again.
    target
        What is predicted.
    target_scaler
        Between the units of the data and those of the emulator.
    domain
        What the training samples were.
    novelty
        What they were like, by which one that resembles none is known.
    trust
        What to expect of predictions; None unless the model has been judged on enough spectra.
        Whoever has judged it sets it.
    intervals
        Intervals that hold a stated share of the errors, learned as ``trust`` is.
    check
        What it predicted of a few samples when it was trained; whoever has predicted them sets it.
    trained_by
        Hash of the code that joined the steps, where the model was read from disk; empty where that
        is not known, None where it was trained here.
    """

    emulator: Emulator
    inputs: Inputs
    decomposers: dict[str, Decomposer]
    preprocessing: Preprocessing
    target: Target
    target_scaler: TargetTransform
    domain: Domain
    novelty: Novelty
    trust: Trust | None = None
    trained_by: str | None = None
    check: Check | None = None
    intervals: Intervals | None = None
    _found_difference: float | None = field(default=None, init=False)

    @property
    def features(self) -> FeatureInputs:
        """How features are made.

        Raises
        ------
        DataError
            If the emulator takes samples themselves.
        """
        if not isinstance(self.inputs, FeatureInputs):
            raise DataError(f"emulator '{self.emulator.name}' takes no features.")
        return self.inputs

    @property
    def descriptor(self) -> Descriptor | None:
        """The descriptor; None where the emulator takes samples themselves."""
        return self.inputs.descriptor if isinstance(self.inputs, FeatureInputs) else None

    @property
    def needs_labels(self) -> Sequence[str]:
        """Labels of samples that its descriptor reads."""
        return () if self.descriptor is None else self.descriptor.needs_labels

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """What each of the k columns means that emulator and decomposers see."""
        return self.inputs.labels

    @property
    def steps(self) -> dict[str, Component]:
        """Its components, by their place in a saved model."""
        decomposers = {f"decomposers/{label}": d for label, d in self.decomposers.items()}
        return {**self.inputs.steps, "emulator": self.emulator, **decomposers}

    def changes(self) -> list[str]:
        """Return, a sentence each, which code is not that which trained a model read from disk."""
        named = {f"{step.kind} '{step.name}'": step for step in self.steps.values()}
        parts: dict[str, Any] = {**named, "xreg's own part of the model": self}
        return code_changes(parts, None if self.check is None else self._difference)

    def _difference(self) -> float:
        """Return how far check samples are predicted from what they were; found once."""
        if self._found_difference is None:
            check = self.check
            self._found_difference = 0.0 if check is None else check.difference(self._spectra)
        return self._found_difference

    def _spectra(self, samples: Samples) -> Any:
        return self.target_scaler.inverse_transform(self.emulator.predict(self.inputs(samples)))

    def refusals(self, samples: Samples) -> dict[int, str]:
        """Return why samples lie so far outside that the model can say nothing of them, by row.

        Those with an absorber that was never trained on, those with an element that neither
        training nor, where its columns do not depend on elements, the descriptor knows, and those
        of which an emulator of samples says itself that it cannot use them.
        """
        return self.inputs.refusals(samples, self.domain)

    def predict(self, samples: Samples, return_std: bool = False) -> Any:
        """Return the (n, m) spectra in the units of the data, and their spread where asked for.

        A model of code that has changed since it was trained gives a warning.

        Raises
        ------
        SampleError
            If a sample lies outside the model's domain; it says which and why.
        DataError
            If a spread is asked for that the emulator does not have.
        """
        for change in self.changes():
            warnings.warn(change, stacklevel=2)
        self.domain.require(samples)
        if refused := self.refusals(samples):
            raise OutsideError(refused[min(refused)])
        X = self.inputs(samples)
        wanted = (len(samples), self.target_scaler.width)
        with calling(self.emulator):
            found = self.emulator.predict(X, return_std=return_std)
            mean, std = found if return_std else (found, None)
            shapes = {np.shape(part) for part in (mean, std) if part is not None}
            if shapes != {wanted}:
                raise PluginError(
                    f"emulator '{self.emulator.name}' predicts arrays of shape {shapes} for "
                    f"{wanted[0]} samples of {wanted[1]} values: the model is damaged, or the "
                    "plugin is at fault."
                )
        spectra = self.target_scaler.inverse_transform(mean)
        if std is None:
            return spectra
        return spectra, self.target_scaler.inverse_transform_std(std, mean)

    def through(self, label: str) -> Model:
        """Return the model that predicts through the scores of one of its decomposers.

        It has no trust, which was learned from the errors of the emulator.

        Raises
        ------
        UnknownNameError
            If it has no decomposer of that label.
        """
        from xreg.core.model.scores import ThroughScores

        if label not in self.decomposers:
            raise UnknownNameError(
                f"the model has no decomposer '{label}'{did_you_mean(label, self.decomposers)}."
            )
        scores = ThroughScores(self.decomposers[label], len(self.feature_labels))
        return replace(self, emulator=scores, trust=None, check=None, intervals=None)

    def predict_with_spread(self, inputs: Any) -> tuple[Array, Array | None]:
        """Return spectra in the units of the data, and their spread where the emulator has one.

        Parameters
        ----------
        inputs
            What ``inputs`` makes of n samples.
        """
        mean, std = self.emulator.predict_with_spread(inputs)
        scaler = self.target_scaler
        spread = None if std is None else scaler.inverse_transform_std(std, mean)
        return scaler.inverse_transform(mean), spread

    def predict_features(self, features: Array) -> Array:
        """Return the (n, m) spectra of (n, k) features that the emulator sees, not scaled yet."""
        X = self.features.scaling.scaler.transform(features)
        return self.target_scaler.inverse_transform(self.emulator.predict(X))

    def assess(
        self, samples: Samples, inputs: Any, predicted: Array, spread: Array | None
    ) -> Assessment:
        """Say how far predictions may be trusted, and what is new about their samples.

        Parameters
        ----------
        samples, inputs
            n samples, and what ``inputs`` makes of them.
        predicted, spread
            (n, m) spectra and their spread, in the units of the data.
        """
        reasons = ranges_left(self.domain, samples, float(self.novelty.widened[1]))
        for row, why in self.domain.outside_domain(samples).items():
            reasons[row] = reasons[row] or why.partition(";")[0]
        new = self.novelty.reasons(samples, inputs)
        reasons = ["; ".join(filter(None, pair)) for pair in zip(reasons, new, strict=True)]
        outside = np.array([bool(why) for why in reasons], dtype=bool)
        if self.trust is None:
            unknown = np.full(len(outside), np.nan)
            return Assessment(unknown, unknown, outside, tuple(reasons))
        # Beyond a parameter's range errors follow the evidence a while; a new structure is another.
        doubt = self.domain.kind == "structures"
        return self.trust.assess(inputs, predicted, spread, outside, reasons, doubt)

    def half_widths(
        self, samples: Samples, inputs: Any, spread: Array | None
    ) -> dict[float, Array]:
        """Return by level the (n, m) half widths of intervals about predictions, as of the data.

        Infinite where too few groups judged the model, and empty where it knows no errors of its
        own (:mod:`xreg.core.model.conformal.intervals`). Arguments are as in :meth:`assess`.
        """
        if self.intervals is None:
            return {}
        familiar, far = self.intervals.familiar(samples), self.novelty.distance(inputs)
        half = self.intervals.half_width
        return {level: half(level, familiar, spread, far) for level in LEVELS}

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder: one sub-folder a step, all hashed."""
        folder = Path(folder)
        arrays = self.inputs.arrays() | self.target_scaler.arrays("targets")
        if self.target.energy is not None:
            arrays["energy"] = self.target.energy
        learned = {"novelty": self.novelty, "trust": self.trust, "intervals": self.intervals}
        for place, part in (learned | {"check": self.check}).items():
            if part is not None:
                arrays |= {f"{place}.{name}": array for name, array in part.arrays().items()}
        steps, scaling = self.steps, self.inputs.scaling
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
                "feature_filter": vars(self.preprocessing.filter),
                "columns": scaling.kept.state() if isinstance(scaling, ScaledColumns) else None,
                "feature_scaling": self.preprocessing.features,
                "target_scaling": self.preprocessing.targets,
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
        parts: dict[str, Descriptor] = {
            place.partition("/")[2]: step
            for place, step in steps.items()
            if place.startswith("descriptor/")
        }
        decomposers: dict[str, Decomposer] = {
            place.partition("/")[2]: step
            for place, step in steps.items()
            if place.startswith("decomposers/")
        }
        emulator: Emulator = steps["emulator"]
        with reading(f"model {folder}"):
            descriptor = Blocks(parts) if parts else steps.get("descriptor")
            require_steps(emulator, descriptor, decomposers)
            inputs: Inputs = SampleInputs(emulator)
            if saved.columns is not None and descriptor is not None:
                kept = KeptColumns.restore(saved.columns.model_dump())
                scaling = ScaledColumns(kept, Scaler.of(arrays, "features"))
                inputs = FeatureInputs(descriptor, scaling)
                require_features_fit(inputs.descriptor, scaling, folder)
            energy = arrays.get("energy")
            target = Target(saved.target.channel, energy, saved.target.features, saved.target.unit)
            target_scaler = TargetTransform.of(arrays, "targets")
            require_targets_fit(target, target_scaler, folder)
            domain = saved.known_domain(folder)
            model = cls(
                emulator,
                inputs,
                decomposers,
                Preprocessing(saved.feature_filter, saved.feature_scaling, saved.target_scaling),
                target,
                target_scaler,
                domain,
                Novelty.of(_under("novelty.", arrays)),
                Trust.of(_under("trust.", arrays)),
                saved.code,
                Check.of(_under("check.", arrays), domain),
                Intervals.of(_under("intervals.", arrays)),
            )
        for decomposer in decomposers.values():
            decomposer.emulator = emulator
        return model


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}
