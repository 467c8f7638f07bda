"""Moments, spread and mean spectra of ``geo2-kb`` by pressure, drawn and printed.

Usage::

    python examples/geo2-kb/check_spectra.py [geo2-kb.zarr] [-o geo2-kb-spectra.png]

The published set of spectra (J. Passilahti, A. Vladyka and J. Niskanen, J. Electron Spectrosc.
Relat. Phenom. 276, 147498 (2024), Fig. 2d) widens with pressure too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import yaml

from xreg.core.data.moments import spectral_moments
from xreg.registry.datasets import open_dataset

NAMES = ("mean", "width", "skewness", "kurtosis")


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="geo2-kb")
    parser.add_argument("-o", "--out", type=Path, default=Path("geo2-kb-spectra.png"))
    arguments = parser.parse_args()
    data = open_dataset(arguments.dataset)
    run = yaml.safe_load(Path(__file__).with_name("run.yaml").read_text(encoding="utf-8"))
    windows = run["target"]["moments"]
    channel = data.spectra["xes"]
    moments = spectral_moments(channel, windows).intensity
    pressure = np.asarray(data.labels["pressure"], dtype=float)
    converged = np.asarray(data.labels["scf_converged"], dtype=float)
    print(f"{len(data)} spectra, {int((converged == 0).sum())} without converged potentials")
    print("GPa  spectra O    " + " ".join(f"{w}.{n}" for w in windows for n in NAMES))
    for p in np.unique(pressure):
        rows = pressure == p
        neighbours = np.asarray(data.labels["coordination"], dtype=float)[rows].mean()
        means = " ".join(f"{value:10.3f}" for value in moments[rows].mean(axis=0))
        print(f"{p:4g} {rows.sum():4d} {neighbours:5.2f} {means}")
    print("spread of all  " + " ".join(f"{value:10.3f}" for value in moments.std(0, ddof=1)))
    draw(channel.grid, np.asarray(channel.intensity[:]), pressure, moments, windows, arguments.out)


def draw(
    energy: np.ndarray,
    intensity: np.ndarray,
    pressure: np.ndarray,
    moments: np.ndarray,
    windows: dict[str, tuple[float, float]],
    out: Path,
) -> None:
    """Draw mean spectra by pressure, and the moments of each spectrum."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure((12, 6), layout="constrained")
    grid = figure.add_gridspec(2, 4)
    axis = figure.add_subplot(grid[:, :2])
    low, high = min(w[0] for w in windows.values()), max(w[1] for w in windows.values())
    inside = (energy >= low) & (energy <= high)
    scaled = intensity / np.trapezoid(intensity[:, inside], energy[inside], axis=1)[:, None]
    for p in np.unique(pressure):
        colour = colormaps["viridis"](p / pressure.max())
        axis.plot(energy, scaled[pressure == p].mean(0), c=colour, label=f"{p:g} GPa")
    for edge in {edge for window in windows.values() for edge in window}:
        axis.axvline(edge, c="0.6", ls="--", lw=0.8)
    axis.set(xlabel="energy, the middle of Kβ2 at 11,101 eV", ylabel="intensity, area one")
    axis.legend(frameon=False, fontsize="small")
    chosen = [(0, 0, "Kβ'': mean (eV)"), (1, 3, "Kβ'': kurtosis")]
    chosen += [(2, 5, "Kβ2: width (eV)"), (3, 7, "Kβ2: kurtosis")]
    for place, column, label in chosen:
        part = figure.add_subplot(grid[place // 2, 2 + place % 2])
        part.plot(pressure, moments[:, column], ".", c="0.3")
        part.set(xlabel="pressure (GPa)", ylabel=label)
        part.ticklabel_format(useOffset=False)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    main()
