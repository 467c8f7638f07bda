"""Spectra of the generator ``multiplet`` against textbooks, sum rules and whole matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import wofz

from xreg.core.data.samples import Parameters, ParameterSet
from xreg.core.errors import ConfigError, SampleError
from xreg.core.ions.broadening import Grid, Lines, broaden
from xreg.core.ions.model import BOLTZMANN, PARAMETERS, ion_named
from xreg.core.ions.window import window
from xreg.core.testing.base import close, refuses, same
from xreg.plugins.multiplet.atomic import Configuration, transition
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.multiplet.solver import Solver

LOW = (0.0, -1.4, -0.8, 0.6, 0.6, 1.0, 0.05, 0.3, 0.3)


HIGH = (0.2, 1.4, 0.8, 1.0, 1.0, 1000.0, 0.20, 1.0, 1.2)


UNITS = [parameter.unit for parameter in PARAMETERS.values()]


ALL = ("xas", "xas_x", "xas_y", "xas_z")


def published(n: int, seed: int = 0, **fixed: float) -> Parameters:
    """Draw from the published parameter space, with some parameters fixed."""
    values = np.random.default_rng(seed).uniform(LOW, HIGH, (n, len(PARAMETERS)))
    for name, value in fixed.items():
        values[:, list(PARAMETERS).index(name)] = value
    return Parameters([f"set-{i}" for i in range(n)], values, tuple(PARAMETERS), UNITS)


def one(seed: int = 0, **fixed: float) -> ParameterSet:
    return published(1, seed, **fixed)[0]


# Spectra -----------------------------------------------------------------------------------------


def lines(ion: str, sample: ParameterSet, channel: str = "xas") -> tuple[np.ndarray, np.ndarray]:
    """Return energies and strengths, equal energies joined, lines of no strength left out."""
    found = Multiplet(ion=ion, channels=(channel,)).sticks(sample)
    energy, strength = found.energy, found.strength[channel]
    group = np.concatenate([[0], np.cumsum(np.diff(energy) > 1e-8)])
    sums = np.bincount(group, strength)
    keep = sums > 1e-9
    return np.array([energy[group == g][0] for g in np.flatnonzero(keep)]), sums[keep]


def test_ti4_free_ion_and_cubic_field() -> None:
    # ¹P, ³P and ³D mix to three lines; a cubic field lets seven T1u states absorb.
    free = {"Dq": 0.0, "Ds": 0.0, "Dt": 0.0, "S1": 1.0, "S2": 1.0}
    energy, strength = lines("Ti4+", one(**free))
    assert len(energy) == 3
    assert strength.sum() == pytest.approx(4 / 3)
    energy, strength = lines("Ti4+", one(**(free | {"Dq": 0.18})))
    assert len(energy) == 7
    assert strength.sum() == pytest.approx(4 / 3)


@pytest.mark.parametrize("ion", ["Ti3+", "Cr3+", "Fe3+", "Co2+"])
def test_branching_ratio_becomes_statistical(ion: str) -> None:
    # L3/(L3 + L2) → 2/3 as the interactions of the core hole vanish and all states absorb: what is
    # left, 0.6 % at most, is the spin–orbit coupling of the 3d shell.
    shares = []
    for scale in (1.0, 0.01):
        free = {"S1": scale, "S2": scale, "Dq": 0.0, "Ds": 0.0, "Dt": 0.0, "T": 1e5}
        energy, strength = lines(ion, one(**free))
        shares.append(strength[energy < ion_named(ion).border].sum() / strength.sum())
    errors = np.abs(np.array(shares) - 2 / 3)
    assert errors[-1] < 0.006
    assert errors[0] > 3 * errors[-1]


def test_branching_ratio_without_multiplets() -> None:
    # No Coulomb coupling: 2p3/2 and 2p1/2 absorb 2 : 1, three halves of ζ2p apart. The small ζ3d
    # only spreads each of them.
    sample = one(S1=0.0, S2=0.0, Dq=0.0, Ds=0.0, Dt=0.0)
    ion = ion_named("Ti4+")
    energy, strength = lines("Ti4+", sample)
    low = energy < ion.border
    assert strength[low].sum() / strength[~low].sum() == pytest.approx(2)
    centres = [np.average(energy[side], weights=strength[side]) for side in (low, ~low)]
    assert centres[1] - centres[0] == pytest.approx(1.5 * ion.final["zeta2p"], abs=0.1)
    assert centres[0] == pytest.approx(ion.edge, abs=0.05)
    assert ion.border == pytest.approx(np.mean(centres), abs=0.05)


@pytest.mark.parametrize("ion", ["Ti4+", "Ti3+", "V3+", "Cr3+", "Mn2+", "Fe2+", "Co2+", "Ni2+"])
def test_sum_rule(ion: str) -> None:
    # Σ strength = 2/15 for each hole, whatever the Hamiltonian.
    holes = 10 - ion_named(ion).electrons
    for seed in (1, 2):
        found = Multiplet(ion=ion, channels=ALL).sticks(one(seed))
        assert found.strength["xas"].sum() == pytest.approx(2 / 15 * holes, rel=1e-8)
        polarised = sum(found.strength[c].sum() for c in ALL[1:])
        assert polarised == pytest.approx(0.4 * holes, rel=1e-8)


@pytest.mark.parametrize("ion", ["V3+", "Co2+", "Ni2+"])
def test_cubic_field_has_no_dichroism(ion: str) -> None:
    # x and z meet in other blocks and other transitions: nothing but physics makes them equal.
    spectrum = Multiplet(ion=ion, channels=ALL).generate(one(3, Ds=0.0, Dt=0.0, T=50.0))
    for channel in ALL[1:]:
        close(spectrum.channels[channel], spectrum.channels["xas"], 1e-7)


def unblocked(ion_name: str, sample: ParameterSet) -> tuple[np.ndarray, np.ndarray]:
    """Return energies and isotropic strengths without symmetry, from whole matrices."""
    ion, v = ion_named(ion_name), sample.values
    ground = Configuration(6, ion.electrons)
    excited = Configuration(5, ion.electrons + 1)
    solved = []
    for configuration, integrals in ((ground, ion.initial), (excited, ion.final)):
        scale = {"F": v["S1"], "G": v["S2"], "z": 1.0}
        factors = {k: scale[k[0]] * x for k, x in integrals.items()}
        factors |= {k: v[k] for k in ("Dq", "Ds", "Dt")}
        terms = configuration.terms()
        whole = sum(factors[name] * term.toarray() for name, term in terms.items())
        solved.append(np.linalg.eigh(whole))
    (below, initial), (above, final) = solved
    weight = np.exp(-(below - below[0]) / (BOLTZMANN * v["T"]))
    weight /= weight.sum()
    strength = sum((final.T @ transition(ground, q) @ initial) ** 2 for q in (-1, 0, 1)) / 3
    return (above[:, None] - below + ion.origin).ravel(), (strength * weight).ravel()


def voigt(
    energy: np.ndarray, strength: np.ndarray, border: float, grid: Grid, sample: ParameterSet
) -> np.ndarray:
    """Return the sum of Voigt profiles, one by one."""
    v, total = sample.values, np.zeros(grid.count)
    for side, gamma in ((energy < border, v["gamma1"]), (energy >= border, v["gamma2"])):
        x = grid.energies[:, None] - energy[side]
        if v["sigma"] == 0:
            profile = gamma / (2 * np.pi) / (x**2 + gamma**2 / 4)
        else:
            scale = v["sigma"] * np.sqrt(2)
            profile = wofz((x + 0.5j * gamma) / scale).real / (scale * np.sqrt(np.pi))
        total += profile @ strength[side]
    return total


@pytest.mark.parametrize("ion", ["Ti4+", "Ti3+", "Ti2+", "Co2+", "Ni2+"])
def test_against_whole_matrices(ion: str) -> None:
    for seed in (4, 5):
        sample = one(seed)
        energy, strength = unblocked(ion, sample)
        keep = strength > 1e-14
        generator = Multiplet(ion=ion)
        border = ion_named(ion).border
        wanted = voigt(energy[keep], strength[keep], border, window(generator.config), sample)
        found = generator.generate(sample).channels["xas"]
        assert np.abs(found - wanted).max() <= 1e-7 * wanted.max()


@given(
    sigma=st.just(0.0) | st.floats(0.01, 0.5),
    gamma1=st.floats(0.02, 2.0),
    gamma2=st.floats(0.02, 2.0),
    start=st.floats(400, 900),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=15)
def test_broadening(sigma: float, gamma1: float, gamma2: float, start: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = Grid(start, 0.06, 301)
    energy = rng.uniform(start - 5, start + 25, 40)
    strength = rng.exponential(size=40)
    sample = ParameterSet("any", {"sigma": sigma, "gamma1": gamma1, "gamma2": gamma2})
    widths = {name: np.array([value]) for name, value in sample.values.items()}
    found = broaden(np, Lines(energy[None], strength[None], start + 9), grid, widths)
    wanted = voigt(energy, strength, start + 9, grid, sample)
    assert np.abs(found[0] - wanted).max() <= 3e-7 * wanted.max()


@pytest.mark.parametrize("ion", ["Ni2+", "Co2+"])
def test_batches_change_no_bit(ion: str) -> None:
    samples = published(5, 6)
    generator = Multiplet(ion=ion)
    together = generator.generate_many(samples)
    for i, spectrum in enumerate(together):
        same(spectrum.channels["xas"], generator.generate(samples[i]).channels["xas"])
    for spectrum, i in zip(generator.generate_many(samples[3:]), (3, 4), strict=True):
        same(spectrum.channels["xas"], together[i].channels["xas"])


@pytest.mark.parametrize("ion", ["Ni2+", "Cr3+"])
def test_spectra_that_share_their_sticks_change_no_bit(ion: str) -> None:
    """Rows that differ in widths share sticks, those in temperature too share levels."""
    first = published(3, seed=9)
    values = np.repeat(first.values, 4, axis=0)
    names = list(first.names)
    values[1::4, names.index("sigma")] *= 1.1
    values[2::4, names.index("T")] += 20.0
    values[3::4, names.index("gamma1")] *= 1.2
    values = values[np.random.default_rng(0).permutation(len(values))]
    ids = [str(i) for i in range(len(values))]
    many = Parameters(ids, values, names, first.units)
    generator = Multiplet(ion=ion)
    for sample, spectrum in zip(many, generator.generate_many(many), strict=True):
        alone = generator.generate(sample).channels["xas"]
        assert np.array_equal(spectrum.channels["xas"], alone)


@pytest.mark.parametrize("ion", ["Ni2+", "V3+"])
def test_torch_computes_the_same(ion: str) -> None:
    samples = published(3, 7)
    by_torch = Solver(ion_named(ion), "cpu")
    parameters = {name: by_torch.array(samples.values[:, i]) for i, name in enumerate(PARAMETERS)}
    sticks = by_torch.solve(parameters)
    generator = Multiplet(ion=ion)
    grid, species = window(generator.config), by_torch.ion
    lines = Lines(
        sticks.energy + species.origin, (sticks.along + sticks.across) / 3, species.border
    )
    found = broaden(by_torch.xp, lines, grid, parameters).numpy()
    for spectrum, row in zip(generator.generate_many(samples), found, strict=True):
        close(row, spectrum.channels["xas"], 1e-8)


@pytest.mark.parametrize("ion", ["Cr3+", "Mn2+", "Co2+", "Ni2+"])
def test_low_temperature(ion: str) -> None:
    # Only the ground level absorbs: the spectrum stops changing with T, and nothing overflows.
    generator, sample = Multiplet(ion=ion), one(2)

    def at(kelvin: float) -> ParameterSet:
        return ParameterSet("it", {**sample.values, "T": kelvin})

    cold, colder, hot = (generator.generate(at(t)).channels["xas"] for t in (1e-2, 1e-3, 1e5))
    close(cold, colder, 1e-12)
    assert np.abs(hot - cold).max() > 0.01 * cold.max()


@pytest.mark.parametrize("ion", ["V3+", "Co2+", "Ni2+"])
def test_spectra_are_continuous_in_every_parameter(ion: str) -> None:
    # A step a tenth as long changes a spectrum a tenth as much, levels and populations included.
    generator, sample = Multiplet(ion=ion), one(5, T=300.0)
    spectrum = generator.generate(sample).channels["xas"]
    for name, low, high in zip(PARAMETERS, LOW, HIGH, strict=True):
        changes = []
        for step in (1e-4, 1e-5):
            moved = {**sample.values, name: sample.values[name] + step * (high - low)}
            changes.append(generator.generate(ParameterSet("it", moved)).channels["xas"] - spectrum)
        close(10 * changes[1], changes[0], 0.02)
        assert np.abs(changes[0]).max() < 0.01 * spectrum.max(), name


def test_window() -> None:
    grid = Multiplet(ion="Ni2+").grids()["xas"]
    assert len(grid) == 501
    assert (grid[0], grid[-1]) == (pytest.approx(847.7), pytest.approx(877.7))
    assert np.diff(grid) == pytest.approx(0.06)


# Bad input ---------------------------------------------------------------------------------------


def test_unknown_ion() -> None:
    with refuses(ConfigError, "Ni9+", "Ti2+", "Ni4+"):
        Multiplet(ion="Ni9+")
    with refuses(ConfigError, "Ni9+", "Ti2+", "Ni4+"):
        ion_named("Ni9+")


def test_ions_of_settings_and_table_agree() -> None:
    names = Multiplet.Config.model_json_schema()["properties"]["ion"]["enum"]
    for name in names:
        ion = ion_named(name)
        element = ["Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"].index(name[:-2])
        assert ion.electrons == element + 4 - int(name[-2])  # the 3d and 4s electrons left
        assert set(ion.initial) < set(ion.final)
    assert len(names) == 24


@pytest.mark.parametrize(
    ("name", "value"),
    [("T", 0.0), ("T", -3.0), ("sigma", -0.1), ("gamma1", 0.0), ("gamma2", -1.0), ("S1", -0.2),
     ("Dq", np.inf), ("Dt", 50.0)],
)  # fmt: skip
def test_value_out_of_range(name: str, value: float) -> None:
    with refuses(SampleError, "set-0", name):
        Multiplet().generate(one(**{name: value}))


def test_wrong_names_and_units() -> None:
    good = one().values
    with refuses(SampleError, "row-7", "gamma2"):
        Multiplet().generate(
            ParameterSet("row-7", {k: v for k, v in good.items() if k != "gamma2"})
        )
    with refuses(SampleError, "row-7", "gama1", "did you mean 'gamma1'"):
        Multiplet().generate(ParameterSet("row-7", {**good, "gama1": 0.3}))
    table = published(2)
    units = ["meV" if unit == "eV" else unit for unit in table.units]
    with refuses(ConfigError, "Dq", "meV", "eV"):
        Multiplet().generate_many(Parameters(table.ids, table.values, table.names, units))


def test_no_gpu() -> None:
    generator = Multiplet(device="cuda:63")
    assert "cuda:63" in generator.available().reason
    with refuses(ConfigError, "cuda:63", "cpu"):
        generator.generate(one())
