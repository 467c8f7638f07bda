"""The method: imported when the descriptor is first used."""

import numpy as np
from ase.neighborlist import neighbor_list
from numpy.polynomial.legendre import legval

from xreg.core.errors import SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel
from xreg_shell.plugin import ShellConfig


class Shell(Descriptor):
    r"""First coordination shell of the absorber.

    With weights w_j of the neighbours, 1 inside ``inner`` and falling to 0 at ``outer``:
    N = Σ w_j; mean and spread of the distances, weighted alike; and

    .. math:: Q_l^2 = \frac{4\pi}{2l+1} \sum_m \Big|\frac1N \sum_j w_j Y_{lm}(\hat r_j)\Big|^2
                    = \frac{1}{N^2} \sum_{jk} w_j w_k P_l(\hat r_j \cdot \hat r_k),

    the second form by the addition theorem (Steinhardt et al., Phys. Rev. B 28, 784 (1983)).
    """

    name = "shell"
    Config = ShellConfig

    @property
    def feature_labels(self):
        """What each column means."""
        self.require_fitted()
        return [
            FeatureLabel("coordination number"),
            FeatureLabel("mean distance", unit="Å"),
            FeatureLabel("spread of distances", unit="Å"),
            *(FeatureLabel(f"Q{degree}", block="Q") for degree in self.config.degrees),
        ]

    def transform(self, samples):
        """Return the (n, 3 + degrees) features of n structures."""
        self.require_fitted()
        features = [self._describe(structure) for structure in samples]
        return np.array(features, dtype=np.float64).reshape(len(samples), len(self.feature_labels))

    def _describe(self, structure):
        if not np.isfinite(structure.positions).all():
            raise SampleError(f"sample '{structure.id}' has positions that are not finite.")
        inner, outer = self.config.inner, self.config.outer
        centre, arms = neighbor_list("iD", structure.to_atoms(), outer)
        arms = arms[centre == structure.absorber]
        distance = np.linalg.norm(arms, axis=1)
        weight = (1 + np.cos(np.pi * np.clip((distance - inner) / (outer - inner), 0, 1))) / 2
        number = weight.sum()
        if not number > 0:
            raise SampleError(
                f"sample '{structure.id}' has no atom within {outer:g} Å of its absorber; give "
                "descriptor 'shell' a larger 'outer'."
            )
        mean = weight @ distance / number
        spread = np.sqrt(weight @ (distance - mean) ** 2 / number)
        cosine = np.clip((arms @ arms.T) / np.outer(distance, distance), -1, 1)
        pairs = np.outer(weight, weight) / number**2
        square = [np.sum(pairs * legval(cosine, [0] * q + [1])) for q in self.config.degrees]
        return [number, mean, spread, *np.sqrt(np.maximum(square, 0))]
