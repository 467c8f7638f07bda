"""What figures and page of a report are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xreg.core.analysis.results import PartResult
from xreg.core.arrays import Array
from xreg.core.data.dataset import Metadata
from xreg.core.interfaces import FeatureLabel
from xreg.core.interfaces.analysis import Analysed
from xreg.core.model.domain import Target

__all__ = ["Colouring", "Decomposition", "ReportData", "Sweep"]


@dataclass(frozen=True, eq=False)
class Sweep:
    """How the spectrum changes along one direction.

    Attributes
    ----------
    stops
        (q,) values of the score.
    spectra
        (q, m) spectra in the units of the data.
    """

    stops: Array
    spectra: Array


@dataclass(frozen=True, eq=False)
class Decomposition:
    """What a decomposer found.

    Attributes
    ----------
    label, method
        Label in the report, and name of the component.
    covered
        Covered variance of the first 1…k directions by part.
    ids
        (n,) samples whose scores follow: all that were used.
    scores
        (n, k) scores t.
    vectors
        (k, d) basis vectors on standardised features; None for a method that is not linear.
    shares, sweeps
        Quantiles of a score at which spectra were emulated, and those spectra for each direction.
    correlations
        Spearman's correlation of each score with labels and features.
    """

    label: str
    method: str
    covered: Mapping[str, Sequence[float]]
    ids: NDArray[np.str_]
    scores: Array
    vectors: Array | None
    shares: Sequence[float]
    sweeps: Sequence[Sweep]
    correlations: Mapping[str, Sequence[float]]


@dataclass(frozen=True, eq=False)
class Colouring:
    """A label or feature that colours scores.

    Attributes
    ----------
    values
        (n,) numbers or strings, in the order of a decomposition's samples.
    unit
        Unit of the numbers.
    """

    values: NDArray[Any]
    unit: str = ""


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything that a report shows.

    Attributes
    ----------
    name
        Name of the run, or of what is evaluated.
    dataset
        What the data are and how to cite them.
    target
        What was predicted.
    target_scaling
        How targets were standardised for the emulator: that is how decompositions are scored.
    parts
        Results by part; the test part last.
    metrics
        Scores by part.
    features
        What each column of the descriptor means; empty without one.
    decompositions
        In the order of the recipe.
    colourings
        By name of label or feature.
    units
        Unit of each label and feature that scores are correlated with, where it has one.
    history
        (c, 1 + 2M) record of training: epoch, M training losses, M validation losses (NaN where
        there is none); None for an emulator that keeps no record.
    analyses
        What analyses found, in their order.
    recipe, summary
        As stored in the folder of the run or evaluation.
    command
        Which command made it.
    remarks
        What a reader must know before any number, a sentence each.
    """

    name: str
    dataset: Metadata
    target: Target
    target_scaling: str
    parts: Mapping[str, PartResult]
    metrics: Mapping[str, Any]
    features: Sequence[FeatureLabel] = ()
    decompositions: Sequence[Decomposition] = ()
    colourings: Mapping[str, Colouring] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    history: Array | None = None
    analyses: Sequence[Analysed] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    command: Literal["run", "evaluate"] = "run"
    remarks: Sequence[str] = ()

    @property
    def judged(self) -> str:
        """The part that figures judge: test, or the last part that has samples."""
        return "test" if "test" in self.parts else list(self.parts)[-1]

    def emulator_r2(self, part: str) -> float | None:
        """Return the emulator's covered variance on targets scaled as decompositions see them."""
        key = "r2_standardised" if self.target_scaling == "channel" else "r2"
        value = self.metrics.get(part, {}).get(key)
        return None if value is None else float(value)
