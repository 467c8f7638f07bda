"""Linear combinations by larch, stored for the tests of ``xreg match``. Run where larch is.

    pip install xraylarch && python benchmarks/larch_combination.py tests/workbench/match/larch.json

A made-up mixture of three edges with noise, fitted by all pairs and triples of four references,
with the sum of weights free and fixed to one.
"""

import json
import sys
from itertools import combinations
from pathlib import Path

import larch
import numpy as np
from larch import Group
from larch.math.lincombo_fitting import lincombo_fit


def edge(energy: np.ndarray, e0: float, line: float, pre: float) -> np.ndarray:
    """Return a normalised edge with a white line and a pre-edge peak."""
    x = energy - e0
    rise = 0.5 + np.arctan(x / 1.4) / np.pi
    return rise + line * np.exp(-(((x - 5) / 3.5) ** 2)) + pre * np.exp(-(((x + 9) / 1.8) ** 2))


def main() -> None:
    energy = np.arange(7100.0, 7180.0, 0.4)
    shapes = {"metal": (7112, 0.0, 0.1), "ferrous": (7119, 0.4, 0.05),
              "ferric": (7123, 0.7, 0.12), "sulfide": (7116, 0.15, 0.2)}  # fmt: skip
    references = {name: edge(energy, *values) for name, values in shapes.items()}
    mixture = 0.5 * references["ferrous"] + 0.3 * references["ferric"] + 0.2 * references["metal"]
    mixture = mixture + np.random.default_rng(0).normal(0, 4e-3, len(energy))
    fits = []
    for size in (2, 3):
        for names in combinations(references, size):
            for one in (False, True):
                parts = [Group(filename=n, energy=energy, norm=references[n]) for n in names]
                whole = Group(filename="mixture", energy=energy, norm=mixture)
                found = lincombo_fit(whole, parts, arrayname="norm", sum_to_one=one)
                stderr = {n: found.params[n].stderr for n in names}
                fits.append({
                    "references": names,
                    "sum_to_one": one,
                    "weights": {n: found.weights[n] for n in names},
                    "std": stderr,
                    "reduced_chi2": found.redchi,
                    "r_factor": found.rfactor,
                })  # fmt: skip
    content = {
        "larch": larch.__version__,
        "energy": energy.tolist(),
        "references": {n: y.tolist() for n, y in references.items()},
        "mixture": mixture.tolist(),
        "fits": fits,
    }
    Path(sys.argv[1]).write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
