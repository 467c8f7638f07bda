"""Whether a model still is what was trained: the hash of its code, and a few check samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structures
from xreg.core.source import source_hash
from xreg.core.storage import canonical_json, parse_json

if TYPE_CHECKING:
    from xreg.core.model.domain import Domain

__all__ = ["COUNT", "Check", "code_changes"]

COUNT = 3
"""So many samples are kept."""
# Rounding of single precision, as a share of the spread of the predicted values, is no difference.
ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class Check:
    """A few samples, and what a model predicted of them by the code that trained it.

    Attributes
    ----------
    samples
        Structures or parameters.
    predicted
        (k, m) spectra in the units of the data.
    """

    samples: Samples
    predicted: NDArray[np.float64]

    @classmethod
    def first(
        cls, samples: Samples, predicted: NDArray[np.float64], labels: Sequence[str] | None = None
    ) -> Self | None:
        """Keep the first of some predicted samples; None where there are none.

        Parameters
        ----------
        samples, predicted
            n samples and their (n, m) predictions.
        labels
            Labels that the model reads; others are not kept. All are where not given.
        """
        count = min(COUNT, len(samples))
        if not count:
            return None
        kept = samples[:count]
        if labels is not None:
            kept = kept.with_labels({n: v for n, v in kept.labels.items() if n in labels})
        return cls(kept, predicted[:count])

    def difference(self, predict: Callable[[Samples], Any]) -> float:
        """Return how far predictions are from those kept, as a share of the spread of the latter.

        Zero within rounding, infinity where the samples cannot be predicted any more.
        """
        try:
            found = np.asarray(predict(self.samples), np.float64)
        except Exception:  # whatever new code raises, it does not predict what the old one did
            return np.inf
        if found.shape != self.predicted.shape or not np.isfinite(found).all():
            return np.inf
        spread = float(self.predicted.std()) or 1.0
        largest = float(np.abs(found - self.predicted).max()) / spread
        return 0.0 if largest <= ROUNDING else largest

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays."""
        found: dict[str, NDArray[Any]] = {"predicted": self.predicted}
        samples = self.samples
        if isinstance(samples, Structures):
            for name in ("numbers", "positions", "offsets", "absorber", "cell"):
                found[name] = np.asarray(getattr(samples, name))
            found["pbc"] = samples.pbc.astype(np.uint8)
        elif isinstance(samples, Parameters):
            found["values"] = np.asarray(samples.values)
        if samples.labels:
            text = canonical_json({n: v.tolist() for n, v in samples.labels.items()})
            found["labels"] = np.frombuffer(text.encode(), np.uint8).copy()
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], domain: Domain) -> Self | None:
        """Take back what :meth:`arrays` returned; None where there is nothing.

        Raises
        ------
        DataError, SampleError, KeyError
            If the arrays do not fit together.
        """
        if not arrays:
            return None
        predicted = arrays["predicted"]
        ids = [f"check {row + 1}" for row in range(len(predicted))]
        if "values" in arrays:
            samples: Samples = Parameters(ids, arrays["values"], domain.parameters, domain.units)
        else:
            samples = Structures(
                ids,
                arrays["numbers"],
                arrays["positions"],
                arrays["offsets"],
                arrays["absorber"],
                arrays["cell"],
                arrays["pbc"].astype(bool),
            )
        if "labels" in arrays:
            told = parse_json(arrays["labels"].tobytes(), "the labels of the check samples")
            samples = samples.with_labels(told)
        return cls(samples, predicted)


def code_changes(
    parts: Mapping[str, Any], difference: Callable[[], float] | None = None
) -> list[str]:
    """Return, a sentence each, which parts of a model read from disk have other code now.

    Parameters
    ----------
    parts
        Objects with ``trained_by``, by what they are called.
    difference
        How far the model's check samples are predicted from what they were; None where it has none.
        Asked only where code has changed.
    """
    if any(part.trained_by == "" for part in parts.values()):
        return [
            "The model does not tell which code it was trained by, so that a change since then "
            "cannot be noticed."
        ]
    changed = [
        what
        for what, part in parts.items()
        if part.trained_by is not None and part.trained_by != source_hash(type(part))
    ]
    if not changed:
        return []
    began = f"The code of {' and of '.join(changed)} has changed since the model was trained"
    if difference is None:
        return [
            f"{began}: its predictions and scores may differ from those of its run; train it again "
            "to be sure."
        ]
    found = difference()
    if found == 0:
        return [f"{began}; the samples kept to check that are predicted as they were."]
    how = f"by up to {found:.1%} of their spread" if np.isfinite(found) else "or not at all"
    return [
        f"{began}: the samples kept to check that are predicted differently, {how}; train it again."
    ]
