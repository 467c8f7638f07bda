"""Normalisation of measured edges against the stored numbers of larch, and its neighbours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.core.interfaces import Curves
from xreg.core.measured.normalisation import Ranges, find_e0, normalise
from xreg.plugins.processing.edges import AlignTo, Calibrate, EdgeStep
from xreg.plugins.processing.repair import Deglitch
from xreg.workbench.process.process import ProcessingRecipe, process_dataset

# Made by benchmarks/larch_normalisation.py.
LARCH = np.load(Path(__file__).parent / "larch" / "pre_edge.npz")
CASES = sorted(name.removesuffix(".norm") for name in LARCH.files if name.endswith(".norm"))


def ranges(told: dict) -> Ranges:
    post = (told["norm1"], told.get("norm2", 1e9)) if "norm1" in told else None
    pre = (told["pre1"], told["pre2"]) if "pre1" in told else None
    return Ranges(pre, post, told.get("npre", 1), told.get("nnorm"), told.get("nvict", 0))


def curves(energy: np.ndarray, *spectra: np.ndarray, absorber: int = 26) -> Curves:
    n = len(spectra)
    ids = np.array([f"s{i}" for i in range(n)])
    return Curves(energy, np.zeros(n), np.stack(spectra), ids, {}, np.full(n, absorber, np.int32))


@pytest.mark.parametrize("case", CASES)
def test_numbers_of_larch(case: str) -> None:
    energy, mu = LARCH[f"{case}.energy"], LARCH[f"{case}.mu"]
    told = json.loads(str(LARCH[f"{case}.settings"]))
    e0, step, found = LARCH[f"{case}.numbers"]
    assert find_e0(energy, mu) == pytest.approx(found, abs=1e-9)
    made = normalise(energy, mu, ranges(told), e0=told.get("e0"), step=told.get("step"))
    assert made.e0 == pytest.approx(e0, abs=1e-9)
    assert made.step == pytest.approx(step, rel=1e-9)
    for name, values in (
        ("norm", made.norm),
        ("flat", made.flat),
        ("pre_edge", made.below),
        ("post_edge", made.above),
    ):
        np.testing.assert_allclose(values, LARCH[f"{case}.{name}"], atol=1e-9, err_msg=name)


def test_the_step_gives_the_same_with_each_sample_on_energies_of_its_own() -> None:
    energy, mu = LARCH["fe.energy"], LARCH["fe.mu"]
    given = curves(energy - 1.5, mu, 2 * mu)
    given = Curves(given.grid, np.full(2, 1.5), given.intensity, given.ids, {}, given.absorbers)
    made = EdgeStep().apply(given)
    for row in made.intensity:
        np.testing.assert_allclose(row, LARCH["fe.flat"], atol=1e-9)
    e0, unit = made.found["e0"]
    np.testing.assert_allclose(e0, LARCH["fe.numbers"][0])
    assert unit == "eV"
    steps, _ = made.found["edge_step"]
    np.testing.assert_allclose(steps, LARCH["fe.numbers"][1] * np.array([1, 2]))
    norm = EdgeStep(flatten=False).apply(given).intensity[0]
    np.testing.assert_allclose(norm, LARCH["fe.norm"], atol=1e-9)


def test_what_has_no_edge_is_told() -> None:
    energy, mu = LARCH["fe.energy"], LARCH["fe.mu"]
    with pytest.raises(DataError, match=r"sample 's0': its edge at 7112 eV is -.* high"):
        EdgeStep(e0=7112.0).apply(curves(energy, -mu))
    with pytest.raises(DataError, match=r"E0 = 9000 eV is outside of its energies"):
        EdgeStep(e0=9000.0).apply(curves(energy, mu))
    with pytest.raises(DataError, match="too few"):
        find_e0(energy[:5], mu[:5])


def test_shifts_of_larch() -> None:
    energy, mu, shifts = (LARCH[f"align.{name}"] for name in ("energy", "mu", "shifts"))
    given = curves(energy, mu, *((1 + 0.1 * i) * mu for i in range(len(shifts))))
    offset = np.concatenate([[0.0], -np.array([-1.3, 0.0, 0.4, 2.7])])
    made = AlignTo(reference="s0").apply(replace(given, offset=offset))
    found, unit = made.found["shift"]
    np.testing.assert_allclose(found, [0, *shifts], atol=1e-6)
    np.testing.assert_allclose(made.offset, 0, atol=1e-6)
    assert unit == "eV"


def test_a_smooth_spectrum_is_moved_back_exactly() -> None:
    even = np.arange(7050.0, 7250.0, 0.25)

    def edge(at: float) -> np.ndarray:
        return 0.5 + np.arctan((even - at) / 2) / np.pi

    made = AlignTo(reference="s0").apply(curves(even, edge(7112.0), 3 * edge(7113.37)))
    assert made.offset[1] == pytest.approx(-1.37, abs=1e-3)
    with pytest.raises(DataError, match="would move by more than 1 eV"):
        AlignTo(reference="s0", limit=1).apply(curves(even, edge(7112.0), edge(7117.0)))
    with pytest.raises(ConfigError, match="no sample 'S0'"):
        AlignTo(reference="S0").apply(curves(even, edge(7112.0)))


def test_calibration_moves_all_by_one_shift() -> None:
    even = np.arange(7050.0, 7250.0, 0.25)
    foil, rust = (0.5 + np.arctan((even - at) / 2) / np.pi for at in (7114.0, 7125.0))
    made = Calibrate(reference="s0").apply(curves(even, foil, rust))
    np.testing.assert_allclose(made.offset, [-2.0, -2.0], atol=0.13)  # half a step
    assert made.offset[0] == made.offset[1]
    made = Calibrate(reference="s1", to=7125.25).apply(curves(even, foil, rust))
    np.testing.assert_allclose(made.offset, [0.25, 0.25], atol=0.13)


def test_glitches_are_replaced_and_nothing_else() -> None:
    energy, mu = LARCH["fe-noisy.energy"], LARCH["fe-noisy.mu"]
    spoilt = mu.copy()
    at = [int(np.abs(energy - e).argmin()) for e in (7010.0, 7300.0, 7400.0)]
    spoilt[at] += [0.3, -0.2, 0.4]
    made = Deglitch(threshold=12).apply(curves(energy, spoilt, mu))
    count, _ = made.found["glitches"]
    assert count.tolist() == [3, 0]
    np.testing.assert_array_equal(made.intensity[1], mu)
    others = np.delete(np.arange(len(mu)), at)
    np.testing.assert_array_equal(made.intensity[0, others], mu[others])
    np.testing.assert_allclose(made.intensity[0, at], mu[at], atol=0.02)
    cut = Deglitch(windows=((7299.0, 7302.0),)).apply(curves(energy, mu))
    assert cut.found["glitches"][0][0] == ((energy >= 7299) & (energy <= 7302)).sum() > 0
    with pytest.raises(DataError, match="at the end of its energies"):
        Deglitch(windows=((0.0, energy[0]),)).apply(curves(energy, mu))
    with pytest.raises(DataError, match="would lose"):
        Deglitch(windows=((7050.0, 7500.0),)).apply(curves(energy, mu))


def test_what_steps_find_becomes_labels_and_is_replaced_by_the_next_processing() -> None:
    energy, mu = LARCH["fe.energy"], LARCH["fe.mu"]
    raw = Channel(np.stack([mu, 2 * mu]), energy, (), "arb. u.")
    samples = Specimens(["a", "b"], absorber=[26, 26])
    dataset = Dataset(samples, Spectra({"raw": raw}), Metadata(name="fe", version="1.0.0"))
    recipe = ProcessingRecipe.parse(
        {"processing": {"norm": {"source": "raw", "steps": [{"name": "edge-step"}]}}}, "it"
    )
    once = process_dataset(dataset, recipe.processing)
    twice = process_dataset(once, recipe.processing)
    for made in (once, twice):
        assert set(made.labels) == {"norm.e0", "norm.edge_step"}
        assert dict(made.label_units) == {"norm.e0": "eV"}
        np.testing.assert_allclose(made.labels["norm.edge_step"][1], 2 * LARCH["fe.numbers"][1])
        recorded = made.metadata.provenance["processing"]["norm"]
        assert recorded["found"] == ["norm.e0", "norm.edge_step"]
        assert recorded["steps"][0]["flatten"] is True
        np.testing.assert_allclose(made.spectra["norm"].intensity[0], LARCH["fe.flat"], atol=1e-9)
