"""How long one spectrum takes against a large library of ``xreg match``, after loading.

    python benchmarks/match.py [REFERENCES]       # 10,000

Made-up edges on 300 energies; seven runs, the median. Preparing the library (broadening) and
calibrating are done once for all spectra of a command, and are told apart.
"""

import statistics
import sys
import time

import numpy as np

from xreg.core.measured.spectrum import Measured
from xreg.workbench.match.library import Comparison, Library
from xreg.workbench.match.nearest import nearest
from xreg.workbench.match.probability import calibrate

RUNS = 7


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rng = np.random.default_rng(0)
    grid = np.linspace(7100.0, 7180.0, 300)
    x = grid - rng.uniform(7112, 7124, (count, 1))
    shape = 0.5 + np.arctan(x / 1.5) / np.pi
    for low, high, width in ((3, 8, 3.0), (-11, -6, 1.5), (15, 30, 6.0)):
        place, height = rng.uniform(low, high, (count, 1)), rng.uniform(0.05, 0.7, (count, 1))
        shape += height * np.exp(-(((x - place) / width) ** 2))
    library = Library(np.arange(count).astype(str), grid, shape, None, np.arange(count))
    energy = np.arange(7106.0, 7174.0, 0.3)
    row = count // 3
    y = np.interp(energy - 1.3, grid, shape[row]) + rng.normal(0, 0.005, len(energy))
    spectrum = Measured(energy, y)
    began = time.perf_counter()
    comparison = Comparison.between(
        library, energy, None, shift=(-5.0, 5.0), broadening=2.0, scale=True, offset=True
    )
    comparison.misfits(y[None])
    prepared = time.perf_counter() - began
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        misfit, place = comparison.misfits(y[None])
        found = nearest(comparison, spectrum, misfit[0], place[0], 10)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    calibrate(comparison, 0.01, 100, 0)
    calibrated = time.perf_counter() - began
    print(f"{count} references; the right one first: {found[0].row == row}")
    print(f"preparing {prepared:.2f} s, calibrating {calibrated:.2f} s, once for all spectra")
    print(f"nearest ten: median {statistics.median(times):.3f} s")


if __name__ == "__main__":
    main()
