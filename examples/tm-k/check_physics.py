"""Look at ``tm-k`` before publishing it: structures, bond lengths, edges, pre-edges, two engines.

Usage::

    python examples/tm-k/check_physics.py STORE.zarr [--known tm-k@1.0.0] [--figure FILE.png]
        [--engines FILE.png]

Ends with 1 if a check fails.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import matplotlib as mpl
import numpy as np
from complexes import Complex, built, candidates
from numpy.typing import NDArray
from structures import THERMAL, SetAside, bonds, check
from two_engines import ENGINES, Pairs, moved, pairs, scores

from xreg.core.data.dataset import Dataset
from xreg.registry.datasets import open_dataset
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
ALIKE = 0.02  # Å, the largest difference of sorted distances of two structures that are one
SAME = 1e-9  # of the edge jump
CANDIDATES = 300  # of a metal, among which its complexes are
ALIGNED = 0.85  # correlation of the engines' spectra of one structure after the best shift


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


def check_structures(data: Dataset) -> list[str]:
    """Ask of every structure what its making asked, and that no two are one; return what fails."""
    lists: dict[str, dict[str, Complex]] = {}
    failures = []
    names, metals = data.label("complex"), data.label("metal")
    kinds, lengths = data.label("geometry"), data.label("mean_distance")
    first = np.flatnonzero(data.label("engine") == ENGINES[0])
    seen: dict[str, list[tuple[str, Array]]] = {}
    for i in first:
        metal, name = str(metals[i]), str(names[i])
        if metal not in lists:
            lists[metal] = {c.name: c for c in islice(candidates(metal), CANDIDATES)}
        sample = data.samples[int(i)]
        atoms = sample.to_atoms()
        start, _, donors = built(lists[metal][name])
        where = f"{name}, {kinds[i]}"
        if atoms.numbers.tolist() != start.numbers.tolist():
            failures.append(f"{where}: other atoms than its name says")
            continue
        try:
            check(atoms, donors, bonds(start), THERMAL if kinds[i] == "thermal" else 0.0)
        except SetAside as reason:
            failures.append(f"{where}: {reason}")
        if abs(float(atoms.get_distances(0, donors).mean()) - lengths[i]) > 1e-3:
            failures.append(f"{where}: another mean distance than its label")
        shape = np.sort(atoms.get_all_distances()[np.triu_indices(len(atoms), 1)])
        formula = atoms.get_chemical_formula()
        failures += [
            f"{where} and {other} are one structure"
            for other, known in seen.get(formula, [])
            if np.abs(known - shape).max() < ALIKE
        ]
        seen.setdefault(formula, []).append((where, shape))
    print(f"{len(first)} structures looked at")
    return failures


def check_copies(data: Dataset) -> list[str]:
    """Return which spectra of one engine are the same, and which ids or sites occur twice."""
    y = np.asarray(data.spectra["xanes"].intensity, float)
    engine, site = data.label("engine"), data.label("site")
    failures = []
    for e in np.unique(engine):
        rows = np.flatnonzero(engine == e)
        if len(set(site[rows].tolist())) < len(rows):
            failures.append(f"{e}: a structure occurs twice")
        for k, i in enumerate(rows):
            apart = np.abs(y[rows[k + 1 :]] - y[i]).max(axis=1, initial=0.0)
            failures += [f"{e}: the spectra of {site[i]} and {site[j]} are the same"
                         for j in rows[k + 1 :][apart < SAME]]  # fmt: skip
    return failures


def check_known(data: Dataset, known: Dataset) -> list[str]:
    """Return which samples of an earlier version are missing or differ."""
    row = {str(i): k for k, i in enumerate(data.samples.ids)}
    new, old = (np.asarray(d.spectra["xanes"].intensity, float) for d in (data, known))
    grids = [np.asarray(d.spectra["xanes"].energy) for d in (data, known)]
    failures = [] if np.array_equal(*grids) else ["other energies than before"]
    for k, name in enumerate(known.samples.ids.tolist()):
        if name not in row:
            failures.append(f"{name} is missing")
        elif not (new[row[name]] == old[k]).all():
            failures.append(f"{name}: another spectrum than before")
        elif np.abs(data.samples[row[name]].positions - known.samples[k].positions).max() > 1e-5:
            failures.append(f"{name}: another structure than before")
    print(f"{len(known)} samples of {known.metadata.version} looked for")
    return failures


def check_engines(data: Dataset, figure: Path | None) -> list[str]:
    """Print how far the engines are apart on the same structures; return what fails."""
    both = pairs(data)
    if not len(both.rows):
        return []
    energy, mean = both.energy, both.first.mean(axis=0)
    metal = data.label("metal")[both.rows]
    site = data.label("site")[both.rows]
    shifts = both.shifts()
    own = both.shifted(shifts)
    one = moved(energy, both.second, float(np.median(shifts)))
    print("metal  n  Δμ (%)  R²  peaks (eV)  as they are; by one shift; each by its own; its shift")
    for m in ["all", *METALS]:
        rows = (metal == m) | (m == "all")
        if rows.any():
            cells = []
            for guess in (both.second, one, own):
                s = scores(energy, both.first[rows], guess[rows], mean)
                peak = np.nan if s["peak"] is None else s["peak"]
                cells.append(f"{s['delta']:5.1f} {s['r2']:6.2f} {peak:5.2f}")
            print(
                f"{m:4s} {rows.sum():3d}  {'; '.join(cells)}; "
                f"{shifts[rows].mean():+.2f} ± {shifts[rows].std():.2f}"
            )
    failures = []
    for k, curve in enumerate(own):
        r = float(np.corrcoef(curve, both.first[k])[0, 1])
        if r < ALIGNED:
            failures.append(f"{site[k]}: the engines' correlation is {r:.2f} after the best shift")
    if figure:
        draw_engines(both, metal, site, figure)
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


def draw_engines(both: Pairs, metal: Array, site: Array, path: Path) -> None:
    """Draw every structure by both engines, metal by metal."""
    shifts = both.shifts()
    order = [k for m in METALS for k in np.flatnonzero(metal == m)]
    rows = -(-len(order) // 6)
    figure, axes = plt.subplots(
        rows, 6, figsize=(20, 3.3 * rows), sharex=True, squeeze=False, constrained_layout=True
    )
    for axis, k in zip(axes.flat, order, strict=False):
        axis.plot(both.energy, both.first[k], "C0", label="FEFF")
        axis.plot(both.energy, both.second[k], "C1", label="FDMNES")
        axis.plot(both.energy + shifts[k], both.second[k], "C1:", label=f"{shifts[k]:+.1f} eV")
        axis.set_title(site[k].removesuffix("-relaxed"), fontsize=9)
        axis.legend(fontsize=8)
        axis.set_xlim(both.energy[0], both.energy[-1])
    for axis in axes.flat[len(order) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("energy from the edge (eV)")
    for axis in axes[:, 0]:
        axis.set_ylabel("absorption (edge jumps)")
    figure.savefig(path, dpi=60)


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
    parser.add_argument("--known", help="published version whose samples must be there")
    parser.add_argument("--figure", type=Path, help="all spectra of the first engine")
    parser.add_argument("--engines", type=Path, help="the structures of both engines")
    args = parser.parse_args()
    data = open_store(args.store)
    print(f"{len(data)} samples, {len(np.unique(data.label('complex')))} complexes")
    failures = check_structures(data) + check_copies(data)
    if args.known:
        failures += check_known(data, open_dataset(args.known))
    failures += check_engines(data, args.engines)
    first = data.select(np.flatnonzero(data.label("engine") == ENGINES[0]))
    failures += check_bonds(first) + check_spectra(first)
    geometry_matters(first)
    if args.figure:
        draw(first, args.figure)
    for failure in failures:
        print("FAILED:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
