"""What an analysis looks at: a model, and samples whose spectra are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xreg.core.analysis.results import PartResult
from xreg.core.data.dataset import Metadata
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, SampleError, UnknownNameError, did_you_mean
from xreg.core.interfaces import Descriptor, Emulator, FeatureLabel
from xreg.core.model.domain import Domain, Target
from xreg.core.model.pipeline import Pipeline
from xreg.core.model.scaling import Scaler
from xreg.core.storage import canonical_json

__all__ = ["AnalysisContext", "Retrained", "predict_with_spread"]

Rows = NDArray[np.intp]


def same_state(one: Descriptor, other: Descriptor) -> bool:
    """Whether two descriptors with the same settings have learned the same."""
    (values, arrays), (others, theirs) = one.state(), other.state()
    return (
        canonical_json(values) == canonical_json(others)
        and arrays.keys() == theirs.keys()
        and all(np.array_equal(arrays[key], theirs[key]) for key in arrays)
    )


def predict_with_spread(
    pipeline: Pipeline, inputs: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return predictions in the units of the data, and their spread where the emulator has one."""
    assert pipeline.targets_ is not None
    mean, std = pipeline.emulator.predict_with_spread(inputs)
    spread = None if std is None else std * pipeline.targets_.scale
    return pipeline.targets_.inverse_transform(mean), spread


