"""``xreg fit``: a spectrum of the exact engine, with noise and background, is found again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from xreg.core.data.samples import ParameterSet
from xreg.core.ions.model import spaces
from xreg.core.model.domain import Target
from xreg.core.model.pipeline import Pipeline
from xreg.plugins.multiplet.multiplet import Multiplet
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.stores.writer import write_store


def flat(first: int, end: int, step: int) -> str:
    return "\n".join(f"{energy} 1" for energy in range(first, end, step))


def rows_of(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open() as stream:
        header, *rows = list(csv.reader(stream))
    return header, np.array(rows, dtype=float)


def test_the_truth_is_found_again(xreg, model, spectrum, tmp_path, known) -> None:
    out = tmp_path / "fits" / "tio2"
    code, said, wrong = xreg(
        "fit", model, spectrum, "-o", out, "--background", "constant", "--starts", 8
    )
    assert code == 0, wrong
    table = json.loads((out / "fit.json").read_text())
    assert table["engine"]["name"] == "multiplet"
    assert table["engine"]["settings"]["ion"] == "Ti4+"
    found = table["parameters"]
    assert {name for name, entry in found.items() if not entry["fixed"]} == {*known.ranges, "shift"}
    for name, true in {**known.true, "shift": known.shift}.items():
        entry = found[name]
        assert entry["determined"] != entry["fixed"]
        assert abs(entry["value"] - true) <= 4 * (entry["std"] or 1e-12), name
    assert found["Dq"]["std"] < 0.002
    heights = table["heights"]
    assert heights["scale"]["value"] == pytest.approx(known.scale, abs=4 * heights["scale"]["std"])
    assert heights["constant"]["value"] == pytest.approx(
        known.base, abs=4 * heights["constant"]["std"]
    )
    assert table["noise"]["std"] == pytest.approx(0.005 * known.scale, rel=0.1)
    assert not table["remarks"]
    for text in ("Dq", "gamma1", "shift", "scale", f"{found['Dq']['value']:.5g}"):
        assert text in said

    header, curves = rows_of(out / "fit.csv")
    assert header == ["energy (eV)", "measured", "fit", "background", "residual"]
    assert curves[:, 1] == pytest.approx(curves[:, 2] + curves[:, 4], abs=1e-9)
    assert curves[:, 3] == pytest.approx(heights["constant"]["value"])
    _, sticks = rows_of(out / "sticks.csv")
    whole = sticks[:, 1].sum()
    assert whole == pytest.approx(4 / 3, rel=1e-6)  # the sum rule for ten holes
    assert (out / "fit.png").read_bytes().startswith(b"\x89PNG")
    page = (out / "report.html").read_text()
    assert "tio2.txt" in page
    assert "data:image/png;base64," in page

    code, _, wrong = xreg("fit", model, spectrum, "-o", out)
    assert (code, wrong.count("\n")) == (2, 1)
    assert "exists already" in wrong


def test_with_the_network_alone_and_some_parameters_known(xreg, model, spectrum, tmp_path) -> None:
    code, _, wrong = xreg(
        "fit", model, spectrum, "-o", tmp_path / "it", "--generator", "none", "--starts", 4,
        "--fix", "S2=0.76", "--range", "Dq=0.15:0.19", "--shift", "0.25:0.25",
        "--window", "450:466",
    )  # fmt: skip
    assert code == 0, wrong
    table = json.loads((tmp_path / "it" / "fit.json").read_text())
    assert table["engine"] is None
    assert table["correlation"]["labels"] == ["Dq", "gamma1"]
    assert table["parameters"]["S2"]["value"] == 0.76
    assert table["parameters"]["Dq"]["value"] == pytest.approx(0.17, abs=0.005)
    assert table["spectrum"]["window"] == pytest.approx([450, 466], abs=0.1)
    assert not (tmp_path / "it" / "sticks.csv").exists()


def test_a_recipe_fits_several_times(xreg, model, spectrum, tmp_path) -> None:
    content = {
        "model": str(model), "spectrum": str(spectrum), "generator": "none", "starts": 2,
        "intervals": False, "each": {"free": {}, "known": {"fix": {"S2": 0.76}}},
    }  # fmt: skip
    (tmp_path / "fit.yaml").write_text(json.dumps(content))
    code, out, wrong = xreg("fit", tmp_path / "fit.yaml", "-o", tmp_path / "out", "--set", "seed=3")
    assert code == 0, wrong
    assert out.count("of the height") == 2
    free, known = (
        json.loads((tmp_path / "out" / n / "fit.json").read_text()) for n in ("free", "known")
    )
    assert not free["parameters"]["S2"]["fixed"]
    assert known["parameters"]["S2"]["value"] == 0.76
    assert known["settings"]["seed"] == 3
    recorded = tmp_path / "out" / "known" / "recipe.yaml"
    code, _, wrong = xreg("fit", recorded, "-o", tmp_path / "again")
    assert code == 0, wrong
    repeated = json.loads((tmp_path / "again" / "fit.json").read_text())
    for name, entry in known["parameters"].items():
        for number in ("value", "std"):  # the last digits depend on the threads of the machine
            again = repeated["parameters"][name][number] or 0.0  # what is fixed has no σ
            assert again == pytest.approx(entry[number] or 0.0, rel=1e-9)
    code, _, wrong = xreg("fit", model, spectrum, "-o", tmp_path / "x", "--set", "ion=Ni2+")
    assert (code, "a setting of generator is generator.ion" in wrong) == (2, True)


def test_another_engine_can_be_named(model, spectrum, known) -> None:
    from xreg.workbench.fit.fit import fit_spectrum
    from xreg.workbench.fit.recipe import FitSettings

    settings = FitSettings(
        starts=4, refined=1, generator={"name": "multiplet", **known.ion, "channels": ["xas"]}
    )
    done = fit_spectrum(model / "model", spectrum, settings)
    assert done.generator.config.ion == "Ti4+"
    assert done.fit.best.values[0] == pytest.approx(0.17, abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fix", "gama1=0.4"], ["no parameter 'gama1'", "did you mean 'gamma1'"]),
        (["--fix", "Dq"], ["--fix takes NAME=VALUE", "'Dq'"]),
        (["--fix", "Dq=high"], ["--fix takes a number", "'high'"]),
        (["--fix", "Dq=0.15", "--fix", "Dq=0.16"], ["twice"]),
        (["--fix", "Dq=0.5"], ["'Dq' = 0.5", "trained on, 0.1", "0.199"]),
        (["--range", "Dq=0.15"], ["--range takes LOW:HIGH", "'0.15'"]),
        (["--shift", "1:-1"], ["shift", "ascend"]),
        (["--window", "400:466"], ["window 400 … 466 eV", "449.8"]),
        (["--background", "cubic"], ["background", "linear+steps"]),
        (["--background", "steps"], ["edges"]),
        (["--generator", "multplet"], ["did you mean 'multiplet'"]),
        (["--generator", "pyscf"], ["takes structures, not parameters"]),
        (["--generator", "multiplet", "--set", "generator.ion=Ti9+"], ["Ti9+"]),
        (
            ["--generator", "multiplet", "--set", "generator.ion=Ni2+"],
            ["847.7", "less than what is fitted"],
        ),
        (["--starts", "0"], ["starts"]),
    ],
)
def test_bad_requests(xreg, model, spectrum, tmp_path, arguments, words) -> None:
    code, _, wrong = xreg("fit", model, spectrum, "-o", tmp_path / "it", "--starts", 2, *arguments)
    assert (code, wrong.count("\n")) == (2, 1), wrong
    for word in words:
        assert word in wrong
    assert not (tmp_path / "it").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["cannot be read"]),
        ("", ["it is empty"]),
        ("450\n451\n", ["it has 1 column where energy and signal are needed"]),
        ("450 1\n451 2 3\n", ["line 2 has 3 columns"]),
        ("450 1\n451 one\n", ["line 2", "no number"]),
        ("450 1\n452 2\n451 3\n", ["do not increase from 452 to 451 eV (line 3)"]),
        ("450 1\n451 nan\n452 3\n", ["point 2", "not finite"]),
        ("E I sigma\n450 1 0.1\n451 2 0\n452 3 0.1\n", ["noise at point 2"]),
        ("450 1 0.1\n451 2 0.1\n452 3 0.1\n", ["3 columns without names", "--noise"]),
        ("E I i0\n450 1 4e5\n451 2 4e5\n", ["3 columns (1 E, 2 I, 3 i0)", "--signal COL"]),
        ("450 1\n451 1\n452 1\n", ["all intensities of the spectrum are 1, a constant"]),
        (
            "\n".join(f"{e} {e % 2}" for e in range(452, 475)),
            ["covers 452 … 474 eV", "449.8", "narrower"],
        ),
        ("\n".join(f"{e} {e % 4}" for e in range(440, 475, 2)), ["9 points", "too few for"]),
    ],
)
def test_bad_spectra(xreg, model, tmp_path, text, words) -> None:
    path = tmp_path / "bad.csv"
    if text is not None:
        path.write_text(text)
    code, _, wrong = xreg("fit", model, path, "-o", tmp_path / "it")
    assert (code, wrong.count("\n")) == (2, 1), wrong
    assert "bad.csv" in wrong or "9 points" in wrong
    for word in words:
        assert word in wrong


def test_the_columns_of_a_spectrum(tmp_path: Path) -> None:
    from xreg.core.measured.spectrum import read_measured

    path = tmp_path / "it.csv"
    path.write_text("\ufeffE;I;sd # three\n# comment\n1.0;2.0;0.1\n\n2.0, 3.0,\t0.2 # last\n")
    found, notes = read_measured(path)
    assert found.energy.tolist() == [1, 2]
    assert found.intensity.tolist() == [2, 3]
    assert found.noise.tolist() == [0.1, 0.2]
    doubt = "energies of 1 … 2 eV lie below all edges: are they in keV, an angle, or relative?"
    assert notes == ["the signal is column 2 I", doubt]


def test_one_spectrum_written_in_several_ways_gives_one_fit(
    xreg, model, spectrum, tmp_path
) -> None:
    """The same numbers are fitted, so that the fit is the same; one of them is made."""
    from xreg.core.measured.spectrum import read_measured
    from xreg.core.readers.spectra.columns import SpectrumColumns

    pairs = [line.split() for line in spectrum.read_text().splitlines()[2:]]
    xdi = (
        "# XDI/1.0\n# Column.1: energy {}\n# Column.2: mutrans\n# Column.3: i0\n"
        "# Element.symbol: Ti\n# ///\n# made up\n#----\n# energy mutrans i0\n"
    )
    comma = "\n".join("\t".join(pair).replace(".", ",") for pair in pairs)
    several = "\n".join(f"{e} {298000 + i} {v} 5" for i, (e, v) in enumerate(pairs))
    plain, _ = read_measured(spectrum)
    for name, text, columns, scale in (
        ("i0.xdi", xdi.format("eV") + "".join(f"{e} {v} 298306.3\n" for e, v in pairs), {}, 1),
        ("kev.xdi",
         xdi.format("keV") + "".join(f"{float(e) / 1000:.8f} {v} 1e5\n" for e, v in pairs), {}, 1),
        ("comma.txt", comma, {}, 1),
        ("several.txt", several, {"signal": "3"}, 1),
        ("ratio.txt", several, {"signal": "3/4"}, 5),
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
        found, _ = read_measured(tmp_path / name, SpectrumColumns(**columns))
        assert found.noise is None, name  # i0 is no noise
        np.testing.assert_allclose(found.energy, plain.energy, rtol=1e-7, err_msg=name)
        np.testing.assert_allclose(found.intensity * scale, plain.intensity, err_msg=name)
    quick = ("--starts", 2, "--generator", "none", "--no-intervals", "--background", "constant")
    out = tmp_path / "fit"
    code, _, wrong = xreg("fit", model, tmp_path / "kev.xdi", "-o", out, *quick)
    assert code == 0, wrong
    table = json.loads((out / "fit.json").read_text())
    assert table["noise"]["given"] is False
    assert "In kev.xdi, energies in keV were converted to eV." in table["remarks"]
    (tmp_path / "none.txt").write_text(several)
    code, _, wrong = xreg("fit", model, tmp_path / "none.txt", "-o", tmp_path / "no", *quick)
    assert (code, wrong.count("\n")) == (2, 1)
    assert "4 columns without names; say which is the signal with --signal N" in wrong
    text = "\n".join(f"{float(e) / 1000:.8f} {v}" for e, v in pairs)
    (tmp_path / "kev.txt").write_text(text)
    code, _, wrong = xreg("fit", model, tmp_path / "kev.txt", "-o", tmp_path / "no", *quick)
    assert code == 2
    assert "say --unit keV" in wrong
    told = ("--unit", "keV", "--signal", "2", "--energy", "1")
    code, _, wrong = xreg("fit", model, tmp_path / "kev.txt", "-o", tmp_path / "yes", *quick, *told)
    assert code == 0, wrong
    again = json.loads((tmp_path / "yes" / "fit.json").read_text())["parameters"]
    for name, entry in table["parameters"].items():
        assert again[name]["value"] == pytest.approx(entry["value"], rel=1e-3), name


def test_a_model_of_structures(xreg, spectrum, tmp_path) -> None:
    from ase.build import molecule

    from xreg.core.data.samples import Structures
    from xreg.plugins.internal.internal import Internal

    rng = np.random.default_rng(0)
    frames = [molecule("H2O") for _ in range(12)]
    for frame in frames:
        frame.rattle(0.05, rng=rng)
    samples = Structures.from_atoms(frames)
    energy = np.linspace(440.0, 480.0, 30)
    pipeline = Pipeline(Ridge(), Internal())
    pipeline.fit(samples, rng.normal(size=(12, 30)), Target("xas", energy)).save(tmp_path / "m")
    code, _, wrong = xreg("fit", tmp_path / "m", spectrum, "-o", tmp_path / "it")
    assert code == 2
    assert "trained on structures" in wrong


def test_a_model_whose_data_nobody_knows(xreg, model, spectrum, tmp_path) -> None:
    import shutil

    shutil.copytree(model / "model", tmp_path / "alone")
    code, _, wrong = xreg("fit", tmp_path / "alone", spectrum, "-o", tmp_path / "it")
    assert code == 2
    assert "--generator" in wrong


def test_the_page_tells_of_other_solutions(model, spectrum, tmp_path) -> None:
    from dataclasses import replace

    from xreg.workbench.fit.fit import fit_spectrum
    from xreg.workbench.fit.recipe import FitSettings
    from xreg.workbench.fit.results import result_rows, write_fit

    settings = FitSettings(starts=2, generator="none", fix={"S2": 0.76}, intervals=False)
    done = fit_spectrum(model / "model", spectrum, settings)
    other = replace(
        done.fit.best, values=done.fit.best.values + 0.001, chi2=done.fit.best.chi2 * 1.001
    )
    best = done.fit.modes[0]
    modes = [replace(best, weight=0.6), replace(best, weight=0.4, minimum=other)]
    (tmp_path / "it").mkdir()
    told = write_fit(replace(done, fit=replace(done.fit, modes=modes)), tmp_path / "it")
    assert any("not unique" in remark for remark in told["remarks"])
    assert told["alternatives"][0]["weight"] == 0.4
    assert told["alternatives"][0]["values"]["Dq"] == pytest.approx(other.values[0])
    assert "As good as the best" in (tmp_path / "it" / "report.html").read_text()
    assert all(row[3] == "" for row in result_rows(told))


def test_both_signs_of_a_small_tetragonal_field_are_told(known) -> None:
    """Ni2+ with Ds = 0.05 eV: mirrors fit as well, the same ones whichever is begun from."""
    from xreg.core.measured.spectrum import Measured
    from xreg.workbench.fit.engine import engine
    from xreg.workbench.fit.misfit import Misfit
    from xreg.workbench.fit.problem import Background, Problem
    from xreg.workbench.fit.refine import refine

    true = {**known.true, "Dq": 0.13, "Ds": 0.05, "Dt": -0.02}
    exact = Multiplet(ion="Ni2+", before=8.0, after=28.0, points=361)
    energy, lines = exact.grids()["xas"], exact.generate(ParameterSet("t", true)).channels["xas"]
    lines = lines + 0.01 * lines.max() * np.random.default_rng(1).normal(size=361)
    keep = (energy > energy[0] + 4) & (energy < energy[-1] - 4)
    units = spaces()["published"].units
    ranges = np.array([[v, v] for v in true.values()])
    ranges[:3] = (0.0, 0.2), (-0.4, 0.4), (-0.2, 0.2)
    task = Problem(Measured(energy[keep], lines[keep]), tuple(true), units, ranges, (0.0, 0.0),
                   Background("constant"))  # fmt: skip
    misfit = Misfit(task, engine(Multiplet(ion="Ni2+"), "xas", tuple(true), units))
    fits = [
        refine(misfit, [(np.array(start) - task.origin) / task.widths])
        for start in ((0.13, 0.05, -0.02), (0.14, -0.05, 0.01))
    ]
    fields = [sorted(mode.minimum.values[1] for mode in fit.modes) for fit in fits]
    assert fields[0] == pytest.approx(fields[1], abs=2e-3)
    assert fields[0][0] < 0 < fields[0][-1]
    for fit in fits:
        assert "Ds" in fit.open_signs
        assert abs(fit.best.values[1] - 0.05) < 2 * fit.std[1]


def test_sticks_of_a_sample(xreg, model, tmp_path) -> None:
    store = model.parent / "ti4.zarr"
    code, said, wrong = xreg("data", "sticks", store, "set-7", "-o", tmp_path / "sticks.csv")
    assert code == 0, wrong
    header, lines = rows_of(tmp_path / "sticks.csv")
    assert header == ["energy (eV)", "strength xas"]
    assert f"{len(lines)} transitions of set-7" in said
    assert lines[:, 1].sum() == pytest.approx(4 / 3)  # the sum rule for ten holes
    assert (np.diff(lines[:, 0]) >= 0).all()
    code, _, wrong = xreg("data", "sticks", store, "set7", "-o", tmp_path / "more.csv")
    assert code == 2
    assert "no sample 'set7' (did you mean 'set-7'" in wrong
    assert not (tmp_path / "more.csv").exists()


def test_sticks_that_nobody_knows(xreg, toy_dataset, tmp_path) -> None:
    write_store(toy_dataset(), tmp_path / "toy.zarr")
    first = str(toy_dataset().samples.ids[0])
    code, _, wrong = xreg("data", "sticks", tmp_path / "toy.zarr", first, "-o", tmp_path / "s.csv")
    assert code == 2
    assert "no generator 'noise'" in wrong
