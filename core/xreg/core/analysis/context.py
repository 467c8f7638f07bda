"""What an analysis looks at: a model, and samples whose spectra are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.analysis.results import PartResult
from xreg.core.arrays import Array
from xreg.core.data.dataset import Metadata
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, SampleError, UnknownNameError, did_you_mean
from xreg.core.interfaces import Descriptor, Emulator, FeatureLabel
from xreg.core.model.domain import Domain, Target
from xreg.core.model.model import Model
from xreg.core.model.preprocessing import ScaledColumns, TrainingData, Unscaled
from xreg.core.model.target_transforms import TargetTransform
from xreg.core.storage import canonical_json

__all__ = ["AnalysisContext", "AnalysisData", "Retrained"]

Rows = NDArray[np.intp]


def same_state(one: Descriptor, other: Descriptor) -> bool:
    """Whether two descriptors with the same settings have learned the same."""
    (values, arrays), (others, theirs) = one.state(), other.state()
    return (
        canonical_json(values) == canonical_json(others)
        and arrays.keys() == theirs.keys()
        and all(np.array_equal(arrays[key], theirs[key]) for key in arrays)
    )


@dataclass(eq=False)
class AnalysisData:
    """Samples whose spectra are known, divided into parts.

    Attributes
    ----------
    dataset
        What the data are.
    target
        What is predicted: energies, unit.
    samples
        All n samples; may be lazy.
    known
        (n, m) targets of all of them, in the units of the data.
    rows
        Row numbers of each part (train, validation, test).
    labels, label_units
        (n,) labels by name, and the units of those that have one.
    retrainable
        Whether the training data are among the samples, so that training again makes sense.
    seed
        For whatever an analysis draws at random.
    """

    dataset: Metadata
    target: Target
    samples: Samples
    known: Array
    rows: Mapping[str, Rows]
    labels: Mapping[str, Any] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    retrainable: bool = False
    seed: int = 0

    @property
    def used(self) -> Rows:
        """Row numbers of all parts, one after the other."""
        return np.concatenate(list(self.rows.values()))

    @property
    def judged(self) -> str:
        """The part that is judged: test, or the last one that has samples."""
        filled = [part for part, rows in self.rows.items() if len(rows)]
        return "test" if "test" in filled else filled[-1]

    def samples_of(self, part: str | Rows) -> Samples:
        """Return the samples of a part, in memory."""
        chosen: Samples = self.samples[self._rows(part)]
        return chosen

    def label(self, name: str, part: str | Rows) -> NDArray[Any]:
        """Return a label of the samples of a part, or say which labels there are."""
        if name not in self.labels:
            raise UnknownNameError(
                f"dataset '{self.dataset.name}' has no label '{name}'"
                f"{did_you_mean(name, self.labels)}."
            )
        return np.asarray(self.labels[name])[self._rows(part)]

    def _rows(self, part: str | Rows) -> Rows:
        return self.rows[part] if isinstance(part, str) else part


@dataclass(eq=False, kw_only=True)
class AnalysisContext(AnalysisData):
    """A model, and samples whose spectra are known, divided into parts.

    Attributes
    ----------
    model
        The model, fitted.
    """

    model: Model

    @classmethod
    def of(cls, model: Model, data: AnalysisData) -> Self:
        """Put a model and data together."""
        return cls(**vars(data), model=model)

    @property
    def pipeline(self) -> Model:
        """The model, by the name that interface 1.0 began with."""
        return self.model

    @property
    def features(self) -> Sequence[FeatureLabel]:
        """What each column means that the emulator sees; empty without a descriptor."""
        return self.model.feature_labels

    @cached_property
    def results(self) -> dict[str, PartResult]:
        """Known and predicted spectra, with their spread, of each part that has samples."""
        found = {}
        for part, rows in self.rows.items():
            if len(rows):
                predicted, spread = self.model.predict_with_spread(self.inputs(part))
                ids = self.samples.ids[rows]
                found[part] = PartResult(ids, self.known[rows], predicted, spread)
        return found

    @property
    def result(self) -> PartResult:
        """The results of the judged part."""
        return self.results[self.judged]

    def inputs(self, part: str | Rows) -> Any:
        """Return what the emulator takes: (n, k) scaled features, or the samples themselves."""
        return self.model.inputs.scaling.transform(self._raw[self._rows(part)])

    def features_of(self, part: str | Rows) -> Array:
        """Return the (n, k) features that the emulator sees, unscaled, in their own units."""
        return self.model.features.scaling.kept.transform(self.described(part))

    def described(self, part: str | Rows) -> Array:
        """Return the (n, d) features as the descriptor gives them, before any filter.

        Raises
        ------
        DataError
            If the emulator takes samples themselves.
        """
        return self._described[self._rows(part)]

    def refit(
        self,
        train: Rows,
        validation: Rows | None = None,
        *,
        columns: ArrayLike | None = None,
        seed: int | None = None,
    ) -> Retrained:
        """Train the same emulator anew, with the settings of the model.

        Descriptor, filter, scalers and emulator are learned from ``train`` alone. Columns are
        told by their names; one that a descriptor fitted on ``train`` does not have is left out.

        Parameters
        ----------
        train, validation
            Row numbers to train on, and for early stopping.
        columns
            Indices or mask among ``features``; those that the filter of the model keeps on
            ``train`` if not given.
        seed
            Seed of an emulator that has one; that of the model if not given.
        """
        fresh, data = self.prepare(train, validation, columns=columns, seed=seed)
        data.fit([fresh.emulator])
        return fresh

    def prepare(
        self,
        train: Rows,
        validation: Rows | None = None,
        *,
        columns: ArrayLike | None = None,
        seed: int | None = None,
    ) -> tuple[Retrained, TrainingData[ScaledColumns | Unscaled]]:
        """Do all of :meth:`refit` but the fit of the emulator; return what that needs beside."""
        emulator = self.model.emulator
        settings: dict[str, Any] = dict(emulator.config)
        if seed is not None and "seed" in settings:
            settings["seed"] = seed
        raw, labels = self._raw_from(train)
        held = None
        if validation is not None:
            validation = validation[self._known(train, validation, raw)]
            held = (raw[validation], self.known[validation]) if len(validation) else None
        chosen = None if columns is None else self._places(columns, labels)
        sources = [label.source for label in labels]
        data = self.model.preprocessing.prepare(
            raw[train], self.known[train], held, chosen, sources
        )
        fresh = type(emulator)(**settings)
        fresh.start = emulator.start
        own = data.scaling.labels(labels)
        return Retrained(self, fresh, data.targets, data.scaling, raw, own), data

    def features_from(self, train: Rows) -> Array:
        """Return the (n, k) features of all samples, by a descriptor fitted on some rows alone.

        The columns are those of ``features``; one that this descriptor does not have is zero. NaN
        for samples that stand in no part or that it cannot describe.
        """
        table, labels = self._described_from(train)
        place = {label.name: i for i, label in enumerate(labels)}
        found = np.zeros((len(table), len(self.features)))
        for i, label in enumerate(self.features):
            if label.name in place:
                found[:, i] = table[:, place[label.name]]
        found[~np.isfinite(table).all(axis=1)] = np.nan
        return found

    def known_from(self, train: Rows, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows a model trained on ``train`` can say something of.

        Not those with an element or an absorber that none of its samples has, unless its descriptor
        takes it; nor those that its descriptor cannot describe.
        """
        return self._known(train, rows, self._raw_from(train)[0])

    def _known(self, train: Rows, rows: Rows, raw: Any) -> NDArray[np.bool_]:
        if not isinstance(raw, Samples):
            return np.asarray(np.isfinite(raw[rows]).all(axis=1))
        fine = np.ones(len(rows), dtype=bool)
        strange = Domain.of(self.samples[train]).outside_domain(self.samples[rows])
        fine[list(strange)] = False
        return fine

    def _places(self, columns: ArrayLike, labels: Sequence[FeatureLabel]) -> Rows:
        """Return where columns of ``features`` stand among those with other labels."""
        given = np.asarray(columns)
        numbers = np.flatnonzero(given) if given.dtype == bool else given.astype(np.intp)
        place = {label.name: i for i, label in enumerate(labels)}
        names = [self.model.features.labels[i].name for i in numbers]
        chosen = np.array([place[name] for name in names if name in place], dtype=np.intp)
        if not len(chosen):
            raise DataError(
                "none of the chosen columns exists for the training samples of a fold; "
                "choose others, or fewer folds."
            )
        return chosen

    @cached_property
    def _described(self) -> Array:
        """(n, d) features before filter and scaler; NaN for samples that stand in no part."""
        inputs, used = self.model.features, np.sort(self.used)
        made = inputs.featurize(inputs.descriptor, self.samples[used])
        table = np.full((len(self.samples), made.shape[1]), np.nan)
        table[used] = made
        return table

    @property
    def _raw(self) -> Any:
        """What inputs are made of: the (n, d) features of all samples, or the samples."""
        return self.samples if self.model.descriptor is None else self._described

    def _raw_from(self, train: Rows) -> tuple[Any, Sequence[FeatureLabel]]:
        """Return the same for a model trained on some rows, and what columns mean."""
        return (self.samples, ()) if self.model.descriptor is None else self._described_from(train)

    def _described_from(self, train: Rows) -> tuple[Array, Sequence[FeatureLabel]]:
        """Return the (n, d) features by a descriptor fitted on some rows, and their labels.

        NaN for samples that stand in no part or that it cannot describe. Where it learned no other
        than that of the model, the features of that serve.
        """
        inputs = self.model.features
        own = inputs.descriptor
        if not self.model.preprocessing.anew:
            return self._described, own.feature_labels
        fresh = own.__sklearn_clone__()
        fresh.fit(self.samples[train])
        if same_state(own, fresh):
            return self._described, own.feature_labels
        used = np.sort(self.used)
        labels = fresh.feature_labels
        table = np.full((len(self.samples), len(labels)), np.nan)
        try:
            table[used] = inputs.featurize(fresh, self.samples[used])
        except SampleError:
            for row in used.tolist():
                with suppress(SampleError):  # else it stays NaN: the model says nothing of it
                    table[row] = fresh.transform(self.samples[row : row + 1])[0]
        return table, labels


