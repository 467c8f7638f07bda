"""The descriptor ``mbdf``."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from xreg.core.data.samples import Structures
from xreg.core.errors import DataError, SampleError
from xreg.core.testing import DescriptorSuite, clusters, crystals, waters
from xreg.plugins.mbdf.mbdf import MBDF


class TestMBDF(DescriptorSuite):
    component = MBDF


class TestPeriodicMBDF(DescriptorSuite):
    component = MBDF
    settings = {"cutoff": 4.0, "counts": {"Na": 4, "Cl": 5}, "normalization": "zscore"}

    def samples(self) -> Structures:
        return crystals()


def test_count_of_the_defaults() -> None:
    component = MBDF(counts={"H": 30, "O": 24, "S": 1}).fit(clusters())
    assert len(component.feature_labels) == 330
    assert component.transform(clusters(1)).shape == (1, 330)


WATER = Atoms("OHH", [[0, 0, 0], [0.9572, 0, 0], [-0.2399872, 0.9266272, 0]])


def test_water() -> None:
    """Numbers of the reference implementation, not normalised, in the digits they were given in."""
    row = MBDF(normalization="none").fit_transform(Structures.from_atoms([WATER]))[0]
    oxygen = [5.61808977e-2, 5.88964797e-1, 2.56867706e-1, 2.51870184, 8.76735701e-2,
              -1.82595865e-4]  # fmt: skip
    hydrogen = [4.26297350e-2, 4.63822900e-1, 1.96259979e-1, 2.00244341, 1.37902707e-1,
                -6.38521247e-4]  # fmt: skip
    np.testing.assert_allclose(row[12:], oxygen, rtol=5e-9)
    # Both bonds are 0.9572 Å long within the digits of the positions.
    np.testing.assert_allclose(row[:12].reshape(2, 6), [hydrogen] * 2, rtol=1e-7)


def quadrature(structure, i: int, cutoff: float) -> list[float]:
    """Evaluate the six functionals of atom i by loops over neighbours and their ordered pairs."""
    z, x = structure.numbers.astype(float), 1.88973 * structure.positions
    near = [j for j in range(len(z)) if 0 < np.linalg.norm(x[j] - x[i]) < 1.88973 * cutoff]
    r, theta = np.linspace(0, 8, 81), 0.02 * np.arange(158)
    total = np.zeros(6)

    def angle(a, b, c):  # Kahan's formula, exact to the last digits for straight angles too
        u, v = (x[i] - x[a] for i in (b, c))
        u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
        return 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))

    for j in near:
        y = r - np.linalg.norm(x[j] - x[i])
        g = z[i] ** 0.8 * z[j] * np.exp(-(y**2))
        total[0] += np.trapezoid(g * np.exp(-10.8 * r), r)
        total[1] += np.trapezoid(g / (2.2508 * (r + 1) ** 3), r)
        total[2] += np.trapezoid(-2 * y * g / (2.2508 * (r + 1) ** 6), r)
        total[3] += np.trapezoid((4 * y**2 - 2) * g * np.exp(-1.5 * r), r)
        for k in near:
            if k == j:
                continue
            sides = [np.linalg.norm(x[a] - x[b]) for a, b in ((i, j), (i, k), (j, k))]
            weight = (z[i] * z[j] * z[k]) ** 0.8 / np.prod(sides) ** 4
            one, two, three = angle(i, j, k), angle(j, i, k), angle(k, i, j)
            y = theta - one
            g = weight * np.exp(-2 * y**2)
            waves = 3 + 100 * np.cos(theta) - 200 * np.cos(2 * theta) - 164 * np.cos(3 * theta)
            total[4] += np.trapezoid(g * waves, theta)
            cosines = np.cos(one) * np.cos(two) * np.cos(three)
            total[5] += np.trapezoid(-4 * y * g * (1 + np.cos(theta) * cosines), theta)
    return total.tolist()


def straight_molecules() -> dict[str, Atoms]:
    """Return molecules with angles of 180°, exactly and nearly."""
    cyanide = [np.eye(3)[axis] * sign * r for axis in range(3) for sign in (1, -1)
               for r in (1.92, 3.08)]  # fmt: skip
    found = {
        "CO2": Atoms("OCO", [[-1.16, 0, 0], [0, 0, 0], [1.16, 0, 0]]),
        "N2O": Atoms("NNO", [[-1.128, 0, 0], [0, 0, 0], [1.184, 0, 0]]),
        "C2H2": Atoms("HCCH", [[0, 0, z] for z in (-1.66, -0.6, 0.6, 1.66)]),
        "Fe(CN)6": Atoms("Fe" + "CN" * 6, [np.zeros(3), *cyanide]),
        "body diagonal": Atoms("OUO", np.array([[-1], [0], [1]]) * np.full(3, 1.76 / 3**0.5)),
    }
    for off in (1e-3, 4e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-12):
        bent = [[-1.16, 0, 0], [0, 0, 0], [1.16 * np.cos(off), 1.16 * np.sin(off), 0]]
        found[f"CO2, {off:g} off straight"] = Atoms("OCO", bent)
    return found


@pytest.mark.parametrize("name", straight_molecules())
def test_straight_molecules(name: str) -> None:
    """All six functionals of all atoms, as they stand and turned, to ten digits."""
    atoms = straight_molecules()[name]
    turned = []
    rng = np.random.default_rng(1)
    for _ in range(5):
        matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turned.append(Atoms(atoms.numbers, atoms.positions @ matrix))
    samples = Structures.from_atoms([atoms, *turned])
    component = MBDF(normalization="none").fit(samples)
    rows = component.transform(samples).reshape(6, len(atoms), 6)
    structure = samples[0]
    centre = structure.positions[structure.absorber]
    far = np.linalg.norm(structure.positions - centre, axis=1)
    order = np.lexsort((far, structure.numbers))
    exact = np.array([quadrature(structure, int(i), 8.0) for i in order])
    size = np.abs(exact).max(axis=0)
    for row in rows:  # atoms that stand equally far may change places
        for z in np.unique(structure.numbers):
            like = structure.numbers[order] == z
            found, wanted = row[like] / size, exact[like] / size
            apart = np.abs(found[:, None] - wanted).max(axis=2)
            assert apart.min(axis=0).max() < 1e-10
            assert apart.min(axis=1).max() < 1e-10


@pytest.mark.parametrize(
    ("cell", "cutoff"),
    [
        (bulk("Cu", "fcc", a=3.61), 4.6),
        (bulk("Fe", "bcc", a=2.87), 4.2),
        (bulk("NaCl", "rocksalt", a=5.64), 5.0),
        (bulk("MgO", "rocksalt", a=4.0), 4.0),  # with a shell that stands on the cutoff
    ],
    ids=["fcc", "bcc", "rock salt", "shell on the cutoff"],
)
def test_straight_rows_of_a_crystal(cell: Atoms, cutoff: float) -> None:
    rng = np.random.default_rng(2)
    cells = [cell]
    for _ in range(3):
        matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        cells.append(Atoms(cell.numbers, cell.positions @ matrix, cell=cell.cell[:] @ matrix,
                           pbc=True))  # fmt: skip
    samples = Structures.from_atoms(cells)
    first, *others = dict.fromkeys(cell.symbols)
    counts = {first: 1} | dict.fromkeys(others, 0)
    component = MBDF(counts=counts, cutoff=cutoff, normalization="none").fit(samples)
    rows = component.transform(samples)
    big = cell * (7, 7, 7)
    middle = np.linalg.norm(big.positions - big.positions.mean(axis=0), axis=1)
    middle[big.numbers != cell.numbers[0]] = np.inf
    at = int(middle.argmin())
    near = np.linalg.norm(big.positions - big.positions[at], axis=1) < cutoff + 1e-9
    flat = Structures.from_atoms([Atoms(big.numbers[near], big.positions[near])])
    exact = np.array(quadrature(flat[0], int(np.flatnonzero(near).searchsorted(at)), cutoff + 1e-9))
    np.testing.assert_allclose(rows, [exact] * 4, rtol=1e-10, atol=1e-10 * np.abs(exact).max())


@pytest.mark.parametrize("cutoff", [1.5, 3.0, 8.0])
def test_neighbour_at_the_end_of_the_table(cutoff: float) -> None:
    for far in (np.nextafter(cutoff, 0), cutoff * (1 - 1e-15), cutoff * (1 - 1e-6)):
        samples = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [0.9, 0, 0], [0, 0, far]])])
        component = MBDF(normalization="none", cutoff=cutoff).fit(samples)
        row = component.transform(samples)[0, 12:]
        exact = quadrature(samples[0], 0, cutoff * (1 + 1e-12))
        np.testing.assert_allclose(row, exact, rtol=1e-10)


@pytest.mark.parametrize("cutoff", [8.0, 3.0])
def test_columns_are_what_their_labels_say(cutoff: float) -> None:
    samples = clusters(2, seed=4)
    component = MBDF(normalization="none", cutoff=cutoff).fit(samples)
    names = component.get_feature_names_out().tolist()
    rows = component.transform(samples).reshape(2, -1, 6)
    for row, structure in zip(rows, samples, strict=True):
        centre = structure.positions[structure.absorber]
        far = np.linalg.norm(structure.positions - centre, axis=1)
        seen = np.zeros(len(row), dtype=bool)
        for symbol, number in (("H", 1), ("O", 8), ("S", 16)):
            like = np.flatnonzero(structure.numbers == number)
            for place, i in enumerate(like[np.argsort(far[like])], 1):
                at, rest = divmod(names.index(f"F1({symbol}{place})"), 6)
                assert rest == 0
                seen[at] = True
                np.testing.assert_allclose(row[at], quadrature(structure, i, cutoff), rtol=1e-8)
        np.testing.assert_array_equal(row[~seen], 0)


def test_normalization_is_learned_in_training() -> None:
    samples = clusters(8)
    raw = MBDF(normalization="none").fit(samples).transform(samples).reshape(8, -1, 6)
    filled = (raw != 0).any(axis=2)
    assert not filled.all()
    values = raw[filled]
    minmax = MBDF().fit(samples)
    np.testing.assert_allclose(minmax.scale_, np.ptp(values, axis=0))
    np.testing.assert_allclose(minmax.transform(samples).reshape(raw.shape), raw / minmax.scale_)
    plain = MBDF(normalization="none").fit(samples)
    assert {label.unit for label in plain.feature_labels} == {"a.u."}
    assert {label.unit for label in minmax.feature_labels} == {""}
    zscore = MBDF(normalization="zscore").fit(samples).transform(samples).reshape(raw.shape)
    np.testing.assert_allclose(zscore[filled].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(zscore[filled].std(axis=0), 1)
    np.testing.assert_array_equal(zscore[~filled], 0)
    # Other samples are scaled as those of training.
    other = clusters(3, seed=9)
    few = MBDF(counts={"H": 4, "O": 3, "S": 1}, normalization="none").fit(samples)
    again = MBDF(counts={"H": 4, "O": 3, "S": 1}).fit(samples)
    np.testing.assert_allclose(
        again.transform(other), few.transform(other) / np.tile(again.scale_, 8)
    )


def test_functionals_that_do_not_vary_are_listed() -> None:
    samples = Structures.from_atoms([Atoms("OO", [[0, 0, 0], [0, 0, 1.2]])])
    component = MBDF().fit(samples)
    assert component.constant_ == ["F1", "F2", "F3", "F4", "F5", "F6"]
    row = component.transform(samples)[0]
    np.testing.assert_allclose(row, np.tile([*quadrature(samples[0], 0, 8)[:4], 0, 0], 2))


def test_supercell_and_row_in_the_bulk() -> None:
    """The functionals of a crystal's atoms are those of its infinite surroundings."""
    cell = bulk("NaCl", "rocksalt", a=5.64)
    samples = Structures.from_atoms([cell, cell * (2, 1, 2)], [0, 0])
    component = MBDF(counts={"Na": 3, "Cl": 2}, cutoff=4.5, normalization="none").fit(samples)
    one, two = component.transform(samples).reshape(2, 5, 6)
    np.testing.assert_allclose(one, two, rtol=1e-8)
    np.testing.assert_allclose(one[:3], one[[0]].repeat(3, axis=0), rtol=1e-8)
    big = cell * (5, 5, 5)
    middle = np.linalg.norm(big.positions - big.positions.mean(axis=0), axis=1)
    middle[big.numbers != 11] = np.inf
    flat = Structures.from_atoms([Atoms(big.numbers, big.positions)], int(middle.argmin()))
    molecule = MBDF(counts={"Na": 1, "Cl": 0}, cutoff=4.5, normalization="none")
    np.testing.assert_allclose(molecule.fit_transform(flat)[0], one[0], rtol=1e-8)


def test_lone_and_coincident_atoms() -> None:
    component = MBDF(normalization="none").fit(waters())
    lone = Structures.from_atoms([Atoms("O", [[0, 0, 0]])])
    np.testing.assert_array_equal(component.transform(lone), np.zeros((1, 18)))
    on_top = Structures.from_atoms([Atoms("OHH", [[0, 0, 0], [1, 0, 0], [1, 0, 0]])], ids=["x"])
    with pytest.raises(SampleError, match="'x' has two atoms in one place"):
        component.transform(on_top)
    # Nothing is learned from them, so that a run may set them aside.
    both = Structures.from_atoms([s.to_atoms() for part in (waters(), on_top) for s in part])
    learned, clean = (MBDF().fit(samples) for samples in (both, waters()))
    np.testing.assert_array_equal(learned.scale_, clean.scale_)
    with pytest.raises(DataError, match="without samples"):
        MBDF().fit(waters()[:0])
