"""Maps and series of spectra fitted as a batch; each spectrum's parameters are known."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from xreg.cli.main import main
from xreg.core.data.samples import Parameters
from xreg.core.ions.model import spaces
from xreg.core.measured.spectrum import Measured
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.workbench.fit.maps.descent import Descent, Pixels
from xreg.workbench.fit.maps.rendering import Renderer
from xreg.workbench.fit.problem import Background, Problem

ROWS, COLUMNS = 2, 3
FREE = ("--fix", "S1=0.8", "--shift", "-0.5:0.5", "--set", "starts=8")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, known: SimpleNamespace) -> SimpleNamespace:
    """Six pixels of Ti4+, one of them dead; crystal field and shift differ from pixel to pixel."""
    generator = Multiplet(ion="Ti4+", before=7.0, after=17.0, points=241)
    rng = np.random.default_rng(2)
    values = np.tile(list(known.true.values()), (6, 1))
    values[:, 0], shift = np.linspace(0.12, 0.19, 6), rng.uniform(-0.3, 0.3, 6)
    samples = Parameters([str(i) for i in range(6)], values, tuple(known.true),
                         spaces()["published"].units)  # fmt: skip
    energy = generator.grids()["xas"]
    spectra = np.array([
        np.interp(energy - moved, energy, found.channels["xas"])
        for found, moved in zip(generator.generate_many(samples), shift, strict=True)
    ])  # fmt: skip
    spectra = 3 * spectra + 0.4 + 0.01 * rng.normal(size=spectra.shape)
    spectra[4] = np.nan
    path = tmp_path_factory.mktemp("image") / "image.npz"
    np.savez(path, energy=energy, counts=spectra.reshape(ROWS, COLUMNS, -1))
    return SimpleNamespace(path=path, energy=energy, spectra=spectra, Dq=values[:, 0], shift=shift)


@pytest.fixture(scope="module")
def fitted(model: Path, image: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a fit of the map leaves."""
    folder = tmp_path_factory.mktemp("fits") / "fit"
    with pytest.raises(SystemExit) as end:
        main(["fit", str(model), str(image.path), "-o", str(folder), *FREE])
    assert not end.value.code
    return folder


def test_a_map_gives_the_parameters_of_each_pixel(fitted, image):
    root = zarr.open_group(fitted / "fit.zarr", mode="r")
    dq, std = root["Dq"][...], root["Dq_std"][...]
    assert dq.shape == (ROWS, COLUMNS)
    alive = np.arange(6) != 4
    assert np.isnan(dq.ravel()[4])
    assert root["dead"][...].ravel()[4] == "not finite"
    np.testing.assert_allclose(dq.ravel()[alive], image.Dq[alive], atol=2e-3)
    np.testing.assert_allclose(root["shift"][...].ravel()[alive], image.shift[alive], atol=0.03)
    assert (np.abs(dq.ravel() - image.Dq)[alive] < 4 * std.ravel()[alive]).all()
    told = json.loads((fitted / "fit.json").read_text())
    dead = "1 pixel of 6 left out as dead (1 not finite): 1, 1."
    assert dead in told["remarks"]
    assert (told["count"], told["dead"], told["fitted"], told["refined"]) == (6, 1, 5, 5)
    assert {"values.png", "std.png", "trust.png", "report.html", "recipe.yaml"} <= {
        path.name for path in fitted.iterdir()
    }
    rows = list(csv.reader((fitted / "parameters.csv").open()))
    assert rows[0][:3] == ["row", "column", "Dq (eV)"]
    assert len(rows) == 7


def test_a_pixel_alone_agrees_with_the_fit_of_one_spectrum(xreg, model, image, fitted, tmp_path):
    np.savetxt(tmp_path / "one.txt", np.column_stack([image.energy, image.spectra[1]]))
    xreg("fit", model, tmp_path / "one.txt", "-o", tmp_path / "one", *FREE)
    one = json.loads((tmp_path / "one" / "fit.json").read_text())["parameters"]
    root = zarr.open_group(fitted / "fit.zarr", mode="r")
    for name in ("Dq", "S2", "gamma1", "shift"):
        assert root[name][0, 1] == pytest.approx(one[name]["value"], abs=0.2 * one[name]["std"])
        assert root[f"{name}_std"][0, 1] == pytest.approx(one[name]["std"], rel=0.2)


