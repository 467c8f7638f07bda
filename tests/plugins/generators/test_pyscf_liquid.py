"""Generator ``pyscf`` on ions and on sites of a liquid: charges around a cut, and the ladder."""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing.examples import rotation

pytest.importorskip("pyscf")

from ase import Atoms
from pyscf import dft, gto, qmmm
from pyscf.data.nist import BOHR
from scipy.special import erfc

from xreg.plugins.pyscf.corehole import CoreHoles
from xreg.plugins.pyscf.embedding import Embedding
from xreg.plugins.pyscf.generator import PySCF
from xreg.plugins.pyscf.plugin import PySCFConfig
from xreg.plugins.pyscf.surroundings import Cluster, cut

CHEAP = {
    "basis": "def2-svp",
    "grid_for": {"H": (20, 50), "O": (30, 86), "S": (40, 86)},
    "density_fitting": True,
}
QUICK = {
    **CHEAP,
    "channels": ("xes",),
    "xes_orbitals": "half-hole",
    "xes_reference": "orbital",
    "xes_grid": (500, 545, 0.2),
    "half_hole_start": "atoms",
}
SPECIES = {
    "H2O": {"O": -0.834, "H": 0.417},
    "H3O": {"O": -0.416, "H": 0.472},
    "SO4": {"S": 2.0, "O": -1.0},
    "HSO4": {"S": 1.6, "O": -0.75, "H": 0.4},
}


def structure(atoms: Atoms, site: int = 0) -> Structure:
    return Structures.from_atoms([atoms], site, ["it"])[0]


def sulfate(bond: float = 1.49) -> Atoms:
    corners = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]) / np.sqrt(3)
    return Atoms("SO4", np.vstack([np.zeros(3), bond * corners]))


def water(at: tuple[float, float, float] = (0, 0, 0)) -> Atoms:
    place = np.array([(0, 0, 0), (0.757, 0.586, 0), (-0.757, 0.586, 0)]) + at
    return Atoms("OH2", place)


def hydronium(at: tuple[float, float, float]) -> Atoms:
    around = 0.98 * np.array([(0.94, 0, 0.34), (-0.47, 0.81, 0.34), (-0.47, -0.81, 0.34)])
    return Atoms("OH3", np.vstack([np.zeros(3), around]) + at)


def liquid(*, wrapped: bool = True) -> Atoms:
    """Hydrogen sulfate, hydronium and three waters in a cell, some across its faces."""
    atoms = sulfate() + Atoms("H", [0.86 * np.ones(3) + (0.6, 0.6, -0.3)])
    for other in (
        water((3.0, -2.5, 0)),
        hydronium((-5, 0, 1)),
        water((0, 5.5, 0)),
        water((5, 5, 5)),
    ):
        atoms += other
    atoms.set_cell([12.0, 12.0, 12.0])
    atoms.pbc = True
    if wrapped:
        atoms.wrap()
    return atoms


# Charges around a molecule -----------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.0, 0.5])
def test_charges_are_pyscf_s(width: float) -> None:
    # PySCF's own embedding, of a calculation that knows nothing of core holes.
    mol = gto.M(atom=list(zip("OHH", water().positions, strict=True)), basis="def2-svp", verbose=0)
    rng = np.random.default_rng(0)
    places = rng.normal(size=(70, 3))
    places *= (rng.uniform(3, 8, 70) / np.linalg.norm(places, axis=1))[:, None]
    charges = rng.uniform(-1, 1, 70)
    own = Embedding(mol, places, charges, width)
    plain = dft.RKS(mol)
    radii = np.full(70, width) if width else None
    theirs = qmmm.mm_charge(dft.RKS(mol), places, charges, radii=radii, unit="Angstrom")
    expected = theirs.get_hcore() - plain.get_hcore()
    np.testing.assert_allclose(own.electrons(), expected, atol=1e-7)
    assert own.nuclei() == pytest.approx(theirs.energy_nuc() - plain.energy_nuc(), abs=1e-7)


def test_a_far_charge_acts_as_charges_do() -> None:
    # Sulfate has no dipole and no quadrupole: with a charge 25 Å away its energy changes by the
    # product of both charges over the distance, and by its polarisation: α q² / 2 R⁴, 2e-5 here.
    molecule, config = structure(sulfate()), PySCFConfig(**CHEAP, convergence=1e-8)
    alone = CoreHoles(molecule, config, -2).ground.e_tot
    for q, axis in ((1.0, 0), (-0.5, 2)):
        place = np.zeros((1, 3))
        place[0, axis] = 25.0
        states = CoreHoles(molecule, config, -2, Cluster(molecule, -2, place, np.array([q])))
        assert states.ground.e_tot - alone == pytest.approx(-2 * q * BOHR / 25.0, abs=1e-4)


