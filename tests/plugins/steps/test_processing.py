"""Steps from raw spectra to those of a dataset, against integrals, FDMNES' formula and by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from xreg.core.atoms.edges import edge_of
from xreg.core.data.broadening import arctangent_width, gaussian_matrix, lorentzian_matrix
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError
from xreg.core.interfaces.step import Curves
from xreg.workbench.process.steps import ProcessedChannel, apply_steps, process

GRID = np.concatenate([np.arange(-15, 5, 0.5), np.arange(5, 60, 1.5)])


def steps(*items: dict[str, Any]) -> tuple[Any, ...]:
    return ProcessedChannel.parse({"steps": items}, "test").built("test")


def curves(n: int = 3, absorbers: tuple[int, ...] | None = None, **labels: Any) -> Curves:
    """Edges of arctangent shape, each a little later and higher than the one before."""
    shift, height = 0.7 * np.arange(n)[:, None], 1 + 0.2 * np.arange(n)[:, None]
    mu = height * (0.5 + np.arctan((GRID - 2 - shift) / 0.6) / np.pi)
    return Curves(
        GRID,
        np.zeros(n),
        mu,
        np.array([f"s{i}" for i in range(n)]),
        {name: np.asarray(values) for name, values in labels.items()},
        None if absorbers is None else np.array(absorbers, np.int32),
    )


def lorentzian(x: float, width: float) -> float:
    return width / 2 / np.pi / (x**2 + width**2 / 4)


# Edges --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "edge", "energy", "width"),
    [
        ("Fe", "K", 7112.0, 1.25),  # Krause and Oliver 1979; X-ray Data Booklet
        ("Cu", "K", 8979.0, 1.55),
        ("S", "K", 2472.0, 0.59),
        ("Ti", "K", 4966.0, 0.94),
        ("Fe", "L3", 706.8, 0.36),
    ],
)
def test_edges(symbol: str, edge: str, energy: float, width: float) -> None:
    found = edge_of(symbol, edge)
    assert (found.energy, found.width) == (energy, width)


def test_no_edge() -> None:
    with pytest.raises(DataError, match="O has no M5 edge, only K, L1"):
        edge_of("O", "M5")


# Broadening ---------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(st.integers(3, 12), st.floats(0.1, 5), st.booleans(), st.integers(0, 2**16))
def test_lorentzian_is_the_integral(count: int, width: float, below: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.cumsum(rng.uniform(0.1, 3, count)), rng.random(count)
    at = float(rng.uniform(x[0] - 2, x[-1] + 2))

    def inside(e: float) -> float:
        return float(np.interp(e, x, y)) * lorentzian(e - at, width)

    wanted = sum(quad(inside, a, b, points=[at] if a < at < b else None)[0] for a, b in pairwise(x))
    wanted += y[-1] * quad(lambda e: lorentzian(e - at, width), x[-1], np.inf)[0]
    if below:
        wanted += y[0] * quad(lambda e: lorentzian(e - at, width), -np.inf, x[0])[0]
    matrix = lorentzian_matrix(x, np.array([at]), np.array([width]), below=below)
    assert matrix @ y == pytest.approx(wanted, abs=1e-7)


@settings(max_examples=10)
@given(st.integers(3, 12), st.floats(0.2, 5), st.integers(0, 2**16))
def test_gaussian_is_the_integral(count: int, width: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = np.cumsum(rng.uniform(0.1, 3, count)), rng.random(count)
    at = float(rng.uniform(x[0] - 2, x[-1] + 2))
    kernel = norm(at, width / np.sqrt(8 * np.log(2)))
    fine = np.union1d(x, np.linspace(x[0], x[-1], 20_001))
    wanted = np.trapezoid(np.interp(fine, x, y) * kernel.pdf(fine), fine)
    wanted += y[0] * kernel.cdf(x[0]) + y[-1] * kernel.sf(x[-1])
    assert gaussian_matrix(x, np.array([at]), width) @ y == pytest.approx(wanted, abs=1e-5)


def test_gaussians_add_in_the_square_of_their_widths() -> None:
    grid = np.linspace(0, 40, 401)
    line = norm(20, 1.0 / np.sqrt(8 * np.log(2))).pdf(grid)
    given = Curves(grid, np.zeros(1), line[None], np.array("s")[None], {})
    broad = apply_steps(given, steps({"name": "gaussian", "width": 2.0})).intensity[0]
    wanted = norm(20, np.sqrt(5.0) / np.sqrt(8 * np.log(2))).pdf(grid)
    np.testing.assert_allclose(broad, wanted, atol=1e-3)


def test_lorentzian_of_a_constant_is_the_constant() -> None:
    matrix = lorentzian_matrix(GRID, GRID, np.full(len(GRID), 1.25))
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)


def test_lorentzian_widens_an_arctangent_by_its_width() -> None:
    """The arctangent of width a, broadened by b, is the arctangent of width a + b."""
    fine = np.sinh(np.linspace(-9, 9, 1201)) / 10  # closest at the edge, and far beyond it
    edge = Curves(
        fine, np.zeros(1), (0.5 + np.arctan(fine / 0.5) / np.pi)[None], np.array("s")[None], {}
    )
    broad = apply_steps(edge, steps({"name": "lorentzian", "width": 1.25})).intensity[0]
    middle = np.abs(fine) < 20
    wanted = 0.5 + np.arctan(fine / 1.125) / np.pi
    np.testing.assert_allclose(broad[middle], wanted[middle], atol=2e-3)


def test_width_is_that_of_each_absorber() -> None:
    made = apply_steps(curves(2, (26, 29)), steps({"name": "lorentzian"})).intensity
    for i, width in enumerate((1.25, 1.55)):
        given = apply_steps(curves(2), steps({"name": "lorentzian", "width": width})).intensity
        np.testing.assert_allclose(made[i], given[i], rtol=1e-12)


# Energies and widths as FDMNES itself printed them for Fe K (Fermi level at -2 eV, hole 1.25 eV).
PRINTED = {-2.0: 1.250, 0.0: 1.291, 5.0: 1.751, 10.0: 2.757, 20.0: 6.206, 30.0: 9.218, 60.0: 12.401}


def test_arctangent_width_is_that_of_fdmnes() -> None:
    energy = np.array(list(PRINTED)) + 2
    found = arctangent_width(energy, 1.25, 15.0, 30.0, 30.0)
    np.testing.assert_allclose(found, list(PRINTED.values()), atol=5e-4)


def test_arctangent_leaves_occupied_states_out() -> None:
    flat = curves(1)
    flat.intensity[:] = 1.0
    step = {"name": "arctangent", "width": 1.25, "gamma_max": 0, "fermi": 1.3}
    made = apply_steps(flat, steps(step)).intensity[0]
    np.testing.assert_allclose(made, 0.5 + np.arctan((GRID - 1.3) / 0.625) / np.pi, atol=1e-12)
    kept = apply_steps(flat, steps({**step, "occupied": True})).intensity[0]
    np.testing.assert_allclose(kept, 1, atol=1e-12)


def test_fermi_level_of_a_label() -> None:
    step = {"name": "arctangent", "width": 1.25}
    made = apply_steps(curves(2, fermi=[0.5, 1.0]), steps({**step, "fermi": "fermi"})).intensity
    for i, fermi in enumerate((0.5, 1.0)):
        given = apply_steps(curves(2), steps({**step, "fermi": fermi})).intensity
        np.testing.assert_array_equal(made[i], given[i])


def test_fermi_level_moves_with_the_energies() -> None:
    step = {"name": "arctangent", "width": 1.25}
    here = apply_steps(curves(), steps({**step, "fermi": 0.5}))
    there = apply_steps(curves(), steps({"name": "shift", "by": 7112}, {**step, "fermi": 7112.5}))
    np.testing.assert_array_equal(here.intensity, there.intensity)


# Energies -----------------------------------------------------------------------------------------

WINDOW = {"name": "resample", "first": -5, "last": 30, "points": 36}


def test_shift_by_a_label_and_resampling() -> None:
    edges = curves(3, e=[1.0, 2.0, 3.5])
    made = apply_steps(
        edges, steps({"name": "shift", "label": "e", "by": 100}, {**WINDOW, "about": 102})
    )
    np.testing.assert_allclose(made.grid, 97 + np.arange(36))
    # A chemical shift stays: 0.7 eV from one sample to the next, and the label on top of it.
    found = [np.interp(0.5 * y[-1], y, made.grid) for y in made.intensity]
    np.testing.assert_allclose(np.diff(found), [1.7, 2.2], atol=0.1)


def test_energies_of_their_own_are_refused() -> None:
    with pytest.raises(ConfigError, match="end with a resample step"):
        apply_steps(curves(2, e=[0.0, 1.0]), steps({"name": "shift", "label": "e"}))


@pytest.mark.parametrize("by", ["steepest", "half-height"])
def test_alignment(by: str) -> None:
    align = {"name": "align", "by": by, "to": 7112.0}
    each = apply_steps(curves(), steps({**align, "each": True}, {**WINDOW, "about": 7112}))
    places = [np.interp(0.5 * y[-1], y, each.grid) for y in each.intensity]
    np.testing.assert_allclose(places, 7112, atol=0.3)
    together = apply_steps(curves(), steps(align, {**WINDOW, "about": 7112}))
    places = [np.interp(0.5 * y[-1], y, together.grid) for y in together.intensity]
    np.testing.assert_allclose(np.diff(places), 0.7, atol=0.15)
    assert np.mean(places) == pytest.approx(7112, abs=0.4)


@pytest.mark.parametrize("by", ["steepest", "half-height"])
def test_alignment_passes_a_steep_pre_edge(by: str) -> None:
    spectrum = curves(1)
    spectrum.intensity[0, np.isclose(GRID, -4)] += 2
    align = {"name": "align", "by": by, "to": 7112.0, "each": True}
    shift = {"name": "shift", "by": 7000}
    found = apply_steps(spectrum, steps(shift, {**align, "after": 6998}))
    whole = apply_steps(curves(1), steps(shift, align))
    assert found.offset[0] == pytest.approx(whole.offset[0], abs=0.2)
    assert apply_steps(spectrum, steps(shift, align)).offset[0] > found.offset[0] + 3
    with pytest.raises(DataError, match="sample 's0' does not rise"):
        apply_steps(spectrum, steps(shift, {**align, "after": 7058.9}))


def bands(*middles: float) -> Curves:
    """Return two bands, the smaller 12 eV below the larger, in the middle of each spectrum."""
    x = np.arange(-30.0, 10.1, 0.25)
    rows = [
        np.exp(-(((x - m) / 2.5) ** 2)) + 0.3 * np.exp(-(((x - m + 12) / 2) ** 2)) for m in middles
    ]
    return replace(
        curves(len(middles)), grid=x, offset=np.zeros(len(middles)), intensity=np.array(rows)
    )


def test_alignment_of_a_band() -> None:
    align = {"name": "align", "by": "band", "to": 11101.0, "each": True}
    for middle in (-8.0, -7.63, -9.1):
        made = apply_steps(bands(middle), steps(align))
        assert made.offset[0] == pytest.approx(11101 - middle, abs=0.01)
    high = bands(-8.0)
    high.intensity[0] *= np.where(high.grid < -14, 5.0, 1.0)  # the other band is the higher one
    found = apply_steps(high, steps({**align, "after": -12.0, "reach": 4.0}))
    assert found.offset[0] == pytest.approx(11109.0, abs=0.01)
    assert apply_steps(high, steps({**align, "reach": 4.0})).offset[0] > 11120


def test_bands_that_cannot_be_aligned() -> None:
    align = {"name": "align", "by": "band", "to": 0.0, "each": True}
    with pytest.raises(DataError, match="sample 's0' has a band that reaches beyond its energies"):
        apply_steps(bands(7.0), steps(align))
    with pytest.raises(DataError, match="sample 's0' has no energies where its band is looked for"):
        apply_steps(bands(-8.0), steps({**align, "after": 60.0}))
    flat = bands(-8.0)
    flat.intensity[0] = 0.0
    with pytest.raises(DataError, match="sample 's0' has no band within 5 eV"):
        apply_steps(flat, steps({**align, "after": -15.0}))


def test_alignment_to_the_table() -> None:
    made = apply_steps(curves(1, (26,)), steps({"name": "align", "each": True}))
    y = made.intensity[0]
    assert np.interp(0.5 * y[-1], y, made.grid + made.offset[0]) == pytest.approx(7112, abs=0.3)


def test_resampling_keeps_what_it_hits_and_adds_no_ripples() -> None:
    spectrum = curves(1)
    step = {"name": "resample", "first": -15, "last": 59, "points": 741}
    made = apply_steps(spectrum, steps(step))
    hits = np.isin(np.round(made.grid, 6), np.round(GRID, 6))
    np.testing.assert_allclose(made.intensity[0][hits], spectrum.intensity[0], atol=1e-12)
    assert (np.diff(made.intensity[0]) >= -1e-12).all()


def test_resampling_beyond_the_energies() -> None:
    step = {"name": "resample", "first": -20, "last": 59, "points": 80}
    with pytest.raises(DataError, match=r"step 1 \(resample\): sample 's0' has energies -15…59"):
        apply_steps(curves(), steps(step))
    made = apply_steps(curves(), steps({**step, "hold_ends": 5.0})).intensity
    np.testing.assert_array_equal(made[:, 0], curves().intensity[:, 0])


def test_coarsening_keeps_the_integral() -> None:
    # Channels whose edges fall between points, of spectra with energies of their own.
    moved = apply_steps(
        curves(3, e=[0.0, 0.3, 0.55]),
        steps(
            {"name": "shift", "label": "e"},
            {"name": "coarsen", "first": -9.1, "last": 40.9, "channels": 16},
        ),
    )
    np.testing.assert_allclose(moved.grid, -9.1 + 3.125 * (np.arange(16) + 0.5))
    for y, e, coarse in zip(curves().intensity, (0.0, 0.3, 0.55), moved.intensity, strict=True):
        fine = np.linspace(-9.1, 40.9, 500_001)
        area = np.trapezoid(np.interp(fine, GRID + e, y), fine)
        assert coarse.sum() * 3.125 == pytest.approx(area, rel=1e-9)
    with pytest.raises(DataError, match=r"step 1 \(coarsen\): the window -20…5 eV leaves"):
        apply_steps(curves(), steps({"name": "coarsen", "first": -20, "last": 30, "channels": 2}))


# Intensities --------------------------------------------------------------------------------------


def test_edge_jump() -> None:
    step = {"name": "normalise", "pre": [-15, -10], "post": [40, 58]}
    made = apply_steps(curves(), steps(step))
    above = (made.grid >= 40) & (made.grid <= 58)
    np.testing.assert_allclose(made.intensity[:, above].mean(axis=1), 1, atol=2e-3)
    np.testing.assert_allclose(made.intensity[:, :10].mean(axis=1), 0, atol=2e-3)


def test_scale_of_the_mean_keeps_ratios() -> None:
    made = apply_steps(curves(), steps({"name": "normalise", "by": "maximum", "each": False}))
    tops = made.intensity.max(axis=1)
    assert tops.mean() == pytest.approx(1)
    np.testing.assert_allclose(tops / tops[0], [1, 1.2, 1.4], rtol=1e-2)


def test_window_outside() -> None:
    with pytest.raises(DataError, match="50…70 eV leaves the energies of sample 's0', -15…59 eV"):
        apply_steps(curves(), steps({"name": "normalise", "post": [50, 70]}))


def test_each_spectrum_in_its_own_box() -> None:
    before = curves().intensity
    made = apply_steps(curves(), steps({"name": "normalise", "by": "box"})).intensity
    for row, boxed in zip(before, made, strict=True):
        np.testing.assert_allclose(boxed, (row - row.min()) / (row.max() - row.min()))


def test_nothing_to_normalise() -> None:
    dark = curves(2)
    dark.intensity[1] = 0
    with pytest.raises(DataError, match="sample 's1' has a maximum of 0"):
        apply_steps(dark, steps({"name": "normalise", "by": "maximum"}))


# Requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"name": "normalise"}, "'edge-jump' needs it"),
        ({"name": "resample", "first": 5, "last": 1, "points": 5}, "first must be below last"),
        ({"name": "coarsen", "first": 5, "last": 1, "channels": 5}, "first must be below last"),
        ({"name": "lorentzian", "widht": 1}, "widht"),
        ({"name": "sharpen"}, "no step 'sharpen'"),
    ],
)
def test_bad_steps(bad: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, UnknownNameError), match=message):
        steps(bad)


def test_unknown_label() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'fermi'"):
        apply_steps(curves(fermi=[0.0, 0.0, 0.0]), steps({"name": "shift", "label": "fermy"}))


def test_channels_in_a_chain() -> None:
    """One channel may be made from another; raw ones are not touched."""
    frames = Structures(["a", "b"], np.array([26, 26]), np.zeros((2, 3)), [0, 1, 2], [0, 0])
    raw = curves(2).intensity
    before = raw.copy()
    recipe = {
        "broad": {"steps": [{"name": "lorentzian"}]},
        "xanes": {"source": "broad", "steps": [WINDOW]},
    }
    specs = {name: ProcessedChannel.parse(spec, name) for name, spec in recipe.items()}
    made = process(Spectra({"raw": Channel(raw, GRID)}), specs, frames, {})
    assert set(made) == {"broad", "xanes"}
    assert made["xanes"].intensity.shape == (2, 36)
    np.testing.assert_array_equal(raw, before)
    np.testing.assert_allclose(made["xanes"].intensity[:, 5], made["broad"].intensity[:, 30])
