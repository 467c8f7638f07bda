"""Channels made from raw ones: in a generation, on a finished store, and again from provenance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from xreg.cli import main as cli
from xreg.core.data.dataset import Dataset, Metadata
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, UnknownNameError
from xreg.registry.stores.store import open_store
from xreg.registry.stores.writer import write_store
from xreg.workbench.generate.generate import generate
from xreg.workbench.generate.recipe import GenerationRecipe
from xreg.workbench.process.process import ProcessingRecipe, process_dataset, process_store

GRID = np.arange(-15.0, 60.5, 0.5)
XANES: dict[str, Any] = {
    "steps": [
        {"name": "shift", "label": "fermi"},
        {"name": "lorentzian", "edge": "K"},
        {"name": "normalise", "pre": [7098, 7102], "post": [7140, 7165]},
        {"name": "resample", "about": 7112, "first": -10, "last": 50, "points": 121},
    ]
}


def iron(n: int = 5) -> Dataset:
    """Return raw edges of n iron atoms, each with its own Fermi level."""
    ids = [f"fe-{i}" for i in range(n)]
    numbers, positions = np.full(n, 26), np.zeros((n, 3))
    samples = Structures(ids, numbers, positions, np.arange(n + 1), np.zeros(n))
    place = np.linspace(0, 2, n)[:, None]
    mu = 0.5 + np.arctan((GRID - place) / 0.7) / np.pi + 0.3 * np.exp(-((GRID - 8) ** 2))
    return Dataset(
        samples,
        Spectra({"raw": Channel(mu, GRID)}),
        Metadata(name="fe", version="1.0.0", provenance={"made_by": "hand", "precision": {}}),
        {"fermi": 7112 + np.linspace(0, 1, n)},
        {"fermi": "eV"},
    )


def recipe(**processing: Any) -> ProcessingRecipe:
    return ProcessingRecipe.parse(
        {"processing": processing, "dataset": {"version": "1.1.0"}}, "test"
    )


def test_store_processed_and_again(tmp_path: Path) -> None:
    write_store(iron(), tmp_path / "fe.zarr")
    process_store(str(tmp_path / "fe.zarr"), recipe(xanes=XANES), tmp_path / "new.zarr")
    with_xanes = open_store(tmp_path / "new.zarr")
    assert with_xanes.metadata.version == "1.1.0"
    assert set(with_xanes.spectra) == {"raw", "xanes"}
    np.testing.assert_array_equal(
        with_xanes.spectra["raw"][:].intensity, iron().spectra["raw"].intensity
    )
    made = with_xanes.spectra["xanes"][:]
    np.testing.assert_allclose(made.energy, np.linspace(7102, 7162, 121))
    assert made.intensity[:, -40:].mean() == pytest.approx(1, abs=0.02)

    provenance = with_xanes.metadata.provenance
    assert provenance["made_by"] == "hand"
    assert provenance["processed_from"] == "fe 1.0.0"
    # The recorded steps, applied to what the new store itself holds, give the same bits.
    recorded = ProcessingRecipe.parse({"processing": provenance["processing"]}, "provenance")
    again = process_dataset(with_xanes, recorded.processing)
    np.testing.assert_array_equal(again.spectra["xanes"].intensity, made.intensity)


def test_a_changed_step_replaces_what_was_made_before(tmp_path: Path) -> None:
    first = process_dataset(iron(), recipe(xanes=XANES, wide=XANES).processing)
    broad = {"steps": [XANES["steps"][0], {"name": "lorentzian", "width": 5}, *XANES["steps"][2:]]}
    second = process_dataset(first, recipe(xanes=broad).processing)
    assert set(second.spectra) == {"raw", "xanes"}
    one, two = (d.spectra["xanes"].intensity for d in (first, second))
    assert np.ptp(two, axis=1).mean() < np.ptp(one, axis=1).mean()


@pytest.mark.parametrize(
    ("processing", "error", "message"),
    [
        ({"raw": XANES}, ConfigError, "there is a channel of that name"),
        ({"xanes": {**XANES, "source": "rwa"}}, UnknownNameError, "did you mean 'raw'"),
        ({"xanes": {"steps": [{"name": "shift", "label": "fermy"}]}}, UnknownNameError,
         "processing.xanes: no label 'fermy' .did you mean 'fermi'"),
        ({"xanes": {"steps": [{"name": "shift", "label": "fermi"}]}}, ConfigError,
         "end with a resample step"),
    ],
)  # fmt: skip
def test_bad_requests(
    tmp_path: Path, processing: dict[str, Any], error: type[Exception], message: str
) -> None:
    write_store(iron(), tmp_path / "fe.zarr")
    with pytest.raises(error, match=message):
        process_store(str(tmp_path / "fe.zarr"), recipe(**processing), tmp_path / "new.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["fe.zarr"]


def code(command: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        cli.main(command)
    return ended.value.code


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_store(iron(), tmp_path / "fe.zarr")
    file, new = tmp_path / "recipe.yaml", tmp_path / "new.zarr"
    file.write_text(yaml.safe_dump({"processing": {"xanes": XANES}}))
    command = ["data", "process", str(tmp_path / "fe.zarr"), str(file), "-o", str(new)]
    assert code([*command, "--set", "dataset.version=2.0.0"]) == 0
    assert "channels xanes made" in capsys.readouterr().out
    assert open_store(new).metadata.version == "2.0.0"
    assert code(command) == 2
    assert "a store is never overwritten" in capsys.readouterr().err


def test_each_makes_several_stores_and_passes_over_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_store(iron(), tmp_path / "fe.zarr")
    file, out = tmp_path / "recipe.yaml", tmp_path / "made"
    first, _, *rest = XANES["steps"]
    each = [
        {"name": name, "processing.xanes.steps": [first, {"name": "lorentzian", "width": w}, *rest]}
        for name, w in (("sharp", 1.0), ("broad", 5.0))
    ]
    file.write_text(yaml.safe_dump({"processing": {"xanes": XANES}, "each": each}))
    command = ["data", "process", str(tmp_path / "fe.zarr"), str(file), "-o", str(out)]
    assert code(command) == 0
    sharp, broad = (
        open_store(out / f"{name}.zarr").spectra["xanes"] for name in ("sharp", "broad")
    )
    assert np.asarray(sharp.intensity[:]).max() > 1.02 * np.asarray(broad.intensity[:]).max()
    assert code(command) == 0
    assert capsys.readouterr().out.count("there already") == 2
    alone = tmp_path / "alone.zarr"
    assert code([*command[:-1], str(alone), "--only", "broad"]) == 0
    assert open_store(alone).metadata.provenance["processing"]["xanes"]["steps"][1]["width"] == 5.0


NICKEL: dict[str, Any] = {
    "dataset": {"name": "ni", "version": "1.0.0"},
    "samples": {"file": "ni.csv", "parameters": {"Dq": "eV", "Ds": "eV", "Dt": "eV", "S1": "",
                "S2": "", "T": "K", "sigma": "eV", "gamma1": "eV", "gamma2": "eV"}},
    "generator": {"name": "multiplet"},
    "split": None,
    "precision": {"xas": 12},
}  # fmt: skip
SMOOTH = {"source": "xas", "steps": [{"name": "lorentzian", "width": 1.0}]}


def nickel(folder: Path, **changes: Any) -> GenerationRecipe:
    rows = "\n".join(f"0.{i},0,0,0.8,0.8,300,0.2,0.4,0.5" for i in (0, 1, 2))
    (folder / "ni.csv").write_text(",".join(NICKEL["samples"]["parameters"]) + f"\n{rows}\n")
    return GenerationRecipe.parse({**NICKEL, **changes}, "test")


def test_generation_and_processing_of_its_store_are_the_same(tmp_path: Path) -> None:
    both = nickel(tmp_path, processing={"smooth": SMOOTH})
    generate(both, tmp_path, tmp_path / "both.zarr", workers=1)
    generate(nickel(tmp_path), tmp_path, tmp_path / "raw.zarr", workers=1)
    process_store(str(tmp_path / "raw.zarr"), recipe(smooth=SMOOTH), tmp_path / "later.zarr")
    once, later = (open_store(tmp_path / f"{name}.zarr") for name in ("both", "later"))
    assert set(once.spectra) == {"xas", "smooth"}
    for name in once.spectra:
        np.testing.assert_array_equal(
            once.spectra[name][:].intensity, later.spectra[name][:].intensity
        )
    recorded = once.metadata.provenance["processing"]
    assert recorded == later.metadata.provenance["processing"]
    assert list(tmp_path.glob("*.partial")) == []


def test_generation_refuses_bad_processing_before_it_computes(tmp_path: Path) -> None:
    bad = nickel(tmp_path, processing={"smooth": {**SMOOTH, "source": "xes"}})
    with pytest.raises(UnknownNameError, match=r"processing.smooth: no channel 'xes'"):
        generate(bad, tmp_path, tmp_path / "ni.zarr", workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ni.csv"]
