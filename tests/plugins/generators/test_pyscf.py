"""Generator ``pyscf``: the conformance suite, and the physics of the water molecule.

Reference values are those of the molecule at its measured geometry (0.9572 Å, 104.52°).
"""

from __future__ import annotations

import numpy as np
import pytest

from xreg.core.data.samples import Structure, Structures
from xreg.core.errors import ConfigError, SampleError
from xreg.core.testing import GeneratorSuite
from xreg.core.testing.examples import rotation

pytest.importorskip("pyscf")

from ase import Atoms
from pyscf import df, dft, gto

from xreg.plugins.pyscf.corehole import CoreHoles
from xreg.plugins.pyscf.coulomb import FittedCoulomb
from xreg.plugins.pyscf.generator import PySCF
from xreg.plugins.pyscf.numint import CachedNumInt
from xreg.plugins.pyscf.plugin import PySCFConfig
from xreg.plugins.pyscf.transitions import Lines, absorption, emission, photoline

CHEAP = {"basis": "def2-svp", "grid_for": {"H": (20, 50), "O": (30, 86)}}


def structure(atoms: Atoms, site: int = 0) -> Structure:
    return Structures.from_atoms([atoms], site, ["it"])[0]


def water(bond: float = 0.9572, other: float | None = None, angle: float = 104.52) -> Atoms:
    half = np.radians(angle) / 2
    direction = np.array([[np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])
    lengths = np.array([bond, bond if other is None else other])
    return Atoms("OH2", np.vstack([np.zeros(3), lengths[:, None] * direction]))


@pytest.fixture(scope="module")
def equilibrium() -> CoreHoles:
    return CoreHoles(structure(water()), PySCFConfig())


class TestSuite(GeneratorSuite):
    component = PySCF
    settings = CHEAP
    plugin = "xreg.plugins.pyscf.plugin"


def test_orbital_order(equilibrium: CoreHoles) -> None:
    # In the standard orientation the molecule lies in the plane of the two larger axes, so
    # a p function of oxygen names each orbital: 2a1 (s), 1b2 (in plane, antisymmetric), 3a1
    # (along the twofold axis), 1b1 (out of plane).
    energies, coefficients, occupied = equilibrium.ground_spins[0]
    assert occupied.sum() == 5
    labels = np.array(equilibrium.mol.ao_labels(fmt=None), dtype=object)
    weights = []
    for orbital in coefficients.T[1:5]:
        projected = equilibrium.overlap @ orbital
        kinds = {"s": 0.0, "px": 0.0, "py": 0.0, "pz": 0.0}
        for (atom, _, shell, m), c, p in zip(labels, orbital, projected, strict=True):
            if atom == 0 and shell[-1] in "sp":
                kinds[shell[-1] + m] += c * p
        weights.append(max(kinds, key=kinds.__getitem__))
    coordinates = equilibrium.mol.atom_coords()
    axis = np.argmax(np.abs(coordinates[1] + coordinates[2]))
    along = np.argmax(np.abs(coordinates[1] - coordinates[2]))
    out = 3 - axis - along
    assert weights == ["s", f"p{'xyz'[along]}", f"p{'xyz'[axis]}", f"p{'xyz'[out]}"]
    assert np.all(np.diff(energies[:5]) > 0)


def test_emission(equilibrium: CoreHoles) -> None:
    lines = emission(equilibrium)
    assert lines.energy - lines.energy[0] == pytest.approx([0, 12.16, 16.04, 18.13], abs=0.02)
    assert np.all(lines.strength > 0)
    assert np.argmax(lines.strength) == 3  # the lone pair 1b1
    assert lines.energy[3] == pytest.approx(526.4, abs=0.1)  # measured: 527


def test_absorption(equilibrium: CoreHoles) -> None:
    half = equilibrium.half_hole
    first = np.flatnonzero(half.mo_occ[0] == 0)[0]
    potential = (half.mo_energy[0][first] - half.mo_energy[0][0]) * 27.2114
    assert potential == pytest.approx(536.5, abs=0.1)
    lines = absorption(equilibrium)
    assert lines.energy[0] == pytest.approx(533.1, abs=0.1)  # measured: 534.0
    assert np.all(lines.strength >= 0)
    # 4a1 below 2b2, which is stronger.
    assert 1.5 < lines.energy[1] - lines.energy[0] < 2.5
    assert lines.strength[1] > lines.strength[0] > 0.01


def test_photoline(equilibrium: CoreHoles) -> None:
    assert photoline(equilibrium).energy[0] == pytest.approx(539.2, abs=0.1)  # measured: 539.8


def test_accurate_settings_agree(equilibrium: CoreHoles) -> None:
    accurate = CoreHoles(structure(water()), PySCFConfig(grid_for={}, convergence=1e-9))
    grid = PySCF().grids()["xes"]
    quick, slow = (emission(s).broadened(grid, 0.8, 0.16) for s in (equilibrium, accurate))
    assert np.linalg.norm(quick - slow) < 0.003 * np.linalg.norm(slow)


def test_invariance() -> None:
    generator = PySCF(**CHEAP)
    atoms = water(0.9, 1.1, 100.0)
    reference = generator.generate(structure(atoms))
    moved = atoms.copy()
    moved.positions = moved.positions[[0, 2, 1]] @ rotation(np.random.default_rng(1)).T + [
        3.0,
        -1.0,
        2.0,
    ]
    reordered = moved[[1, 0, 2]]
    for sample in (structure(moved), structure(reordered, 1)):
        spectrum = generator.generate(sample)
        for name, values in reference.channels.items():
            assert np.abs(spectrum.channels[name] - values).max() < 1e-6 * values.max()
        for name, value in reference.labels.items():
            assert spectrum.labels[name] == pytest.approx(value, abs=1e-6)


def test_like_atoms_and_selection_rule() -> None:
    # Linear CO2: the oxygens share their 1s orbitals by symmetry and still give one spectrum
    # each; at the carbon, the centre of inversion, 1s (gerade) takes no gerade electron.
    molecule = Atoms("CO2", [(0, 0, 0), (0, 0, 1.16), (0, 0, -1.16)])
    config = PySCFConfig(
        basis="def2-svp", grid_for={"C": (30, 86), "O": (30, 86)}, xes_reference="orbital"
    )
    first, second = (CoreHoles(structure(molecule, site), config) for site in (1, 2))
    assert photoline(first).energy == pytest.approx(photoline(second).energy, abs=1e-3)
    assert emission(first).strength == pytest.approx(emission(second).strength, rel=1e-3)
    populations = first.core**2
    assert populations[first.mol.search_ao_label("1 O 1s")[0]] > 0.9
    carbon = emission(CoreHoles(structure(molecule, 0), config))
    highest = np.argsort(carbon.energy)[-2:]  # 1πg
    assert np.all(carbon.strength[highest] < 1e-6)
    assert carbon.strength.max() > 0.01


def test_half_hole_orbitals() -> None:
    settings = {**CHEAP, "channels": ("xes",), "xes_reference": "orbital"}
    ground = PySCF(**settings, xes_grid=(480, 515, 0.2)).generate(structure(water()))
    half = PySCF(**settings, xes_orbitals="half-hole", xes_grid=(500, 545, 0.2)).generate(
        structure(water())
    )
    assert ground.labels.keys() == {"total_energy"}
    assert half.channels["xes"].max() > ground.channels["xes"].max()


def test_half_hole_from_atoms() -> None:
    # Without the ground state, the same half hole: also at one of two oxygens that share their
    # 1s orbitals by symmetry, and with the Coulomb term fitted.
    molecule = structure(Atoms("CO2", [(0, 0, 0), (0, 0, 1.16), (0, 0, -1.16)]), 1)
    settings = {
        "basis": "def2-svp",
        "grid_for": {"C": (30, 86), "O": (30, 86)},
        "channels": ("xes",),
        "xes_orbitals": "half-hole",
        "xes_reference": "orbital",
        "xes_grid": (490, 560, 0.2),
    }
    reference = PySCF(**settings).generate(molecule)
    for auxiliary in (None, "def2-universal-jfit"):
        quick = PySCF(
            **settings, half_hole_start="atoms", density_fitting=True, auxiliary_basis=auxiliary
        )
        assert quick.label_units() == {}
        spectrum = quick.generate(molecule)
        assert spectrum.labels == {}
        error = spectrum.channels["xes"] - reference.channels["xes"]
        assert np.linalg.norm(error) < 0.01 * np.linalg.norm(reference.channels["xes"])


def test_fitting_a_hybrid() -> None:
    # Exchange is fitted too; the auxiliary basis is then one that is made for it.
    exact, fitted = (
        CoreHoles(structure(water()), PySCFConfig(**CHEAP, functional="PBE0", density_fitting=df))
        for df in (False, True)
    )
    assert fitted.ground.e_tot == pytest.approx(exact.ground.e_tot, abs=1e-4)
    assert emission(fitted).energy == pytest.approx(emission(exact).energy, abs=0.01)


def test_open_shell() -> None:
    radical = Atoms("OH", [(0, 0, 0), (0, 0, 0.97)])
    states = CoreHoles(structure(radical), PySCFConfig(**CHEAP, spin=1))
    assert len(emission(states).energy) == 7
    assert 540 < photoline(states).energy[0] < 546


def test_broadening() -> None:
    grid = np.linspace(-200, 200, 8001)
    lines = Lines(np.array([0.0, 1.0]), np.array([2.0, 1.0]), np.zeros(2))
    assert np.trapezoid(lines.broadened(grid, 0.8, 0.0), grid) == pytest.approx(3.0, rel=1e-6)
    assert np.trapezoid(lines.broadened(grid, 0.8, 0.2), grid) == pytest.approx(3.0, rel=2e-3)
    one = Lines(np.zeros(1), np.ones(1), np.zeros(1))
    for gaussian, lorentzian in ((0.8, 0.0), (0.0, 0.8)):
        at_half, peak = one.broadened(np.array([0.4, 0.0]), gaussian, lorentzian)
        assert at_half == pytest.approx(peak / 2)


@pytest.mark.parametrize(
    ("atoms", "site", "settings", "words"),
    [
        (water(), 1, {}, "has no core electrons"),
        (Atoms("OH", [(0, 0, 0), (0, 0, 0.97)]), 0, {}, "9 electrons"),
        (water(0.05), 0, {}, "0.05 Å apart"),
        (Atoms("OH2", water().positions, cell=[9] * 3, pbc=True), 0, {}, "periodic"),
        (Atoms("IH", [(0, 0, 0), (0, 0, 1.6)]), 0, {"grid_for": {"I": (30, 86)}}, "core potential"),
        (water(), 0, {"max_cycles": 5, "convergence": 1e-13}, "SCF of the .* not converge in 5"),
        (water(), 0, {"xps_grid": (500, 520, 0.2)}, "set 'xps_grid'"),
    ],
)
def test_bad_samples(atoms: Atoms, site: int, settings: dict, words: str) -> None:
    with pytest.raises(SampleError, match=words) as caught:
        PySCF(**{**CHEAP, **settings}).generate(structure(atoms, site))
    assert "sample 'it'" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"functional": "PBEE"}, "functional 'PBEE'"),
        ({"basis": "def2-tzvpX"}, "no basis set 'def2-tzvpX'"),
        ({"xes_grid": (530, 502, 0.2)}, "xes_grid"),
        ({"xps_gaussian": 0, "xps_lorentzian": 0}, "xps_gaussian"),
        ({"grid_for": {"O": (30, 100)}}, "100 angular points"),
        ({"channels": ("xes", "xes")}, "twice"),
        ({"spin": 2, "xes_orbitals": "half-hole"}, "spin 0"),
        ({"half_hole_start": "atoms"}, "needs the ground state"),
        ({"density_fitting": True, "auxiliary_basis": "jfitX"}, "auxiliary basis 'jfitX'"),
    ],
)
def test_bad_settings(settings: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PySCF(**settings).generate(structure(water()))


# What is computed otherwise than PySCF does ------------------------------------------------------


@pytest.fixture(scope="module")
def chain() -> gto.Mole:
    """Three waters 6 Å apart: most functions do not reach most points."""
    atoms = water()
    for shift in (6.0, 12.0):
        other = water()
        other.translate([shift, 0, 0])
        atoms += other
    place = list(zip(atoms.symbols, atoms.positions, strict=True))
    return gto.M(atom=place, basis="def2-svp", verbose=0)


@pytest.mark.parametrize("functional", ["PBE", "LDA", "B3LYP", "TPSS"])
def test_integration_by_blocks_is_pyscf_s(chain: gto.Mole, functional: str) -> None:
    grids = dft.gen_grid.Grids(chain)
    grids.level = 0
    rng = np.random.default_rng(0)
    orbitals = np.linalg.qr(rng.normal(size=(chain.nao, 30)))[0]
    up, down = orbitals[:, :15] @ orbitals[:, :15].T, orbitals @ orbitals.T / 2
    for spins, method in ((up + down, "nr_rks"), (np.array([up, down]), "nr_uks")):
        ours, theirs = (
            getattr(integrator, method)(chain, grids, functional, spins)
            for integrator in (CachedNumInt(), dft.numint.NumInt())
        )
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-7 * np.abs(other).max())


