"""Measured spectra found in a library: nearest references, probabilities, combinations, series."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from xreg.cli.app import app
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.specimens import Specimens
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError, UnknownNameError, XregError
from xreg.core.measured.spectrum import Measured
from xreg.workbench.match.candidates import candidates
from xreg.workbench.match.combination import combine
from xreg.workbench.match.library import Comparison, Library, broadened, noise_share
from xreg.workbench.match.nearest import nearest
from xreg.workbench.match.probability import calibrate
from xreg.workbench.match.series import components, resolve, target_tests

Array = NDArray[np.float64]
LARCH = json.loads(Path(__file__).with_name("larch.json").read_text())
GRID = np.arange(7100.0, 7180.0, 0.5)


def edges(count: int, seed: int = 0) -> Array:
    """Made-up normalised edges, all different."""
    rng = np.random.default_rng(seed)
    x = GRID - rng.uniform(7112, 7124, (count, 1))
    shape = 0.5 + np.arctan(x / 1.5) / np.pi
    for low, high, width in ((3, 8, 3.0), (-11, -6, 1.5), (15, 30, 6.0)):
        place, height = rng.uniform(low, high, (count, 1)), rng.uniform(0.05, 0.7, (count, 1))
        shape += height * np.exp(-(((x - place) / width) ** 2))
    return shape


@pytest.fixture(scope="module")
def library() -> Library:
    """Forty references in groups of two, of five kinds."""
    names = np.array([f"r{i}" for i in range(40)])
    labels = np.array(["abcde"[i % 5] for i in range(40)])
    return Library(names, GRID, edges(40), labels, np.arange(40) // 2)


def compare(library: Library, energy: Array, **settings: Any) -> Comparison:
    given = {"shift": (-3.0, 3.0), "broadening": 2.0, "scale": True, "offset": True} | settings
    return Comparison.between(library, energy, given.pop("window", None), **given)


def measured(y: Array, shift: float = 0.0, noise: float = 0.0, seed: int = 0) -> Measured:
    """A library spectrum as it would be measured on a grid of its own."""
    energy = np.arange(7106.0, 7174.0, 0.37)
    seen = np.interp(energy - shift, GRID, y)
    return Measured(energy, seen + np.random.default_rng(seed).normal(0, noise, len(energy)))


@pytest.mark.parametrize("row", [0, 17, 39])
def test_the_reference_is_found_with_its_shift_width_scale_and_offset(library, row):
    y = broadened(GRID, 1.2) @ library.intensity[row]
    spectrum = measured(2.5 * y - 0.4, shift=1.63)
    comparison = compare(library, spectrum.energy)
    misfit, place = comparison.misfits(spectrum.intensity[None])
    found = nearest(comparison, spectrum, misfit[0], place[0], 3)
    assert found[0].row == row
    assert found[0].misfit < 5e-3 < found[1].misfit
    assert found[0].shift == pytest.approx(1.63, abs=0.02)
    assert found[0].width == pytest.approx(1.2, abs=0.1)
    assert found[0].scale == pytest.approx(2.5, rel=0.01)
    assert found[0].offset == pytest.approx(-0.4, abs=0.02)
    assert np.abs(found[0].curve - spectrum.intensity[comparison.inside]).max() < 0.02


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("offset", [True, False])
def test_misfits_are_those_of_plain_least_squares(library, scale, offset):
    """Against one regression for each reference, shift and broadening."""
    spectrum = measured(1.1 * library.intensity[3] + 0.02, shift=0.5, noise=0.01)
    comparison = compare(library, GRID, shift=(-1.0, 1.0), scale=scale, offset=offset)
    y = np.interp(GRID, spectrum.energy, spectrum.intensity)
    misfit, place = comparison.misfits(y[None])
    nodes, roots = comparison._nodes
    weights = roots**2
    best = np.full(40, np.inf)
    for width in comparison.widths:
        curves = (broadened(GRID, width) @ library.intensity.T).T[:, np.isin(GRID, nodes)]
        for shift in comparison.shifts:
            q = np.interp(nodes + shift, GRID, y)
            spread = weights @ (q - weights @ q) ** 2
            for i, curve in enumerate(curves):
                columns = [curve] * scale + [np.ones_like(curve)] * offset
                target = q if scale else q - curve
                left = target
                if columns:
                    design = np.stack(columns, axis=1)
                    solved = np.linalg.lstsq(design * roots[:, None], target * roots, rcond=None)[0]
                    left = target - design @ solved
                best[i] = min(best[i], np.sqrt(weights @ left**2 / spread))
    assert misfit[0] == pytest.approx(best, abs=2e-3)
    assert 0 <= comparison.settings_at(place[0, 3])[1] <= 2.0


def test_probabilities_come_true(library):
    """Of many noisy spectra, answers of a stated probability are right so often."""
    comparison = compare(library, GRID)
    alone = Library(library.ids, GRID, library.intensity, None, library.groups)
    noisy = calibrate(compare(alone, GRID), 0.25, 200, 0)
    assert noisy.right.mean() == pytest.approx(noisy.stated.mean(), abs=0.1)
    assert noisy.null == 1 / 40
    clean = calibrate(compare(alone, GRID), 0.01, 80, 0)
    assert clean.right.mean() > 0.97
    assert clean.stated.mean() > 0.95
    assert clean.in_library(float(clean.own[0]))
    assert not clean.in_library(float(clean.apart[-1]))
    # Labels that mean nothing are not claimed to be known.
    kinds = calibrate(comparison, 0.01, 200, 0)
    assert kinds.stated.mean() < 0.3
    assert kinds.null == 0.2


def test_what_is_like_nothing_is_told(library):
    comparison = compare(library, GRID)
    calibration = calibrate(comparison, 0.01, 80, 0)
    strange = np.cos(GRID / 3)
    misfit, _ = comparison.misfits(strange[None])
    assert calibration.resemblance(float(misfit.min())) == 0.0
    own, _ = comparison.misfits(library.intensity[:1])
    assert calibration.resemblance(float(own.min())) == 1.0


def test_noise_is_estimated():
    rng = np.random.default_rng(1)
    y = edges(1)[0]
    values = [
        noise_share(Measured(GRID, y + rng.normal(0, 0.02, len(y))), np.full(len(y), True))
        for _ in range(20)
    ]
    assert np.median(values) == pytest.approx(0.02 / y.std(), rel=0.15)
    known = Measured(GRID, y, np.full(len(y), 0.05))
    assert noise_share(known, np.full(len(y), True)) == pytest.approx(0.05 / y.std())


@pytest.mark.parametrize("fit", LARCH["fits"], ids=lambda f: f"{'-'.join(f['references'])}")
def test_combinations_have_the_weights_and_errors_of_larch(fit):
    energy = np.array(LARCH["energy"])
    names = np.array(fit["references"])
    library = Library(names, energy, np.array([LARCH["references"][n] for n in names]))
    spectrum = Measured(energy, np.array(LARCH["mixture"]))
    comparison = compare(library, energy, shift=(0.0, 0.0), broadening=0.0)
    rows = np.arange(len(names))
    found = combine(comparison, spectrum, rows, len(names), sum_to_one=fit["sum_to_one"])
    whole = [one for one in found if len(one.rows) == len(names)]
    if min(fit["weights"].values()) < 0:
        assert not whole  # a smaller combination is the best allowed one
        return
    for row, weight, std in zip(whole[0].rows, whole[0].weights, whole[0].std, strict=True):
        assert weight == pytest.approx(fit["weights"][names[row]], abs=1e-6)
        assert std == pytest.approx(fit["std"][names[row]], rel=2e-3)
    assert whole[0].r_factor == pytest.approx(fit["r_factor"], rel=1e-6)
    assert whole[0].reduced_chi2 == pytest.approx(fit["reduced_chi2"], rel=1e-6)


@pytest.mark.parametrize(
    "weights", [{3: 0.6, 21: 0.4}, {8: 0.9, 30: 0.1}, {1: 0.3, 12: 0.3, 36: 0.4}]
)
def test_a_mixture_is_found_in_a_library_and_no_more_than_it(library, weights):
    y = sum(weight * library.intensity[row] for row, weight in weights.items())
    spectrum = measured(y, shift=-1.2, noise=1e-3)
    comparison = compare(library, spectrum.energy)
    misfit, place = comparison.misfits(spectrum.intensity[None])
    near = nearest(comparison, spectrum, misfit[0], place[0], 10)
    rows = candidates(comparison, spectrum, misfit[0], near, np.zeros(0, np.intp))
    best = combine(comparison, spectrum, rows, 3)[0]
    assert sorted(best.rows) == sorted(weights)
    for row, weight, std in zip(best.rows, best.weights, best.std, strict=True):
        assert weight == pytest.approx(weights[row], abs=max(5 * std, 0.01))
        assert std < 0.01
    assert best.shift == pytest.approx(-1.2, abs=0.05)


def test_a_series_has_its_components_shares_and_spectra():
    pure = edges(3, seed=5)
    steps = np.arange(20)
    first = np.exp(-steps / 4)
    last = 1 - np.exp(-steps / 12)
    shares = np.stack([first, 1 - first - np.maximum(last - 0.2, 0), np.maximum(last - 0.2, 0)], 1)
    shares = np.maximum(shares, 0) / np.maximum(shares, 0).sum(axis=1, keepdims=True)
    series = shares @ pure + np.random.default_rng(0).normal(0, 1e-3, (20, len(GRID)))
    found = components(series)
    assert found.count == 3
    assert found.real_error[2] == pytest.approx(1e-3, rel=0.1)
    tests = target_tests(found, np.vstack([pure, edges(2, seed=9)]))
    assert max(test.spoil for test in tests[:3]) < 3
    assert min(test.spoil for test in tests[3:]) > 6
    two = resolve(shares[:, :1] * pure[0] + (1 - shares[:, :1]) * pure[1], 2, closure=True, seed=0)
    assert two.lack_of_fit < 1e-3
    assert two.shares.sum(axis=1) == pytest.approx(1)
    assert (two.low <= two.shares + 1e-9).all()
    assert (two.high >= two.shares - 1e-9).all()
    # It begins with the pure spectrum, and its shares fall as they were made to.
    assert two.shares[:, 0] == pytest.approx(shares[:, 0], abs=0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"window": (7050.0, 7170.0)}, "not all of 7050"),
        ({"energy": np.arange(6900.0, 7120.0, 1.0)}, "not half of 6900"),
        ({"energy": np.arange(8900.0, 9000.0, 1.0)}, "take another library"),
        ({"energy": np.arange(7110.0, 7122.0, 0.5), "shift": (-5.0, 5.0)}, "at every shift"),
        ({"energy": np.arange(7120.0, 7160.0, 10.0)}, "only 4 measured points lie from 7120"),
    ],
)
def test_a_library_that_does_not_reach_so_far_is_told(library, settings, words):
    energy = settings.pop("energy", GRID)
    with pytest.raises(DataError, match=words):
        compare(library, energy, **settings).misfits(np.ones((1, len(energy))))


def test_references_of_that_name(library):
    assert library.rows_of(("r3", "r0")).tolist() == [3, 0]
    with pytest.raises(UnknownNameError, match=r"no reference 'r400' \(did you mean"):
        library.rows_of(("r400",))


@pytest.fixture(scope="module")
def store(library: Library, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The references as a dataset of specimens."""
    from xreg.registry.stores.writer import write_store

    dataset = Dataset(
        samples=Specimens(library.ids),
        spectra=Spectra({"xas": Channel(library.intensity, GRID)}),
        metadata=Metadata(name="edges", version="1.0.0"),
        labels={"kind": np.asarray(library.labels), "pair": library.groups},
    )
    return str(write_store(dataset, tmp_path_factory.mktemp("library") / "edges.zarr"))