@dataclass(frozen=True, eq=False)
class Retrained:
    """An emulator trained anew, on other rows or other columns of a context.

    Attributes
    ----------
    context
        Whose samples it knows.
    emulator
        Fitted.
    targets, scaling
        Learned from its training set, of targets and of what is made into its inputs.
    raw
        (n, d) features of all samples of the context by its own descriptor, or the samples.
    labels
        What each column means that it sees; empty for samples.
    """

    context: AnalysisContext
    emulator: Emulator
    targets: TargetTransform
    scaling: ScaledColumns | Unscaled
    raw: Any
    labels: Sequence[FeatureLabel] = ()

    def inputs(self, rows: Rows) -> Any:
        """Return what the emulator takes for some rows of the context."""
        return self.scaling.transform(self.raw[rows])

    def predict(self, inputs: Any) -> Array:
        """Return the (n, m) prediction from what :meth:`inputs` gives, in the units of the data."""
        return self.targets.inverse_transform(self.emulator.predict(inputs))

    def features_of(self, rows: Rows) -> Array:
        """Return (r, k) unscaled features by its own descriptor, as the context has them.

        A column that this descriptor does not have is zero.
        """
        found = np.zeros((len(rows), len(self.context.features)))
        found[:, self._numbers] = self._columns.kept.transform(self.raw[rows])
        return found

    def predict_features(self, features: Array) -> Array:
        """Return the (r, m) prediction from what :meth:`features_of` gives, or a change of it."""
        return self.predict(self._columns.scaler.transform(features[:, self._numbers]))

    @property
    def _numbers(self) -> list[int]:
        """Where its columns stand among the features of the context, of which they were chosen."""
        place = {label.name: i for i, label in enumerate(self.context.features)}
        return [place[label.name] for label in self.labels]

    @property
    def _columns(self) -> ScaledColumns:
        if isinstance(self.scaling, Unscaled):
            raise DataError(f"emulator '{self.emulator.name}' takes no features.")
        return self.scaling
