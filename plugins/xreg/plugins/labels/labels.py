"""Labels of samples as features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.atoms.elements import SYMBOLS
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, OutsideError, SampleError, did_you_mean
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg.core.readers.numbers import number_of
from xreg.plugins.labels.plugin import LabelsConfig

__all__ = ["Labels"]

ABSORBER = "absorber"
MOST = 100
"""Values of a text. One that has more names the samples and does not describe them."""


class Labels(Descriptor[LabelsConfig]):
    """What is known of samples beside their atoms: charge, spin, temperature, the engine.

    Attributes
    ----------
    values_
        Which values of each text have a column, ascending; empty for numbers.
    """

    name = "labels"
    accepts = Samples
    Config = LabelsConfig
    values_: dict[str, list[str]]

    @property
    def needs_labels(self) -> Sequence[str]:
        """The labels that it reads."""
        return self.config.names

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Learn which labels are texts, and their values.

        Raises
        ------
        DataError
            If a label does not exist, no sample has it, or it is a text of too many values.
        """
        values: dict[str, list[str]] = {}
        for name in self.config.names:
            known = [value for value in _column(samples, name) if value is not None]
            if not known:
                raise DataError(f"descriptor 'labels': no sample has the label '{name}'.")
            texts = sorted({value for value in known if isinstance(value, str)})
            if texts and len(texts) < len({*known}):
                raise DataError(
                    f"descriptor 'labels': '{name}' is a text of some samples and a number of "
                    "others; import it as one of both."
                )
            if len(texts) > MOST:
                raise DataError(
                    f"descriptor 'labels': '{name}' is a text of {len(texts)} values, more than "
                    f"{MOST}; leave it out, for it names samples and does not describe them."
                )
            values[name] = texts
        self.values_ = values
        return self

    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, d) labels: a number, or 1 for the value of a text and 0 for the others.

        Raises
        ------
        SampleError
            If a sample lacks a label, or has a value that none had in training; it names both.
        """
        self.require_fitted()
        told = self._told(samples)
        if wrong := self._wrong(samples, told):
            raise wrong[min(wrong)]
        columns: list[list[float | str | None]] = []
        for name, found in told.items():
            texts = self.values_[name]
            columns += [[float(v == t) for v in found] for t in texts] if texts else [found]
        return np.array(columns, dtype=np.float64).reshape(len(columns), len(samples)).T.copy()

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return, by row, which label a sample lacks, or has with a value never trained on."""
        return self._wrong(samples, self._told(samples)) if self.__sklearn_is_fitted__() else {}

    def _told(self, samples: Samples) -> dict[str, list[float | str | None]]:
        """Return each label of all samples."""
        return {
            name: _told(samples, name, as_text=bool(texts)) for name, texts in self.values_.items()
        }

    def _wrong(
        self, samples: Samples, told: dict[str, list[float | str | None]]
    ) -> dict[int, SampleError]:
        found: dict[int, SampleError] = {}
        for name, values in told.items():
            texts = self.values_[name]
            for row, value in enumerate(values):
                if row in found:
                    continue
                who = f"sample '{samples.ids[row]}'"
                if value is None:
                    found[row] = SampleError(
                        f"{who} has no label '{name}', which the model needs; give it as "
                        f"'{name}=…' in the comment line of the structure, or as a column of the "
                        "table."
                    )
                elif isinstance(value, str) != bool(texts):
                    found[row] = SampleError(
                        f"{who} has the label '{name}' with '{value}', which is no number."
                    )
                elif texts and value not in texts:
                    found[row] = OutsideError(
                        f"{who} has the label '{name}' with '{value}', on which nothing was "
                        f"trained{did_you_mean(str(value), texts)}."
                    )
        return found

    @property
    def feature_labels(self) -> list[FeatureLabel]:
        """Each label, or each value of it."""
        self.require_fitted()
        return [
            FeatureLabel(f"{name} = {value}" if texts else name)
            for name, texts in self.values_.items()
            for value in texts or [""]
        ]


def _column(samples: Samples, name: str) -> list[float | str | None]:
    """Return the label of all samples: numbers, texts, or None where it is not known.

    Raises
    ------
    DataError
        If there is no such label.
    """
    if name in samples.labels:
        return [_plain(value) for value in samples.labels[name].tolist()]
    if name == ABSORBER and (elements := samples.absorbers()) is not None:
        return [SYMBOLS[z] if z else None for z in elements.tolist()]
    raise DataError(
        f"descriptor 'labels': the samples have no label '{name}'"
        f"{did_you_mean(name, samples.labels)}."
    )


def _told(samples: Samples, name: str, *, as_text: bool) -> list[float | str | None]:
    """Return the label as it was in training, text or number, where it can be told so."""
    if name not in samples.labels and not (name == ABSORBER and as_text):
        return [None] * len(samples)
    found: list[float | str | None] = []
    for value in _column(samples, name):
        told = value
        if as_text and value is not None:
            told = value if isinstance(value, str) else f"{value:g}"
        elif isinstance(value, str) and (number := number_of(value)) is not None:
            told = _plain(number)
        found.append(told)
    return found


def _plain(value: Any) -> float | str | None:
    """Return a number or text, None for an empty one or what is neither."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return float(value) if math.isfinite(value) else None
    return None