def test_blocks_leave_out_what_does_not_reach_them(chain: gto.Mole) -> None:
    integrator, grids = CachedNumInt(), dft.gen_grid.Grids(chain).build(with_non0tab=True)
    blocks = integrator._blocks(chain, grids, 4)
    held = sum(block.values.size for block in blocks)
    assert held < 0.7 * 4 * len(grids.weights) * chain.nao
    assert sum(block.points.stop - block.points.start for block in blocks) == len(grids.weights)


@pytest.mark.parametrize("auxiliary", ["def2-universal-jfit", "twice", "too large"])
def test_fitted_coulomb_matrices_are_pyscf_s(chain: gto.Mole, auxiliary: str) -> None:
    basis = "def2-universal-jfit"
    if auxiliary == "twice":  # the metric is singular
        basis = {s: 2 * gto.basis.load(basis, s) for s in "OH"}
    ours, theirs = FittedCoulomb(chain, basis), df.DF(chain, basis)
    if auxiliary == "too large":
        ours.max_memory = 0.1
    density = np.random.default_rng(0).normal(size=(2, chain.nao, chain.nao))
    density += density.transpose(0, 2, 1)
    found = ours.build().get_jk(density, with_k=False)[0]
    expected = theirs.build().get_jk(density, with_k=False)[0]
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())
    one = ours.get_jk(density[0], with_k=False)[0]
    np.testing.assert_allclose(one, found[0], atol=1e-12 * np.abs(found).max())