@dataclass(eq=False)
class AnalysisContext:
    """A model and samples whose spectra are known, divided into parts.

    Attributes
    ----------
    pipeline
        The model. It may still be unfitted while needs are checked.
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
        Whether the training data are among the samples, so that :meth:`refit` makes sense.
    seed
        For whatever an analysis draws at random.
    """

    pipeline: Pipeline
    dataset: Metadata
    target: Target
    samples: Samples
    known: NDArray[np.float64]
    rows: Mapping[str, Rows]
    labels: Mapping[str, Any] = field(default_factory=dict)
    label_units: Mapping[str, str] = field(default_factory=dict)
    retrainable: bool = False
    seed: int = 0

    @property
    def features(self) -> Sequence[FeatureLabel]:
        """What each column means that the fitted emulator sees; empty without a descriptor."""
        return self.pipeline.feature_labels

    @property
    def used(self) -> Rows:
        """Row numbers of all parts, one after the other."""
        return np.concatenate(list(self.rows.values()))

    @property
    def judged(self) -> str:
        """The part that is judged: test, or the last one that has samples."""
        filled = [part for part, rows in self.rows.items() if len(rows)]
        return "test" if "test" in filled else filled[-1]

    @cached_property
    def results(self) -> dict[str, PartResult]:
        """Known and predicted spectra, with their spread, of each part that has samples."""
        found = {}
        for part, rows in self.rows.items():
            if len(rows):
                predicted, spread = predict_with_spread(self.pipeline, self.inputs(part))
                ids = self.samples.ids[rows]
                found[part] = PartResult(ids, self.known[rows], predicted, spread)
        return found

    @property
    def result(self) -> PartResult:
        """The results of the judged part."""
        return self.results[self.judged]

    def inputs(self, part: str | Rows) -> Any:
        """Return what the emulator takes: (n, k) scaled features, or the samples themselves."""
        if self.pipeline.descriptor is None:
            return self.samples_of(part)
        assert self.pipeline.features_ is not None
        return self.pipeline.features_.transform(self.features_of(part))

    def features_of(self, part: str | Rows) -> NDArray[np.float64]:
        """Return the (n, k) features that the emulator sees, unscaled, in their own units."""
        described = self.described(part)
        assert self.pipeline.columns_ is not None
        return self.pipeline.columns_.transform(described)

    def described(self, part: str | Rows) -> NDArray[np.float64]:
        """Return the (n, d) features as the descriptor gives them, before any filter."""
        if self.pipeline.descriptor is None:
            raise DataError(f"emulator '{self.pipeline.emulator.name}' takes no features.")
        return self._described[self._rows(part)]

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

    def refit(
        self,
        train: Rows,
        validation: Rows | None = None,
        *,
        columns: ArrayLike | None = None,
        seed: int | None = None,
    ) -> Retrained:
        """Train the same emulator anew, with the settings of the pipeline.

        Descriptor, filter, scalers and emulator are learned from ``train`` alone. Columns are
        told by their names; one that a descriptor fitted on ``train`` does not have is left out.

        Parameters
        ----------
        train, validation
            Row numbers to train on, and for early stopping.
        columns
            Indices or mask among ``features``; those that the filter of the pipeline keeps on
            ``train`` if not given.
        seed
            Seed of an emulator that has one; that of the pipeline if not given.
        """
        fresh, (X, Y, held) = self.prepare(train, validation, columns=columns, seed=seed)
        fresh.emulator.fit(X, Y, validation=held)
        return fresh

    def prepare(
        self,
        train: Rows,
        validation: Rows | None = None,
        *,
        columns: ArrayLike | None = None,
        seed: int | None = None,
    ) -> tuple[Retrained, tuple[Any, NDArray[np.float64], tuple[Any, NDArray[np.float64]] | None]]:
        """Do all of :meth:`refit` but the fit of the emulator; return what that needs beside."""
        emulator = self.pipeline.emulator
        settings: dict[str, Any] = dict(emulator.config)
        if seed is not None and "seed" in settings:
            settings["seed"] = seed
        if columns is not None and self.pipeline.descriptor is None:
            raise DataError(f"emulator '{emulator.name}' takes no features to choose from.")
        scaler = chosen = None
        table: NDArray[np.float64] | None = None
        numbers: Rows | None = None
        if self.pipeline.descriptor is not None:
            table, labels = self._described_from(train)
            raw = table[train]
            if columns is None:
                chosen = self.pipeline.feature_filter.fit(raw).columns
            else:
                place = {label.name: i for i, label in enumerate(labels)}
                numbers = self._numbers(columns)
                numbers = numbers[[self.features[i].name in place for i in numbers]]
                chosen = np.array([place[self.features[i].name] for i in numbers], dtype=np.intp)
                if not len(chosen):
                    raise DataError(
                        "none of the chosen columns exists for the training samples of a fold; "
                        "choose others, or fewer folds."
                    )
            scaler = Scaler.fit(raw[:, chosen], self.pipeline.feature_scaling)
        known = self.known[train]
        targets = Scaler.fit(known, self.pipeline.target_scaling)
        fresh = Retrained(self, type(emulator)(**settings), targets, scaler, chosen, table, numbers)
        fresh.emulator.zero_intensity = targets.zero
        held = None
        if validation is not None:
            validation = validation[self.known_from(train, validation, table)]
        if validation is not None and len(validation):
            held = (fresh.inputs(validation), targets.transform(self.known[validation]))
        return fresh, (fresh.inputs(train), targets.transform(known), held)

    def features_from(self, train: Rows) -> NDArray[np.float64]:
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

    def known_from(
        self, train: Rows, rows: Rows, table: NDArray[np.float64] | None = None
    ) -> NDArray[np.bool_]:
        """Return which rows a model trained on ``train`` can say something of.

        Not those with an element or an absorber that none of its samples has, unless its descriptor
        takes it; nor those that its descriptor cannot describe.
        """
        if self.pipeline.descriptor is not None:
            if table is None:
                table, _ = self._described_from(train)
            return np.asarray(np.isfinite(table[rows]).all(axis=1))
        fine = np.ones(len(rows), dtype=bool)
        strange = Domain.of(self.samples[train]).strangers(self.samples[rows])
        fine[list(strange)] = False
        return fine

    def _numbers(self, columns: ArrayLike) -> Rows:
        given = np.asarray(columns)
        return np.flatnonzero(given) if given.dtype == bool else given.astype(np.intp)

    def _described_from(self, train: Rows) -> tuple[NDArray[np.float64], Sequence[FeatureLabel]]:
        """Return the (n, d) features by a descriptor fitted on some rows, and their labels.

        NaN for samples that stand in no part or that it cannot describe. Where it learned no other
        than that of the pipeline, the features of that serve.
        """
        own = self.pipeline.descriptor
        assert own is not None
        fresh = own.__sklearn_clone__()
        fresh.fit(self.samples[train])
        if same_state(own, fresh):
            return self._described, own.feature_labels
        used = np.sort(self.used)
        labels = fresh.feature_labels
        table = np.full((len(self.samples), len(labels)), np.nan)
        try:
            table[used] = self.pipeline.featurize(fresh, self.samples[used])
        except SampleError:
            for row in used.tolist():
                with suppress(SampleError):  # else it stays NaN: the model says nothing of it
                    table[row] = fresh.transform(self.samples[row : row + 1])[0]
        return table, labels

    def _rows(self, part: str | Rows) -> Rows:
        return self.rows[part] if isinstance(part, str) else part

    @cached_property
    def _described(self) -> NDArray[np.float64]:
        """(n, d) features before filter and scaler; NaN for samples that stand in no part."""
        assert self.pipeline.descriptor is not None
        used = np.sort(self.used)
        made = self.pipeline.featurize(self.pipeline.descriptor, self.samples[used])
        table = np.full((len(self.samples), made.shape[1]), np.nan)
        table[used] = made
        return table


@dataclass(frozen=True, eq=False)
class Retrained:
    """An emulator trained anew, on other rows or other columns of a context.

    Attributes
    ----------
    context
        Whose samples it knows.
    emulator
        Fitted.
    targets, features
        Scalers of its training set; no ``features`` for an emulator that takes samples.
    columns
        Those columns of its own descriptor that it sees; None for one that takes samples.
    table
        (n, d) features by its own descriptor, of all samples of the context.
    numbers
        Where columns were chosen, their indices among the features of the context.
    """

    context: AnalysisContext
    emulator: Emulator
    targets: Scaler
    features: Scaler | None
    columns: Rows | None
    table: NDArray[np.float64] | None = None
    numbers: Rows | None = None

    def inputs(self, rows: Rows) -> Any:
        """Return what the emulator takes for some rows of the context."""
        if self.features is None:
            return self.context.samples_of(rows)
        assert self.table is not None
        return self.features.transform(self.table[rows][:, self.columns])

    def predict(self, inputs: Any) -> NDArray[np.float64]:
        """Return the (n, m) prediction from what :meth:`inputs` gives, in the units of the data."""
        return self.targets.inverse_transform(self.emulator.predict(inputs))
