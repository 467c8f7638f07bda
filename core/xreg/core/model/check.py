"""Check samples: what a model predicted of a few samples when it was trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.data.samples import Parameters, Samples, Structures

if TYPE_CHECKING:
    from xreg.core.model.domain import Domain

__all__ = ["COUNT", "Check"]

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
    def first(cls, samples: Samples, predicted: NDArray[np.float64]) -> Self | None:
        """Keep the first of some predicted samples; None where there are none."""
        count = min(COUNT, len(samples))
        return cls(samples[:count], predicted[:count]) if count else None

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
        return cls(samples, predicted)
