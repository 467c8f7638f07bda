"""Which complexes the data set ``tm-k`` holds: metals, oxidation states, polyhedra and ligands.

For every metal an endless, reproducible list of candidates is drawn from families of complexes that
chemistry knows: Werner octahedra, tetrahedra, square planes, five-coordinate ones, carbonyls of 18
electrons, cyanides, oxo ions, half-sandwiches. Formal spin follows from the d electrons, the
polyhedron and the strength of the ligands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ligands import LIGANDS, Ligand, unit
from numpy.typing import NDArray

__all__ = ["METALS", "Complex", "candidates"]

Array = NDArray[np.float64]

METALS = {"Ti": 4, "V": 5, "Cr": 6, "Mn": 7, "Fe": 8, "Co": 9, "Ni": 10, "Cu": 11, "Zn": 12}
LARGEST = 23  # atoms; the time of FEFF grows with their cube
CHARGES = range(-3, 4)

EQUATOR = [(np.cos(a), np.sin(a), 0) for a in np.radians([0, 120, 240])]
POLYHEDRA = {
    "linear": [(0, 0, 1), (0, 0, -1)],
    "triangle": EQUATOR,
    "tetrahedron": [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)],
    "square": [(0, 0, 1), (1, 0, 0), (0, 0, -1), (-1, 0, 0)],
    "bipyramid": [(0, 0, 1), (1, 0, 0), (0, 0, -1), EQUATOR[1], EQUATOR[2]],
    "pyramid": [(1, 0, -0.2), (0, 1, -0.2), (-1, 0, -0.2), (0, -1, -0.2), (0, 0, 1)],
    "octahedron": [(0, 0, 1), (1, 0, 0), (0, 0, -1), (-1, 0, 0), (0, 1, 0), (0, -1, 0)],
}
# Chelates take these pairs of vertices, in turn; of an octahedron trans or cis to each other.
PAIRS = {
    "tetrahedron": [[(0, 1), (2, 3)]],
    "square": [[(0, 1), (2, 3)]],
    "bipyramid": [[(0, 1), (2, 3)]],
    "pyramid": [[(0, 1), (2, 3)]],
    "octahedron": [[(0, 1), (2, 3)], [(0, 1), (2, 4), (3, 5)]],
}

HARD = ("f", "cl", "oh", "ome", "h2o", "nh3", "ncs", "fo", "mda", "acac", "ox", "fo2", "ac2", "fam")
MIDDLE = ("nh3", "h2o", "py", "mecn", "im", "nh2me", "cl", "br", "f", "ncs", "n3", "fo", "fam",
          "tu", "sme", "oh", "en", "bipy", "gly", "mda", "acac", "ox", "dtc", "fo2",
          "ac2")  # fmt: skip
FOUR = ("cl", "br", "ncs", "n3", "nh3", "py", "im", "sme", "sh", "ome", "oh", "h2o", "pme3", "ph3",
        "tu", "mecn", "f", "acac", "en", "bipy", "edt", "dtc")  # fmt: skip
PLANE = ("edt", "dtc", "mda", "acac", "en", "gly", "ox", "bipy", "cl", "nh3", "cn", "py", "no2",
         "pme3", "br", "ncs")  # fmt: skip
BESIDE_CO = ("pme3", "ph3", "mecn", "py", "nh3")
BESIDE_CN = ("nh3", "py", "h2o", "en", "bipy", "im", "no2")
BESIDE_O = ("f", "cl", "br", "h2o", "oh", "ome", "mda", "acac", "ox", "fo2", "nh3", "ncs")

# Metal: (weight, oxidation state, polyhedron, ligands that are always there, ligands to draw from).
Family = tuple[float, int, str, tuple[str, ...], tuple[str, ...]]
FAMILIES: dict[str, list[Family]] = {
    "Ti": [(3, 4, "tetrahedron", (), ("f", "cl", "br", "ome", "oh", "sme", "me")),
           (3, 4, "octahedron", (), HARD), (4, 3, "octahedron", (), HARD),
           (1.5, 4, "bipyramid", (), HARD), (1.5, 4, "pyramid", ("o",), BESIDE_O),
           (1, 4, "octahedron", ("o",), BESIDE_O), (1, 3, "tetrahedron", (), ("cl", "br", "ome")),
           (2, 4, "tetrahedron", ("cp",), ("f", "cl", "br", "ome", "me", "sme")),
           (1, -2, "octahedron", ("co", "co", "co", "co", "co"), ("co",))],
    "V": [(3, 3, "octahedron", (), MIDDLE), (2, 2, "octahedron", (), MIDDLE),
          (3, 4, "pyramid", ("o",), BESIDE_O), (2, 4, "octahedron", ("o",), BESIDE_O),
          (2, 5, "tetrahedron", ("o",), ("f", "cl", "br", "ome", "oh")),
          (1, 5, "tetrahedron", ("o", "o"), ("f", "cl", "ome", "oh", "o")),
          (1.5, 4, "tetrahedron", (), ("cl", "br", "ome")),
          (1, 3, "tetrahedron", (), ("cl", "br", "sme")),
          (1.5, -1, "octahedron", ("co",) * 4, ("co", *BESIDE_CO)),
          (1, 2, "octahedron", ("cn",) * 2, BESIDE_CN)],
    "Cr": [(4, 3, "octahedron", (), MIDDLE), (1.5, 2, "octahedron", (), MIDDLE),
           (2, 3, "octahedron", ("cn", "cn"), ("cn", *BESIDE_CN)),
           (3, 0, "octahedron", ("co",) * 3, ("co", *BESIDE_CO)),
           (2, 6, "tetrahedron", ("o", "o"), ("o", "f", "cl", "ome", "oh")),
           (1, 5, "pyramid", ("o",), ("cl", "f")), (1, 2, "square", (), PLANE),
           (1, 4, "tetrahedron", (), ("ome", "cl", "me"))],
    "Mn": [(4, 2, "octahedron", (), MIDDLE), (2, 3, "octahedron", (), MIDDLE),
           (3, 2, "tetrahedron", (), FOUR), (2, 2, "bipyramid", (), FOUR),
           (3, 1, "octahedron", ("co",) * 3, ("co", "cl", "br", "me", "ncs", *BESIDE_CO)),
           (1.5, 7, "tetrahedron", ("o",) * 3, ("o", "f", "cl", "oh")),
           (1, 4, "octahedron", (), ("f", "cl", "mda", "ox")),
           (1, 2, "octahedron", ("cn",) * 2, BESIDE_CN)],
    "Fe": [(3, 2, "octahedron", (), MIDDLE), (3, 3, "octahedron", (), MIDDLE),
           (2, 2, "tetrahedron", (), FOUR),
           (2, 3, "tetrahedron", (), ("cl", "br", "sme", "sh", "ome")),
           (1.5, 3, "bipyramid", (), ("cl", "mda", "dtc", "nh3", "py", "n3")),
           (2, 2, "octahedron", ("cn",) * 2, ("cn", "co", *BESIDE_CN)),
           (1.5, 3, "octahedron", ("cn",) * 2, ("cn", *BESIDE_CN)),
           (2, 0, "bipyramid", ("co",) * 3, ("co", *BESIDE_CO)),
           (1, 2, "octahedron", ("co",) * 2, ("cl", "br", "pme3", "co", "ph3"))],
    "Co": [(4, 3, "octahedron", (), (*MIDDLE, "no2", "cn")), (2, 2, "octahedron", (), MIDDLE),
           (4, 2, "tetrahedron", (), FOUR), (1, 2, "square", (), ("edt", "dtc", "mda")),
           (1.5, 2, "bipyramid", (), FOUR),
           (2, 3, "octahedron", ("cn",) * 3, ("cn", *BESIDE_CN)),
           (1.5, -1, "tetrahedron", ("co",) * 3, ("co", "pme3", "ph3")),
           (1, 1, "bipyramid", ("co",) * 3, ("co", "me", *BESIDE_CO))],
    "Ni": [(4, 2, "octahedron", (), MIDDLE), (4, 2, "square", (), PLANE),
           (2, 2, "tetrahedron", (), ("cl", "br", "ncs", "n3", "py", "im", "sme")),
           (3, 0, "tetrahedron", ("co",), ("co", "pme3", "ph3", "mecn")),
           (1.5, 2, "pyramid", (), ("cn", "nh3", "cl", "py", "im", "acac")),
           (1, 2, "bipyramid", (), FOUR)],
    "Cu": [(3, 2, "octahedron", (), MIDDLE), (3, 2, "square", (), PLANE),
           (3, 2, "pyramid", (), MIDDLE), (1.5, 2, "tetrahedron", (), ("cl", "br", "py", "im")),
           (3, 1, "tetrahedron", (), ("mecn", "py", "cl", "br", "pme3", "ph3", "tu", "cn", "co")),
           (1.5, 1, "triangle", (), ("cl", "br", "cn", "sme", "pme3", "tu", "py")),
           (1.5, 1, "linear", (), ("cl", "br", "cn", "nh3", "sme", "py", "ph3", "mecn"))],
    "Zn": [(4, 2, "octahedron", (), MIDDLE), (5, 2, "tetrahedron", (), (*FOUR, "cn", "me")),
           (2, 2, "bipyramid", (), MIDDLE), (2, 2, "pyramid", (), MIDDLE),
           (1, 2, "triangle", (), ("cl", "br", "sme")), (1, 2, "linear", (), ("me", "cl"))],
}  # fmt: skip


@dataclass(frozen=True)
class Complex:
    """One complex.

    Attributes
    ----------
    metal, oxidation, polyhedron
        What stands in the middle, its formal oxidation state, and what it is built in.
    ligands
        Names of the ligands, chelates first.
    way
        Which pairs of vertices chelates take.
    """

    metal: str
    oxidation: int
    polyhedron: str
    ligands: tuple[str, ...]
    way: int = 0

    @property
    def parts(self) -> list[Ligand]:
        """The ligands."""
        return [LIGANDS[name] for name in self.ligands]

    @property
    def charge(self) -> int:
        """Charge of the whole."""
        return self.oxidation + sum(part.charge for part in self.parts)

    @property
    def donors(self) -> int:
        """Number of atoms bound to the metal."""
        return sum(len(part.donors) for part in self.parts)

    @property
    def size(self) -> int:
        """Number of atoms."""
        return 1 + sum(len(part.symbols) for part in self.parts)

    @property
    def unpaired(self) -> int:
        """Formal number of unpaired electrons."""
        d = METALS[self.metal] - self.oxidation
        high = d if d <= 5 else 10 - d
        strong = sum(len(p.donors) for p in self.parts if p.strong)
        if "co" in self.ligands or "cp" in self.ligands:
            return d % 2
        if self.polyhedron == "square" and d >= 7:
            return d % 2
        if self.polyhedron == "pyramid" and d == 8 and strong >= 3:
            return 0
        low = {4: 2, 5: 1, 6: 0, 7: 1}
        if self.polyhedron == "octahedron" and d in low:
            cobalt = (self.metal, self.oxidation) == ("Co", 3) and self.ligands.count("f") < 4
            if strong >= 4 or cobalt:
                return low[d]
        return high

    @property
    def name(self) -> str:
        """Name: metal, oxidation state, polyhedron, ligands with their numbers."""
        state = f"{self.oxidation}" if self.oxidation >= 0 else f"{-self.oxidation}minus"
        counts = Counter(self.ligands)
        what = "-".join(f"{name}{count}" for name, count in sorted(counts.items()))
        cis = "-cis" if self.way else ""
        return f"{self.metal.lower()}{state}-{self.polyhedron}-{what}{cis}"


def candidates(metal: str) -> Iterator[Complex]:
    """Yield complexes of a metal, none twice; the same ones every time."""
    rng = np.random.default_rng([20, *metal.encode()])
    families = FAMILIES[metal]
    weights = np.array([f[0] for f in families])
    seen: set[str] = set()
    for _ in range(20000):
        _, oxidation, polyhedron, always, pool = families[
            rng.choice(len(families), p=weights / weights.sum())
        ]
        found = drawn(rng, metal, oxidation, polyhedron, always, pool)
        if found is None or found.name in seen:
            continue
        seen.add(found.name)
        yield found


def drawn(
    rng: np.random.Generator, metal: str, oxidation: int, polyhedron: str,
    always: tuple[str, ...], pool: tuple[str, ...],
) -> Complex | None:  # fmt: skip
    """Return a complex of a family with one or two kinds of ligand drawn, or nothing if unfit."""
    left = len(POLYHEDRA[polyhedron]) - len(always)
    chelates = [name for name in pool if LIGANDS[name].sites == 2]
    single = [name for name in pool if LIGANDS[name].sites == 1]
    ways = PAIRS.get(polyhedron, [])
    way = int(rng.integers(len(ways))) if ways and not always else 0
    most = min(left // 2, len(ways[way]) if ways else 0)
    if always and polyhedron in ("octahedron", "pyramid"):
        most = min(most, 2)
    count = int(rng.integers(0 if single else most, most + 1)) if chelates else 0
    ligands = [str(rng.choice(chelates))] * count if count else []
    left -= 2 * count
    if left and not single:
        return None
    if left:
        kinds = rng.choice(single, size=min(2, len(single)), replace=False)
        first = int(rng.integers((left + 1) // 2, left + 1))  # as many or more of the first kind
        ligands += [str(kinds[0])] * first
        if first < left:
            ligands += [str(kinds[-1])] * (left - first)
    ligands += list(always)
    found = Complex(metal, oxidation, polyhedron, tuple(ligands), way if count > 1 else 0)
    if found.size > LARGEST or found.charge not in CHARGES or not (METALS[metal] - oxidation >= 0):
        return None
    # Carbonyls and half-sandwiches: 18 electrons, but 16 in a sandwich of titanium.
    if "co" in ligands and metal not in ("Cu",):
        electrons = METALS[metal] - oxidation + 2 * found.donors
        if electrons != 18:
            return None
    return found


def frame_of(z: Array, x: Array) -> Array:
    """Return the rotation that takes the axes z and x to these (x made normal to z)."""
    z = unit(z)
    x = unit(x - (x @ z) * z)
    return np.column_stack([x, np.cross(z, x), z])


def built(found: Complex, seed: int = 0) -> tuple[Atoms, list[list[int]], list[int]]:
    """Return the starting geometry, the atoms of every ligand, and the donors; the metal is 0.

    Ligands are turned about their bonds at random until nothing touches.
    """
    best: tuple[float, Atoms, list[list[int]], list[int]] | None = None
    for attempt in range(60):
        made = placed(found, np.random.default_rng([seed, attempt]))
        gap = clearance(made[0], made[1])
        if best is None or gap > best[0]:
            best = (gap, *made)
    assert best is not None
    return best[1], best[2], best[3]


def placed(found: Complex, rng: np.random.Generator) -> tuple[Atoms, list[list[int]], list[int]]:
    """Put the ligands on the vertices of the polyhedron, with random turns about their bonds."""
    vertices = [unit(np.array(v, float)) for v in POLYHEDRA[found.polyhedron]]
    free = list(range(len(vertices)))
    pairs = list(PAIRS.get(found.polyhedron, [[]])[found.way])
    symbols, positions = [found.metal], [np.zeros(3)]
    ligands, donors = [], []
    singles = [p for p in found.parts if p.sites == 1]
    # An oxo or Cp goes to the last vertex (the apex of a pyramid), then the others at random.
    singles.sort(key=lambda p: p.name not in ("o", "cp"))
    for part in [p for p in found.parts if p.sites == 2]:
        pair = pairs.pop(0)
        free = [f for f in free if f not in pair]
        a, b = (vertices[i] for i in pair)
        frame = frame_of(a + b, (a - b) * rng.choice([-1, 1]))
        attach(part, frame, found.metal, symbols, positions, ligands, donors)
    order = [free[-1], *rng.permutation(free[:-1])] if free else []
    for part, vertex in zip(singles, order, strict=True):
        helper = rng.normal(size=3)
        frame = frame_of(vertices[vertex], helper)
        attach(part, frame, found.metal, symbols, positions, ligands, donors)
    return Atoms(symbols, np.array(positions)), ligands, donors


def attach(
    part: Ligand, frame: Array, metal: str, symbols: list[str], positions: list[Array],
    ligands: list[list[int]], donors: list[int],
) -> None:  # fmt: skip
    """Add a ligand in a frame, at the distance of a bond."""
    donor = part.symbols[part.donors[0]]
    bond = covalent_radii[atomic_numbers[metal]] + covalent_radii[atomic_numbers[donor]]
    wanted = {"o": 1.62, "cp": 2.12}.get(part.name, max(bond - 0.02, 1.85))
    at = part.positions[list(part.donors)]
    side = np.linalg.norm(at[:, :2], axis=1).mean()
    shift = np.sqrt(max(wanted**2 - side**2, 0.3)) - at[:, 2].mean()
    first = len(symbols)
    symbols += part.symbols
    positions += [frame @ (p + np.array([0, 0, shift])) for p in part.positions]
    ligands.append(list(range(first, len(symbols))))
    donors += [first + d for d in part.donors]


def clearance(atoms: Atoms, ligands: list[list[int]]) -> float:
    """Return the smallest distance between ligands as a share of the radii's sum."""
    owner = np.zeros(len(atoms), int)
    for k, members in enumerate(ligands, start=1):
        owner[members] = k
    distance = atoms.get_all_distances()
    radii = covalent_radii[atoms.numbers]
    ratio = distance / (radii[:, None] + radii)
    apart = (owner[:, None] != owner) & (owner[:, None] > 0) & (owner > 0)
    return float(ratio[apart].min()) if apart.any() else 9.0
