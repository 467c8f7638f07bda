"""Look at ``tm-k`` before publishing it: bond lengths, edges, pre-edges, means and spreads.

Usage::

    python examples/tm-k/check_physics.py STORE.zarr [--figure FILE.png]

Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from xreg.core.data.dataset import Dataset
from xreg.registry.stores.store import open_store

mpl.use("Agg")
import matplotlib.pyplot as plt

Array = NDArray[np.float64]

METALS = ("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn")
# Mean distances (Å) to the donors, experiment: gas electron diffraction of TiF4, CrO2F2, Fe(CO)5;
# round means over crystal structures of the ions and of Cr(S2CNR2)3.
KNOWN = {
    "ti4-tetrahedron-f4": 1.754,
    "v1minus-octahedron-co6": 1.93,
    "v3-octahedron-ox3-cis": 2.00,
    "cr6-tetrahedron-f2-o2": 1.648,
    "cr3-octahedron-dtc3-cis": 2.40,
    "fe0-bipyramid-co5": 1.829,
    "ni2-square-cn4": 1.86,
}
PRE_EDGE = (-4.0, 4.0)  # eV
TOO_FAR = 0.12  # Å, of a known distance


def half_height(energy: Array, curve: Array) -> float:
    """Return where a normalised curve last rises through one half before it first reaches one."""
    top = int(np.argmax(curve >= 1.0)) or len(curve) - 1
    below = np.flatnonzero(curve[:top] < 0.5)[-1]
    return float(np.interp(0.5, curve[below : below + 2], energy[below : below + 2]))


def pre_edge(energy: Array, curve: Array) -> float:
    """Return the area (eV) before the edge."""
    rows = (energy >= PRE_EDGE[0]) & (energy <= PRE_EDGE[1])
    return float(np.trapezoid(curve[rows], energy[rows]))


def check_bonds(data: Dataset) -> list[str]:
    """Print mean distances beside known ones; return what is too far off."""
    failures = []
    names, lengths = data.label("complex"), data.label("mean_distance")
    relaxed = data.label("geometry") == "relaxed"
    for name, known in KNOWN.items():
        rows = (names == name) & relaxed
        if rows.any():
            found = float(lengths[rows][0])
            print(f"{name:32s} {found:.3f} Å, experiment {known:.3f}")
            if abs(found - known) > TOO_FAR:
                failures.append(f"{name}: {found:.3f} Å for {known:.3f}")
    return failures


def check_spectra(data: Dataset) -> list[str]:
    """Print edges and pre-edges; return what fails."""
    energy = np.asarray(data.spectra["xanes"].energy)
    y = np.asarray(data.spectra["xanes"].intensity, float)
    failures = [] if np.isfinite(y).all() else ["values that are not finite"]
    if y.min() < -0.02:
        failures.append(f"negative intensity {y.min():.3f}")
    edge = np.array([half_height(energy, c) for c in y])
    area = np.array([pre_edge(energy, c) for c in y])
    metal, state = data.label("metal"), data.label("oxidation_state")
    polyhedron = data.label("polyhedron")
    print("metal state    n  half height (eV)   highest at (eV)")
    for m in METALS:
        for s in np.unique(state[metal == m]):
            rows = (metal == m) & (state == s)
            top = energy[y[rows].argmax(axis=1)]
            print(
                f"{m:4s} {s:+5.0f} {rows.sum():5d}  {edge[rows].mean():6.2f} ± "
                f"{edge[rows].std():5.2f}   {top.mean():6.1f} ± {top.std():4.1f}"
            )
    print("polyhedron                 n  area before the edge (eV)")
    for p in np.unique(polyhedron):
        for what, keep in (("d0-d4", np.isin(metal, METALS[:3])), ("all", metal != "")):
            rows = (polyhedron == p) & keep
            if rows.any():
                print(
                    f"{p:22s} {what:5s} {rows.sum():3d}  median {np.median(area[rows]):.2f} "
                    f"({area[rows].min():.2f} … {area[rows].max():.2f})"
                )
    tetra, octa = (np.median(area[polyhedron == p]) for p in ("tetrahedral", "octahedral"))
    if not tetra > octa:
        failures.append(f"pre-edges of tetrahedra ({tetra:.2f}) no larger than of octahedra")
    return failures


def geometry_matters(data: Dataset) -> None:
    """Print how far the snapshot of a complex is from its minimum, beside other complexes."""
    y = np.asarray(data.spectra["xanes"].intensity, float)
    names, kind, metal = data.label("complex"), data.label("geometry"), data.label("metal")
    both = [n for n in np.unique(names) if len(set(kind[names == n])) == 2]
    own = [np.abs(np.diff(y[names == n][:2], axis=0)).mean() for n in both]
    rng = np.random.default_rng(0)
    other = []
    for n in both:
        m = metal[names == n][0]
        rest = np.flatnonzero((metal == m) & (names != n))
        other.append(np.abs(y[names == n][0] - y[rng.choice(rest)]).mean())
    print(
        f"minimum and snapshot of {len(both)} complexes differ by {np.mean(own):.3f} of the edge "
        f"jump, two complexes of a metal by {np.mean(other):.3f}"
    )


def draw(data: Dataset, path: Path) -> None:
    """Draw all spectra of each metal, and their means, by oxidation state."""
    energy = np.asarray(data.spectra["xanes"].energy)
    y = np.asarray(data.spectra["xanes"].intensity, float)
    metal, state = data.label("metal"), data.label("oxidation_state")
    colours = {s: f"C{i}" for i, s in enumerate((2, 3, 4, 5, 6, 7, 0, 1, -1, -2))}
    figure, axes = plt.subplots(3, 3, figsize=(13, 10), sharex=True, constrained_layout=True)
    for axis, m in zip(axes.flat, METALS, strict=True):
        for s in np.unique(state[metal == m]):
            mine = y[(metal == m) & (state == s)]
            axis.plot(energy, mine.T, color=colours[int(s)], lw=0.5, alpha=0.35)
            axis.plot(energy, mine.mean(axis=0), color=colours[int(s)], lw=2,
                      label=f"{s:+.0f}, {len(mine)}")  # fmt: skip
        axis.set_title(f"{m}, {int((metal == m).sum())} spectra", fontsize=10)
        axis.legend(fontsize=8, title="state, spectra", title_fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("energy from the edge (eV)")
    for axis in axes[:, 0]:
        axis.set_ylabel("absorption (edge jumps)")
    figure.savefig(path, dpi=75)


def main() -> None:
    """Check, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    data = open_store(args.store)
    print(f"{len(data)} samples, {len(np.unique(data.label('complex')))} complexes")
    failures = check_bonds(data) + check_spectra(data)
    geometry_matters(data)
    if args.figure:
        draw(data, args.figure)
    for failure in failures:
        print("FAILED:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