def test_a_folder_is_a_series_and_the_engine_may_be_left_out(xreg, model, image, tmp_path):
    (tmp_path / "scans").mkdir()
    for i in (0, 1, 2):
        np.savetxt(
            tmp_path / "scans" / f"scan-{i}.txt",
            np.column_stack([image.energy, image.spectra[i]]),
        )
    code, out, err = xreg(
        "fit", model, tmp_path / "scans", "-o", tmp_path / "s", *FREE, "--refine", "none"
    )
    assert code == 0, err
    root = zarr.open_group(tmp_path / "s" / "fit.zarr", mode="r")
    assert list(root["names"][...]) == ["scan-0.txt", "scan-1.txt", "scan-2.txt"]
    np.testing.assert_allclose(root["Dq"][...], image.Dq[:3], atol=1e-2)
    assert "No exact engine refined" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, s: (e, np.full_like(s, np.nan)), "all 6 spectra are dead"),
        (lambda e, s: (e, np.ones_like(s)), "all 6 spectra are dead (6 constant)"),
        (lambda e, s: (e[:100], s[:, :100]), "the spectrum covers"),
        (lambda e, s: (e + 500, s), "the spectrum covers"),
        (lambda e, s: (np.r_[e[:100], e[:141]], s), "neither rise nor fall"),
        (lambda e, s: (e, -s), "upside down"),
    ],
)
def test_bad_maps_get_a_sentence(xreg, model, image, tmp_path, change, message):
    energy, spectra = change(image.energy, np.nan_to_num(image.spectra, nan=0.0))
    np.savez(tmp_path / "bad.npz", energy=energy, counts=spectra.reshape(ROWS, COLUMNS, -1))
    code, _, err = xreg("fit", model, tmp_path / "bad.npz", "-o", tmp_path / "out", *FREE)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_batched_descent_finds_the_bottom_and_slopes_are_derivatives():
    energy, grid = np.linspace(1, 9, 120), np.linspace(0, 10, 201)

    def peaks(values: np.ndarray) -> np.ndarray:
        place, width = values[:, :1], values[:, 1:2]
        return np.exp(-(((grid - place) / width) ** 2))

    ranges = np.array([[3.0, 7.0], [0.5, 2.0]])
    problem = Problem(Measured(energy, np.zeros(120)), ("at", "width"), ("", ""), ranges,
                      (-0.5, 0.5), Background("linear"))  # fmt: skip
    renderer = Renderer(problem, grid, peaks, 1e-4)
    true = np.array([[0.3, 0.4, 0.5], [0.8, 0.7, 0.5]])
    spectra, slopes = renderer.slopes(true, central=True)
    wanted = np.exp(-(((energy - 4.2) / 1.1) ** 2))
    np.testing.assert_allclose(spectra[0], wanted, atol=1e-6)
    # A shift of the energies is a move of the line: 1 eV of range beside 4.
    np.testing.assert_allclose(slopes[:, 2], slopes[:, 0] / 4, atol=1e-4)
    measured = 50 * spectra + 3 + 2 * energy
    pixels = Pixels.of(measured, np.ones_like(measured), problem.curves)
    start = np.clip(true + np.array([0.15, -0.2, 0.0]), 0, 1)
    moves = problem.spread[:, [0]] + problem.spread[:, [2]]
    for secants in (0, 3):
        down = Descent(pixels, np.arange(2), start, renderer, secants)
        down.run(30)
        assert (down.chi2 < 1e-6 * (pixels.bare**2).sum(axis=1)).all()
        np.testing.assert_allclose(down.x @ moves, true @ moves, atol=1e-3)