def test_the_command_leaves_a_folder(library, store, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, share in enumerate((1.0, 0.7, 0.4, 0.1)):
        y = share * library.intensity[7] + (1 - share) * library.intensity[31]
        one = measured(y, shift=0.8, noise=1e-3, seed=number)
        np.savetxt(f"s{number}.dat", np.c_[one.energy, one.intensity], header="energy(eV) mu")
    arguments = ["match", *(f"s{i}.dat" for i in range(4)), "--library", store, "--combine", "2",
                 "--series", "-o", "found", "--shift", "-2:2", "--set", "simulated=40",
                 "--set", "nearest=4"]  # fmt: skip
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    table = json.loads(Path("found/match.json").read_text())
    assert [one["name"] for one in table["spectra"]] == [f"s{i}.dat" for i in range(4)]
    assert table["series"]["components"] == 2
    first, second = table["spectra"][:2]
    assert first["resembles"]
    assert first["probabilities"][0]["value"] == "r7"
    assert not second["resembles"]
    assert "most probably" not in shown.output.split("s1.dat")[1].split("s2.dat")[0]
    told = {part["reference"]: part["weight"] for part in second["combinations"][0]["weights"]}
    assert told == {"r7": pytest.approx(0.7, abs=0.01), "r31": pytest.approx(0.3, abs=0.01)}
    names = {path.name for path in Path("found").iterdir()}
    assert names >= {"match.json", "nearest.csv", "combinations.csv", "components.csv",
                     "shares.csv", "report.html", "recipe.yaml", "series.png"}  # fmt: skip
    rows = list(csv.reader(Path("found/nearest.csv").read_text().splitlines()))
    assert len(rows) == 1 + 4 * 4
    again = CliRunner().invoke(app, ["match", "found/recipe.yaml", "-o", "again"])
    assert again.exit_code == 0, again.output
    repeated = json.loads(Path("again/match.json").read_text())
    assert repeated["spectra"] == table["spectra"]


def test_a_store_of_measured_spectra_is_matched(library, store, tmp_path: Path, monkeypatch):
    """Here the library with itself: every spectrum is its own nearest, without shift or width."""
    monkeypatch.chdir(tmp_path)
    arguments = ["match", store, "--library", store, "--combine", "0", "-o", "found",
                 "--set", "nearest=1", "--set", "simulated=20"]  # fmt: skip
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    table = json.loads(Path("found/match.json").read_text())
    assert [one["nearest"][0]["reference"] for one in table["spectra"]] == library.ids.tolist()
    assert max(one["nearest"][0]["misfit"] for one in table["spectra"]) < 1e-3
    assert not Path("found/combinations.csv").exists()


def test_in_a_notebook(library, store, tmp_path: Path, monkeypatch):
    from xreg import api

    monkeypatch.chdir(tmp_path)
    one = measured(0.6 * library.intensity[7] + 0.4 * library.intensity[31], noise=1e-3)
    np.savetxt("s.dat", np.c_[one.energy, one.intensity], header="energy(eV) mu")
    asked = {"shift": [-1, 1], "combine": 2, "nearest": 2, "simulated": 20}
    found = api.match("s.dat", store, settings=asked)
    assert len(found.nearest) == 2
    assert {row["reference"] for row in found.combinations} == {"r7", "r31"}
    assert any("none of the references" in text or "like it" in text for text in found.remarks)
    assert "<table" in found._repr_html_()
    assert found.plot()._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="no series"):
        found.plot_series()
    assert list(tmp_path.iterdir()) == [tmp_path / "s.dat"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["s.dat", "--label", "kin"], "no label 'kin'"),
        (["s.dat", "--channel", "xes"], "no channel 'xes'"),
        (["s.dat", "s.dat"], "given twice"),
        (["none.dat"], "cannot be read"),
        (["s.dat", "--series"], "3 spectra or more"),
        (["s.dat", "--shift", "5:1"], "must ascend"),
        (["s.dat", "--set", "references=[r99]"], "no reference 'r99'"),
        (["cu.dat"], "take another library"),
    ],
    ids=["label", "channel", "twice", "missing", "series", "shift", "reference", "edge"],
)
def test_bad_requests_are_told(store, tmp_path: Path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    energy = np.arange(7111.0, 7174.0, 0.5)
    np.savetxt("s.dat", np.c_[energy, np.arctan(energy - 7125)], header="energy(eV) mu")
    np.savetxt("cu.dat", np.c_[energy + 1867, np.arctan(energy - 7125)], header="energy(eV) mu")
    shown = CliRunner().invoke(
        app, ["match", *arguments, "--library", store, "--set", "simulated=20", "-o", "out"]
    )
    assert isinstance(shown.exception, XregError)
    assert words in str(shown.exception)
    assert shown.exception.exit_code == 2
    assert not Path("out").exists()