def test_charges_pull_electrons_to_them() -> None:
    molecule, config = structure(sulfate()), PySCFConfig(**CHEAP)
    place = np.array([[4.0, 0.0, 0.0]])
    states = CoreHoles(molecule, config, -2, Cluster(molecule, -2, place, np.ones(1)))
    levels = [s.ground.mo_energy for s in (states, CoreHoles(molecule, config, -2))]
    lower = (levels[0] - levels[1])[:25].mean()
    assert lower == pytest.approx(-BOHR / 4.0, rel=0.1)  # bound deeper by its potential


# Cuts --------------------------------------------------------------------------------------------


def config(radius: float = 4.0, **settings: object) -> PySCFConfig:
    return PySCFConfig(**QUICK, cut={"radius": radius, "species": SPECIES, **settings})


def test_cut() -> None:
    atoms = liquid()
    found = cut(structure(atoms), config(4.0).cut)
    # Hydrogen sulfate with its proton and the near water; hydronium and far waters are charges.
    assert sorted(found.structure.numbers) == [1, 1, 1, 8, 8, 8, 8, 8, 16]
    assert found.charge == -1
    assert found.structure.absorber == 0
    assert not found.structure.pbc.any()
    assert np.linalg.norm(found.places, axis=1).min() > 3.0
    assert not len(cut(structure(atoms), config(4.0, charges=False).cut).charges)
    alone = liquid(wrapped=False)
    alone.pbc = False
    found = cut(structure(alone), config(4.0).cut)
    assert len(found.charges) == 4 + 3 + 3
    assert found.charge + found.charges.sum() == pytest.approx(0, abs=1e-9)


def potential(found: Cluster, points: np.ndarray) -> np.ndarray:
    apart = np.linalg.norm(points[:, None] - found.places, axis=2)
    values = (found.charges / apart).sum(axis=1)
    return values - values.mean()


def test_a_cut_knows_no_edges_of_the_cell() -> None:
    atoms = liquid()
    reference = cut(structure(atoms), config().cut)
    moved = atoms.copy()
    moved.translate([5.0, -3.3, 8.1])
    moved.wrap()
    found = cut(structure(moved), config().cut)
    points = reference.structure.positions
    np.testing.assert_allclose(found.structure.positions, points, atol=1e-9)
    np.testing.assert_allclose(potential(found, points), potential(reference, points), atol=1e-6)


def ewald(points: np.ndarray, places: np.ndarray, charges: np.ndarray, edge: float) -> np.ndarray:
    """Potential of a neutral cubic cell and all its images, without a surface, in 1/Å."""
    width, cells, waves = 5.0 / edge, range(-2, 3), range(-9, 10)
    found = np.zeros(len(points))
    for hop in np.stack(np.meshgrid(cells, cells, cells), axis=-1).reshape(-1, 3):
        apart = np.linalg.norm(points[:, None] - places - edge * hop, axis=2)
        found += (charges * erfc(width * apart) / apart).sum(axis=1)
    for wave in np.stack(np.meshgrid(waves, waves, waves), axis=-1).reshape(-1, 3):
        if not wave.any():
            continue
        k = 2 * np.pi / edge * wave
        factor = 4 * np.pi / edge**3 * np.exp(-(k @ k) / (4 * width**2)) / (k @ k)
        phases = (points[:, None] - places) @ k
        found += factor * (np.cos(phases) * charges).sum(axis=1)
    return found


def test_charges_of_a_periodic_liquid() -> None:
    # Against an Ewald sum, less what the cluster's own atoms do to a point beside them.
    atoms = liquid()
    atoms.translate([1.0, 2.0, 3.0])
    found = cut(structure(atoms), config(4.0).cut)
    charges = {  # in the order of the molecules: hydrogen sulfate, water, hydronium, two waters
        "SO4H": [1.6, -0.75, -0.75, -0.75, -0.75, 0.4],
        "OH2": [-0.834, 0.417, 0.417],
        "OH3": [-0.416, 0.472, 0.472, 0.472],
    }
    order = ["SO4H", "OH2", "OH3", "OH2", "OH2"]
    every = np.concatenate([charges[name] for name in order])
    places = atoms.positions - atoms.positions[0]
    points = found.structure.positions + np.array([0.05, 0.02, -0.04])
    own = (every[:9] / np.linalg.norm(points[:, None] - found.structure.positions, axis=2)).sum(1)
    expected = ewald(points, places, every, 12.0) - own
    expected -= expected.mean()
    assert expected.std() * 14.4 > 0.3  # V
    # 0.05 V: what the sum over cells and the sphere leave open.
    np.testing.assert_allclose(potential(found, points) * 14.4, expected * 14.4, atol=0.05)


def test_a_shared_proton_joins_no_molecules() -> None:
    atoms = water() + water((2.5, 0, 0))
    atoms.positions[1] = [1.2, 0, 0]  # nearer to the first
    atoms.positions[3:] += [0, 0.02, 0]
    atoms.pbc, atoms.cell = True, np.eye(3) * 10
    found = cut(structure(atoms), config(1.5, charges=False).cut)
    assert len(found.structure.numbers) == 3


