"""Ligands of the data set ``tm-k``, built from bond lengths and angles; no file is read.

A ligand stands with its metal at the origin and its donors around +z, as far as ``reach`` says;
``structures.py`` moves it along z to where the radii of metal and donor touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIGANDS", "Ligand"]

Array = NDArray[np.float64]
TETRAHEDRAL = np.radians(109.5)


@dataclass(frozen=True)
class Ligand:
    """A ligand with its metal at the origin.

    Attributes
    ----------
    name, charge
        Name in the names of complexes; charge.
    symbols, positions
        Its atoms (a) and their places (a, 3) in Å.
    donors
        Indices of the atoms bound to the metal.
    sites
        Vertices of the polyhedron that it takes: 1, or 2 for a chelate.
    strong
        Whether its field pairs the spins of a metal.
    """

    name: str
    charge: int
    symbols: tuple[str, ...]
    positions: Array
    donors: tuple[int, ...] = (0,)
    sites: int = 1
    strong: bool = False


def unit(vector: Array) -> Array:
    """Return a vector of length 1."""
    return vector / np.linalg.norm(vector)


def planar(rows: Sequence[tuple[str, int, float, float]]) -> tuple[list[str], list[Array]]:
    """Return atoms in the xz plane; each stands a length and an angle to +z from one before."""
    symbols, places = [], []
    for symbol, parent, length, angle in rows:
        a = np.radians(angle)
        begin = places[parent] if places else np.array([0, 0, 2.0])
        symbols.append(symbol)
        places.append(begin + length * np.array([np.sin(a), 0, np.cos(a)]))
    return symbols, places


class Atoms(tuple[list[str], list[Array]]):
    """Symbols and places of a ligand that grows."""


def hydrogens(
    symbols: list[str], places: list[Array], centre: int, bound: Sequence[Array], count: int
) -> None:
    """Add hydrogens to a tetrahedral atom that has bonds to ``bound`` already."""
    length = {"C": 1.09, "N": 1.02, "O": 0.97, "P": 1.42, "S": 1.34}[symbols[centre]]
    at = places[centre]
    away = [unit(b - at) for b in bound]
    axis = -unit(np.sum(away, axis=0))
    if len(away) == 2:
        side = unit(np.cross(*away))
        directions = [np.cos(0.955) * axis + s * np.sin(0.955) * side for s in (1, -1)]
    elif len(away) == 1:
        helper = np.array([0, 1.0, 0]) if abs(axis[1]) < 0.9 else np.array([1.0, 0, 0])
        x = unit(np.cross(helper, axis))
        y = np.cross(axis, x)
        tilt = np.pi - TETRAHEDRAL
        directions = [
            np.cos(tilt) * axis + np.sin(tilt) * (np.cos(t) * x + np.sin(t) * y)
            for t in 2 * np.pi * np.arange(3) / 3
        ]
    else:
        directions = [axis]
    for direction in directions[:count]:
        symbols.append("H")
        places.append(at + length * direction)


def outward(
    symbols: list[str], places: list[Array], centre: int, bound: Sequence[int], symbol: str,
    length: float,
) -> int:  # fmt: skip
    """Add an atom to a planar one, away from its two neighbours; return its index."""
    at = places[centre]
    axis = -unit(sum((unit(places[b] - at) for b in bound), np.zeros(3)))
    symbols.append(symbol)
    places.append(at + length * axis)
    return len(places) - 1


def pyramid(donor: str, arms: Sequence[tuple[str, float, int]], angle: float) -> tuple:
    """Return a donor with arms on a cone (element, length, hydrogens on it); angle M-donor-arm."""
    symbols, places = [donor], [np.array([0, 0, 2.0])]
    a = np.radians(180 - angle)
    for turn, (symbol, length, count) in zip(
        2 * np.pi * np.arange(len(arms)) / len(arms), arms, strict=True
    ):
        direction = np.array([np.sin(a) * np.cos(turn), np.sin(a) * np.sin(turn), np.cos(a)])
        symbols.append(symbol)
        places.append(places[0] + length * direction)
        if count:
            hydrogens(symbols, places, len(places) - 1, [places[0]], count)
    return symbols, places


def mirrored(half: Sequence[tuple[str, float, float]], middle: Sequence[tuple[str, float]] = ()):
    """Return atoms (symbol, x, z) in the xz plane with their images at -x, and those at x = 0."""
    symbols, places = [], []
    for symbol, x, z in half:
        symbols += [symbol, symbol]
        places += [np.array([x, 0, z]), np.array([-x, 0, z])]
    for symbol, z in middle:
        symbols.append(symbol)
        places.append(np.array([0, 0, z]))
    return symbols, places


METAL = np.zeros(3)


def pyridine():
    rows = [("N", 0, 0, 0), ("C", 0, 1.34, 60), ("C", 0, 1.34, -60), ("C", 1, 1.39, 0),
            ("C", 2, 1.39, 0), ("C", 3, 1.39, -60), ("H", 1, 1.08, 120), ("H", 2, 1.08, -120),
            ("H", 3, 1.08, 60), ("H", 4, 1.08, -60), ("H", 5, 1.08, 0)]  # fmt: skip
    return planar(rows)


def imidazole():
    rows = [("N", 0, 0, 0), ("C", 0, 1.33, 54), ("C", 0, 1.37, -54), ("N", 1, 1.35, -18),
            ("C", 2, 1.37, 18), ("H", 1, 1.08, 108), ("H", 2, 1.08, -108), ("H", 3, 1.01, 36),
            ("H", 4, 1.08, -36)]  # fmt: skip
    return planar(rows)


def with_methyls(made, ends: Sequence[tuple[int, int]]):
    """Fill methyl groups: pairs of carbon and its neighbour."""
    symbols, places = made
    for carbon, parent in ends:
        hydrogens(symbols, places, carbon, [places[parent]], 3)
    return symbols, places


def acetylacetonate(methyl: bool):
    symbols, places = mirrored([("O", 1.40, 1.43), ("C", 1.23, 2.68)], [("C", 3.35)])
    outward(symbols, places, 4, (2, 3), "H", 1.08)
    for oxygen, carbon in ((0, 2), (1, 3)):
        end = outward(symbols, places, carbon, (oxygen, 4), "C" if methyl else "H",
                      1.51 if methyl else 1.09)  # fmt: skip
        if methyl:
            hydrogens(symbols, places, end, [places[carbon]], 3)
    return symbols, places


def oxalate():
    symbols, places = mirrored([("O", 1.33, 1.49), ("C", 0.77, 2.68)])
    for oxygen, carbon, other in ((0, 2, 3), (1, 3, 2)):
        outward(symbols, places, carbon, (oxygen, other), "O", 1.22)
    return symbols, places


def dithiolene():
    symbols, places = mirrored([("S", 1.58, 1.55), ("C", 0.68, 3.04)])
    for sulfur, carbon, other in ((0, 2, 3), (1, 3, 2)):
        outward(symbols, places, carbon, (sulfur, other), "H", 1.08)
    return symbols, places


def bipyridine():
    symbols, places = [], []
    for side in (1, -1):
        first = len(places)
        rows = [("N", 1.31, 1.58)]
        x, z = 1.31, 1.58
        for turn in (-25, 35, 95, 155, 215):
            length = 1.35 if turn in (-25,) else 1.39
            x, z = x + length * np.sin(np.radians(turn)), z + length * np.cos(np.radians(turn))
            rows.append(("C", x, z))
        symbols += [r[0] for r in rows]
        places += [np.array([side * r[1], 0, r[2]]) for r in rows]
        for k in (2, 3, 4, 5):
            after = first + (k + 1) % 6
            outward(symbols, places, first + k, (first + k - 1, after), "H", 1.08)
    return symbols, places


def ethylenediamine():
    symbols, places = ["N", "N", "C", "C"], [
        np.array(p) for p in
        ((1.39, 0, 1.55), (-1.39, 0, 1.55), (0.70, 0.33, 2.85), (-0.70, -0.33, 2.85))
    ]  # fmt: skip
    for n, c, other in ((0, 2, 3), (1, 3, 2)):
        hydrogens(symbols, places, n, [METAL, places[c]], 2)
        hydrogens(symbols, places, c, [places[n], places[other]], 2)
    return symbols, places


def glycinate():
    symbols, places = ["N", "O", "C", "C"], [
        np.array(p) for p in
        ((-1.33, 0, 1.52), (1.36, 0, 1.46), (-0.78, 0, 2.88), (0.73, 0, 2.70))
    ]  # fmt: skip
    outward(symbols, places, 3, (1, 2), "O", 1.23)
    hydrogens(symbols, places, 0, [METAL, places[2]], 2)
    hydrogens(symbols, places, 2, [places[0], places[3]], 2)
    return symbols, places


def cyclopentadienide():
    symbols, places = [], []
    for ring, height in (("C", 1.80), ("H", 1.80)):
        radius = 1.21 if ring == "C" else 2.29
        for turn in np.radians(72 * np.arange(5)):
            symbols.append(ring)
            places.append(np.array([radius * np.cos(turn), radius * np.sin(turn), height]))
    return symbols, places


def _all() -> dict[str, Ligand]:
    rod = planar
    ligands: dict[str, Ligand] = {}

    def add(name: str, charge: int, made, **more) -> None:
        symbols, places = made
        ligands[name] = Ligand(name, charge, tuple(symbols), np.array(places), **more)

    two = {"donors": (0, 1), "sites": 2}
    for symbol in ("F", "Cl", "Br"):
        add(symbol.lower(), -1, rod([(symbol, 0, 0, 0)]))
    add("o", -2, rod([("O", 0, 0, 0)]))
    add("h2o", 0, pyramid("O", [("H", 0.97, 0)] * 2, 125))
    add("oh", -1, rod([("O", 0, 0, 0), ("H", 0, 0.97, 60)]))
    add("sh", -1, rod([("S", 0, 0, 0), ("H", 0, 1.34, 75)]))
    add("nh3", 0, pyramid("N", [("H", 1.02, 0)] * 3, 112))
    add("nh2me", 0, pyramid("N", [("C", 1.48, 3), ("H", 1.02, 0), ("H", 1.02, 0)], 110))
    add("ph3", 0, pyramid("P", [("H", 1.42, 0)] * 3, 118), strong=True)
    add("pme3", 0, pyramid("P", [("C", 1.84, 3)] * 3, 115), strong=True)
    add("me", -1, pyramid("C", [("H", 1.09, 0)] * 3, 110), strong=True)
    add("ome", -1, with_methyls(rod([("O", 0, 0, 0), ("C", 0, 1.40, 50)]), [(1, 0)]))
    add("sme", -1, with_methyls(rod([("S", 0, 0, 0), ("C", 0, 1.82, 75)]), [(1, 0)]))
    add("co", 0, rod([("C", 0, 0, 0), ("O", 0, 1.14, 0)]), strong=True)
    add("cn", -1, rod([("C", 0, 0, 0), ("N", 0, 1.17, 0)]), strong=True)
    add("ncs", -1, rod([("N", 0, 0, 0), ("C", 0, 1.18, 3), ("S", 1, 1.62, 3)]))
    add("n3", -1, rod([("N", 0, 0, 0), ("N", 0, 1.19, 50), ("N", 1, 1.16, 50)]))
    add("no2", -1, rod([("N", 0, 0, 0), ("O", 0, 1.24, 60), ("O", 0, 1.24, -60)]), strong=True)
    add(
        "mecn",
        0,
        with_methyls(rod([("N", 0, 0, 0), ("C", 0, 1.15, 2), ("C", 1, 1.46, 2)]), [(2, 1)]),
    )
    add("fo", -1, rod([("O", 0, 0, 0), ("C", 0, 1.28, 55), ("O", 1, 1.24, 115), ("H", 1, 1.10, 0)]))
    add(
        "fam",
        0,
        rod(
            [
                ("O", 0, 0, 0),
                ("C", 0, 1.24, 55),
                ("N", 1, 1.33, 0),
                ("H", 1, 1.10, 115),
                ("H", 2, 1.01, 60),
                ("H", 2, 1.01, -60),
            ]
        ),
    )
    add(
        "tu",
        0,
        rod(
            [
                ("S", 0, 0, 0),
                ("C", 0, 1.72, 72),
                ("N", 1, 1.34, 12),
                ("N", 1, 1.34, 132),
                ("H", 2, 1.01, 72),
                ("H", 2, 1.01, -48),
                ("H", 3, 1.01, 72),
                ("H", 3, 1.01, 192),
            ]
        ),
    )
    add("py", 0, pyridine())
    add("im", 0, imidazole())
    add("mda", -1, acetylacetonate(False), **two)
    add("acac", -1, acetylacetonate(True), **two)
    add("ox", -2, oxalate(), **two)
    add("edt", -2, dithiolene(), **two)
    dtc = mirrored([("S", 1.45, 1.85)], [("C", 2.72), ("N", 4.05)])
    dtc[0].extend("HH")
    dtc[1].extend([np.array([0.87, 0, 4.56]), np.array([-0.87, 0, 4.56])])
    add("dtc", -1, dtc, **two)
    add("fo2", -1, mirrored([("O", 1.10, 1.75)], [("C", 2.38), ("H", 3.47)]), **two)
    add(
        "ac2",
        -1,
        with_methyls(mirrored([("O", 1.10, 1.75)], [("C", 2.38), ("C", 3.88)]), [(3, 2)]),
        **two,
    )
    add("en", 0, ethylenediamine(), **two)
    add("gly", -1, glycinate(), **two)
    add("bipy", 0, bipyridine(), donors=(0, 10), sites=2, strong=True)
    add("cp", -1, cyclopentadienide(), donors=(0, 1, 2, 3, 4), strong=True)
    return ligands


LIGANDS = _all()
