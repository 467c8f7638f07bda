"""The iron compounds of the data set ``fe-k``: starting geometries, built from nothing.

A molecule is put together from a metal–ligand distance, a coordination polyhedron and the shape
of the ligand; a crystal from its lattice constants and the free coordinates of its sites. No
structure file is read. The metal–ligand distances are round experimental values;
``trajectories.py`` sees to it that the minimum of a molecule has them.

Sources of the experimental distances (``expected``, Å): Fe(CO)5 and ferrocene, gas electron
diffraction; the others, means over crystal structures as compiled by Orpen et al., J. Chem. Soc.
Dalton Trans. S1 (1989), and for the hydrated ions EXAFS in solution (Persson, Pure Appl. Chem. 82,
1901 (2010)); crystals, lattice constants at room temperature (Wyckoff, Crystal Structures).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal
from numpy.typing import NDArray

__all__ = ["COMPOUNDS", "Compound"]

Fragment = list[tuple[str, tuple[float, float, float]]]

OCTAHEDRON = [(0, 0, 1), (0, 0, -1), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)]
TETRAHEDRON = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
BIPYRAMID = [(0, 0, 1), (0, 0, -1), *((np.cos(a), np.sin(a), 0) for a in np.radians([0, 120, 240]))]


@dataclass(frozen=True)
class Compound:
    """One iron site.

    Attributes
    ----------
    name
        Name, as in the label ``compound``.
    oxidation, coordination, spin
        Formal oxidation state, number of donor atoms next to iron, total electron spin S of a
        molecule (of the ion, for an oxide).
    build
        Makes the starting geometry; iron comes first.
    expected
        Experimental mean distances from iron to its neighbours (Å), by element.
    charge
        Charge of a molecule.
    forces
        What the dynamics run on: ``xtb``, ``xtb-water`` (implicit water), ``ionic``, ``metal``.
    """

    name: str
    oxidation: float
    coordination: int
    spin: float
    build: Callable[[], Atoms]
    expected: dict[str, float]
    charge: int = 0
    forces: str = "xtb"


def frame_of(axis: Sequence[float], twist: float) -> NDArray[np.float64]:
    """Return the rotation that takes z to ``axis`` after a turn of ``twist`` degrees about z."""
    z = np.array(axis, float) / np.linalg.norm(axis)
    helper = np.array([1.0, 0, 0]) if abs(z[0]) < 0.9 else np.array([0, 1.0, 0])
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    c, s = np.cos(np.radians(twist)), np.sin(np.radians(twist))
    return np.column_stack([c * x + s * y, c * y - s * x, z])


def attach(placed: Sequence[tuple[Fragment, Sequence[float], float]]) -> Atoms:
    """Put fragments around an iron atom: each along an axis, with a twist about it (degrees)."""
    symbols, positions = ["Fe"], [np.zeros(3)]
    for fragment, axis, twist in placed:
        rotation = frame_of(axis, twist)
        symbols += [symbol for symbol, _ in fragment]
        positions += [rotation @ np.array(place) for _, place in fragment]
    return Atoms(symbols, positions)


def homoleptic(
    fragment: Fragment, axes: Sequence[Sequence[float]], twist: float = 0.0
) -> Callable[[], Atoms]:
    """Return the builder of a complex of like ligands; every second one is turned by ``twist``."""
    return lambda: attach([(fragment, a, twist * (i % 2)) for i, a in enumerate(axes)])


def diatomic(first: str, second: str, distance: float, bond: float) -> Fragment:
    """Return a ligand of two atoms in line with the metal (CO, CN)."""
    return [(first, (0, 0, distance)), (second, (0, 0, distance + bond))]


def hydride(donor: str, hydrogens: int, distance: float, bond: float, angle: float) -> Fragment:
    """Return a donor with hydrogens on a cone (water, ammonia); ``angle`` is M-donor-H."""
    a = np.radians(180 - angle)
    turns = 2 * np.pi * np.arange(hydrogens) / hydrogens
    shell = [
        (bond * np.sin(a) * np.cos(t), bond * np.sin(a) * np.sin(t), distance + bond * np.cos(a))
        for t in turns
    ]
    return [(donor, (0, 0, distance)), *(("H", place) for place in shell)]


def thiolate(distance: float) -> Fragment:
    """Return methanethiolate, M-S-C 105°, S-C 1.82 Å."""
    sulfur = np.array([0, 0, distance])
    along = np.array([np.sin(np.radians(75)), 0, np.cos(np.radians(75))])
    carbon = sulfur + 1.82 * along
    turn = frame_of(along, 0.0)
    hydrogens = [carbon + turn @ np.array(p) for _, p in hydride("C", 3, 0.0, 1.09, 109.5)[1:]]
    return [("S", tuple(sulfur)), ("C", tuple(carbon)), *(("H", tuple(h)) for h in hydrogens)]


def ferrocene() -> Atoms:
    """Return eclipsed ferrocene: rings of radius 1.225 Å (C-C 1.44) 1.66 Å above and below."""
    symbols, positions = ["Fe"], [(0.0, 0.0, 0.0)]
    for turn in np.radians(72 * np.arange(5)):
        for symbol, radius in (("C", 1.225), ("H", 2.305)):
            for height in (1.66, -1.66):
                symbols.append(symbol)
                positions.append((radius * np.cos(turn), radius * np.sin(turn), height))
    return Atoms(symbols, positions)


def wustite() -> Atoms:
    """Return ideal FeO, rock salt, a = 4.31 Å, 3 x 3 x 3 cells."""
    return bulk("FeO", "rocksalt", a=4.31, cubic=True).repeat(3)


def hematite() -> Atoms:
    """Return α-Fe2O3, R-3c, a = 5.035, c = 13.747 Å, 2 x 2 x 1 hexagonal cells."""
    cell = crystal(
        ("Fe", "O"), [(0, 0, 0.35530), (0.3059, 0, 0.25)], spacegroup=167,
        cellpar=[5.035, 5.035, 13.747, 90, 90, 120],
    )  # fmt: skip
    return cell.repeat((2, 2, 1))


def magnetite(tetrahedral: bool) -> Callable[[], Atoms]:
    """Return the builder of Fe3O4, Fd-3m, a = 8.396 Å, u = 0.2549, one cubic cell.

    The tag of a site is 1 for tetrahedral Fe(III) and 2 for octahedral iron, whose charge is the
    mean of Fe(II) and Fe(III): above the Verwey transition the electron hops faster than the
    lattice follows.
    """

    def build() -> Atoms:
        cell = crystal(
            ("Fe", "Fe", "O"), [(1 / 8, 1 / 8, 1 / 8), (1 / 2, 1 / 2, 1 / 2), (0.2549,) * 3],
            spacegroup=227, setting=2, cellpar=[8.396] * 3 + [90] * 3,
        )  # fmt: skip
        tags = np.repeat([1, 2, 0], [8, 16, 32])
        cell.set_tags(tags)
        wanted = int(np.flatnonzero(tags == (1 if tetrahedral else 2))[0])
        return cell[[wanted, *(i for i in range(len(cell)) if i != wanted)]]

    return build


def iron() -> Atoms:
    """Return bcc iron, a = 2.8665 Å, 4 x 4 x 4 cubic cells."""
    return bulk("Fe", "bcc", a=2.8665, cubic=True).repeat(4)


WATER = {2: hydride("O", 2, 2.12, 0.97, 125), 3: hydride("O", 2, 2.00, 0.98, 125)}
CO = diatomic("C", "O", 1.82, 1.15)
COMPOUNDS = [
    Compound("fe-co-5", 0, 5, 0, homoleptic(CO, BIPYRAMID), {"C": 1.829}),
    Compound("ferrocene", 2, 10, 0, ferrocene, {"C": 2.064}),
    Compound("fe-cn-6-4minus", 2, 6, 0, homoleptic(diatomic("C", "N", 1.92, 1.17), OCTAHEDRON),
             {"C": 1.92}, -4, "xtb-water"),
    Compound("fe-cn-6-3minus", 3, 6, 0.5, homoleptic(diatomic("C", "N", 1.94, 1.16), OCTAHEDRON),
             {"C": 1.94}, -3, "xtb-water"),
    Compound("fe-h2o-6-2plus", 2, 6, 2, homoleptic(WATER[2], OCTAHEDRON, 90), {"O": 2.12},
             2, "xtb-water"),
    Compound("fe-h2o-6-3plus", 3, 6, 2.5, homoleptic(WATER[3], OCTAHEDRON, 90), {"O": 2.00},
             3, "xtb-water"),
    Compound("fe-nh3-6-2plus", 2, 6, 2, homoleptic(hydride("N", 3, 2.21, 1.02, 112), OCTAHEDRON),
             {"N": 2.21}, 2, "xtb-water"),
    Compound("fe-cl-4-2minus", 2, 4, 2, homoleptic([("Cl", (0, 0, 2.30))], TETRAHEDRON),
             {"Cl": 2.30}, -2, "xtb-water"),
    Compound("fe-cl-4-minus", 3, 4, 2.5, homoleptic([("Cl", (0, 0, 2.19))], TETRAHEDRON),
             {"Cl": 2.19}, -1, "xtb-water"),
    Compound("fe-o-4-2minus", 6, 4, 1, homoleptic([("O", (0, 0, 1.65))], TETRAHEDRON),
             {"O": 1.65}, -2, "xtb-water"),
    Compound("fe-sme-4-minus", 3, 4, 2.5, homoleptic(thiolate(2.27), TETRAHEDRON), {"S": 2.27},
             -1, "xtb-water"),
    Compound("feo", 2, 6, 2, wustite, {"O": 2.155}, forces="ionic"),
    Compound("fe2o3", 3, 6, 2.5, hematite, {"O": 2.03}, forces="ionic"),
    Compound("fe3o4-tet", 3, 4, 2.5, magnetite(True), {"O": 1.889}, forces="ionic"),
    Compound("fe3o4-oct", 2.5, 6, 2.25, magnetite(False), {"O": 2.058}, forces="ionic"),
    Compound("fe", 0, 8, 0, iron, {"Fe": 2.482}, forces="metal"),
]  # fmt: skip