@pytest.mark.parametrize(
    ("atoms", "radius", "words"),
    [
        (sulfate() + Atoms("NaCl", [(5, 0, 0), (7.3, 0, 0)]), 4.0, "molecule Cl1?Na|molecule ClNa"),
        (liquid(), 6.5, "12.00 Å across"),
        (Atoms("S4", [(i * 2.0, 0, 0) for i in range(4)], cell=[8, 20, 20], pbc=True), 3, "end"),
    ],
)
def test_bad_cuts(atoms: Atoms, radius: float, words: str) -> None:
    with pytest.raises(SampleError, match=words) as caught:
        PySCF(config(radius)).generate(structure(atoms))
    assert "sample 'it'" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"species": {"H2O": {"O": -0.8}}}, "needs the charges of"),
        ({"species": {"H2O": {"O": -0.8, "H": 0.3}}}, "no whole number"),
        ({"species": {"H2O": {"O": -2, "H": 1}, "OH2": {"O": -2, "H": 1}}}, "names one twice"),
        ({"species": {"water": {}}}, "species"),
        ({"radius": 0}, "radius"),
    ],
)
def test_bad_settings_of_cuts(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PySCF(**QUICK, cut={"radius": 4.0, "species": SPECIES, **settings})
    with pytest.raises(ConfigError, match="charge goes without 'cut'"):
        PySCF(**QUICK, charge=-1, cut={"radius": 4.0, "species": SPECIES})


@pytest.fixture(scope="module")
def pair() -> Atoms:
    """Two waters, the first giving a hydrogen bond to the second, and a third further away."""
    return water() + water((1.9, 2.2, 0.3)) + water((-4.0, 1.0, 2.0))


def test_spectra_of_cuts(pair: Atoms) -> None:
    whole = PySCF(**QUICK).generate(structure(pair))
    every = PySCF(config(20.0)).generate(structure(pair))
    np.testing.assert_allclose(every.channels["xes"], whole.channels["xes"], atol=1e-9)
    assert every.labels == {"computed_atoms": 9, "computed_charge": 0}
    largest = whole.channels["xes"].max()
    errors = []
    for charges in (False, True):
        near = PySCF(config(3.0, charges=charges)).generate(structure(pair))
        assert near.labels["computed_atoms"] == 6
        errors.append(np.abs(near.channels["xes"] - whole.channels["xes"]).max() / largest)
    assert errors[1] < 0.5 * errors[0]  # charges in place of the third are most of it
    # Turned, the same: charges are turned with the molecule.
    turned = pair.copy()
    turned.positions = turned.positions @ rotation(np.random.default_rng(1)).T + 2.0
    same = PySCF(config(3.0)).generate(structure(turned))
    assert np.abs(same.channels["xes"] - near.channels["xes"]).max() < 1e-6 * largest


# Charges by label, and the ladder ----------------------------------------------------------------


def test_charge_of_each_sample() -> None:
    ion = Atoms("OH", [(0, 0, 0), (0, 0, 0.97)])
    samples = Structures.from_atoms([water(), ion, ion, hydronium((0, 0, 0))], 0, list("abcd"))
    generator = PySCF(**QUICK, charge={"label": "charge"})
    assert generator.needs_labels == ("charge",)
    told = samples.with_labels({"charge": np.array([0.0, -1.0, np.nan, 1.0])})
    spectra = generator.generate_many(told)
    for row, charge in ((0, 0), (1, -1), (3, 1)):
        alone = PySCF(**QUICK, charge=charge).generate(samples[row])
        np.testing.assert_array_equal(spectra[row].channels["xes"], alone.channels["xes"])
    assert isinstance(spectra[2], SampleError)
    assert "sample 'c' has the label 'charge' with 'nan'" in str(spectra[2])
    with pytest.raises(SampleError, match="generate_many"):
        generator.generate(samples[0])
    with pytest.raises(ConfigError, match="no label 'charge'"):
        generator.generate_many(samples)


def test_a_ladder_of_attempts() -> None:
    # Few cycles are not enough for the plain attempt; a higher rung has more of them.
    settings = {**CHEAP, "channels": ("xps",), "convergence": 1e-11, "max_cycles": 5}
    sample = structure(water())
    with pytest.raises(SampleError, match="2 attempts"):
        PySCF(**settings).generate(sample)
    found = PySCF(**settings, attempts=4).generate(sample)
    assert found.labels["scf_attempt"] == 3
    plain = PySCF(**{**settings, "max_cycles": 50}, attempts=4).generate(sample)
    assert plain.labels["scf_attempt"] == 1
    assert found.labels["ionisation_energy"] == pytest.approx(
        plain.labels["ionisation_energy"], abs=1e-4
    )
