"""Sites of structures: which are predicted, and means over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from xreg.cli.main import main
from xreg.core.data.samples import Structures
from xreg.registry.stores.store import open_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute

WATER = Atoms("OH2", [[0, 0, 0], [0.58, 0.75, 0], [0.61, -0.79, 0]])


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


def test_every_site_of_an_element_is_predicted_when_asked_for(tmp_path: Path) -> None:
    from xreg.core.model.domain import Domain
    from xreg.workbench.predict.samples import read_samples

    domain = Domain("structures", (1, 8), (8,))
    write(tmp_path / "two.extxyz", Atoms("O2H", np.eye(3)), format="extxyz")
    found = read_samples(tmp_path / "two.extxyz", domain, "O").samples
    assert found.ids.tolist() == ["0/O0", "0/O1"]
    assert isinstance(found, Structures)
    assert found.absorber.tolist() == [0, 1]
    write(tmp_path / "one.extxyz", Atoms("O2H", np.eye(3), info={"absorber": 1}), format="extxyz")
    assert read_samples(tmp_path / "one.extxyz", domain).samples[0].absorber == 1
    without = read_samples(tmp_path / "two.extxyz", domain)
    assert (len(without.samples), len(without.bad)) == (0, 1)
    every = read_samples(tmp_path / "two.extxyz", domain, sites="all")
    assert every.samples.ids.tolist() == ["0/O0", "0/O1"]


def test_means_over_sites_are_those_of_all_sites_written_out(
    water_store: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two molecules in a cell, made equal by an inversion, and two that are not."""
    emulator = {"name": "mlp", "width": 8, "depth": 1, "epochs": 20, "ensemble": 2}
    content = {"dataset": str(water_store), "descriptor": "acsf", "emulator": emulator}
    model = execute(load_recipe(None, content), workplace / "model")
    cell = 12.0
    water = WATER.copy()
    water.positions += cell / 4
    crystal = Atoms(
        np.tile(water.numbers, 2),
        np.concatenate([water.positions, cell - water.positions]),  # inversion makes the two equal
        cell=[cell] * 3,
        pbc=True,
        info={"id": "ice"},
    )
    frames = [crystal, crystal.copy()]
    frames[1].positions[1] += (0.05, 0, 0)  # and here they are not
    frames[1].info["id"] = "bent"
    write("ice.extxyz", frames, format="extxyz")
    for sites in ("all", "distinct"):
        assert run("predict", model, "ice.extxyz", "-o", f"{sites}.zarr", "--sites", sites,
                   "--average", "structure") == 0  # fmt: skip
    whole, few = open_store(Path("all.zarr")), open_store(Path("distinct.zarr"))
    assert "3 spectra of channel xes with their spread" in capsys.readouterr().out
    assert few.samples.ids.tolist() == ["ice", "bent"]
    assert few.labels["sites"].tolist() == [2, 2]
    assert set(few.samples.composition) == {"H4O2"}
    for name in ("xes", "xes_deviation", "xes_std"):
        np.testing.assert_allclose(
            whole.spectra[name].intensity, few.spectra[name].intensity, rtol=1e-6, atol=1e-6
        )
    assert few.spectra["xes_deviation"].intensity[0].max() == 0
    assert few.spectra["xes_deviation"].intensity[1].max() > 0
    assert run("predict", model, "ice.extxyz", "-o", "mean.zarr", "--sites", "distinct",
               "--average", "all") == 0  # fmt: skip
    mean, each = open_store(Path("mean.zarr")), np.asarray(few.spectra["xes"].intensity)
    np.testing.assert_allclose(mean.spectra["xes"].intensity[0], each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(
        mean.spectra["xes_error"].intensity[0], np.abs(each[0] - each[1]) / 2, atol=1e-6
    )
    capsys.readouterr()
    for arguments, said in (
        (["--average", "atom"], "--average"),
        (["--sites", "some"], "--sites"),
    ):
        assert run("predict", model, "ice.extxyz", "-o", "bad.csv", *arguments) == 2
        assert said in capsys.readouterr().err
    write("water.extxyz", WATER, format="extxyz")
    assert run("predict", model, "water.extxyz", "-o", "bad.csv", "--sites", "distinct") == 2
    assert "known for crystals alone" in capsys.readouterr().err
