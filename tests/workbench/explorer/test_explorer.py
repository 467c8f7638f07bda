"""The explorer: what it carries, how much, and how a run comes to have one."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.data.dataset import Dataset
from xreg.core.data.samples import Structures
from xreg.core.data.spectra import Channel, Spectra
from xreg.core.errors import ConfigError, DataError
from xreg.core.metrics import spectrum_error
from xreg.workbench.arrays import read_predictions
from xreg.workbench.explorer.dataset import principal_components, view_of_dataset
from xreg.workbench.explorer.encode import encode, fitted
from xreg.workbench.explorer.explore import explore
from xreg.workbench.explorer.page import LARGEST_PAGE, explorer_page
from xreg.workbench.explorer.result import view_of_result
from xreg.workbench.explorer.view import Quantity

LIBRARIES = resources.files("xreg.workbench.explorer.libraries")


def unpacked(packed: dict[str, Any]) -> np.ndarray:
    """Read numbers as the page does."""
    if "exact" in packed:
        values = np.frombuffer(base64.b64decode(packed["exact"]), "<f4").astype(float)
    else:
        levels = np.frombuffer(base64.b64decode(packed["levels"]), "<u2").astype(float)
        values = packed["low"] + packed["step"] * np.where(levels == 65535, np.nan, levels)
    return values.reshape(-1, packed["width"])


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="session")
def run_with_explorer(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose recipe asks for an explorer."""
    from xreg.workbench.run.recipe import Recipe
    from xreg.workbench.run.run import execute

    recipe = Recipe.parse(
        {
            "dataset": {"path": str(water_store)},
            "descriptor": {"name": "internal"},
            "emulator": {"name": "ridge"},
            "decomposers": {"pca": {"rank": 2}},
            "analyses": {},
            "report": {"explorer": True},
        },
        "recipe",
    )
    return execute(recipe, tmp_path_factory.mktemp("explored") / "run")


def test_a_run_has_an_explorer_that_its_report_opens(run_with_explorer: Path) -> None:
    assert 'href="explorer.html"' in (run_with_explorer / "report.html").read_text()
    data = data_of((run_with_explorer / "explorer.html").read_text())
    stored = read_predictions(run_with_explorer / "predictions.zarr")
    assert data["ids"] == stored["ids"].tolist()
    curves = data["curves"][0]
    for kind, name in (("true", "known"), ("predicted", "predicted")):
        np.testing.assert_allclose(unpacked(curves[kind]), stored[name], atol=2e-5)
    assert [shown["name"] for shown in data["maps"]] == [
        "pca", "principal components of the true xes",
    ]  # fmt: skip
    error = next(q for q in data["quantities"] if q["name"] == "spectrum error")
    told = np.frombuffer(base64.b64decode(error["numbers"]), "<f4")
    np.testing.assert_allclose(
        told, 100 * spectrum_error(stored["known"], stored["predicted"]), rtol=1e-6
    )
    assert {"part", "angle", "trajectory"} <= {q["name"] for q in data["quantities"]}


def test_scores_stand_with_their_samples(run_with_explorer: Path) -> None:
    import zarr

    view = view_of_result(run_with_explorer)
    root: Any = zarr.open_group(run_with_explorer / "components.zarr", mode="r")
    theirs = dict(zip(root["ids"][...].tolist(), root["pca/scores"][...], strict=True))
    for row in (0, 7, len(view.ids) - 1):
        np.testing.assert_array_equal(view.maps[0].scores[row], theirs[view.ids[row]])


def test_an_explorer_made_later_is_linked_too(
    run_with_explorer: Path, tmp_path: Path, made_water: Callable[..., Dataset]
) -> None:
    import shutil

    from xreg.workbench.report.page import EXPLORER_LINK, EXPLORER_PLACE

    folder = tmp_path / "run"
    shutil.copytree(run_with_explorer, folder)
    (folder / "explorer.html").unlink()
    report = folder / "report.html"
    report.write_text(report.read_text().replace(EXPLORER_LINK, EXPLORER_PLACE))
    assert explore(str(folder)) == folder / "explorer.html"
    assert EXPLORER_LINK in report.read_text()
    with pytest.raises(DataError, match="exists already"):
        explore(str(folder))
    with pytest.raises(ConfigError, match="one channel"):
        explore(str(folder), tmp_path / "x.html", channel="xes")


def test_a_result_whose_dataset_is_gone_still_shows(run_with_explorer: Path) -> None:
    told = json.loads((run_with_explorer / "summary.json").read_text())
    told["dataset"] |= {"path": "gone.zarr"}
    view = view_of_result(run_with_explorer, told=told)
    assert view.samples is None
    assert any(remark.startswith("Without structures and labels: ") for remark in view.remarks)
    assert data_of(explorer_page(view))["structures"] is None


def test_atoms_stand_about_the_absorber(made_water: Callable[..., Dataset]) -> None:
    dataset = made_water(5)
    data = encode(view_of_dataset(dataset))["structures"]
    places = np.frombuffer(base64.b64decode(data["positions"]), "<i2").reshape(-1, 3)
    lengths = np.linalg.norm(places * data["step"], axis=1).reshape(5, 3)
    assert not lengths[:, 0].any()
    for row in range(5):
        bonds = np.sort(np.linalg.norm(dataset.samples[row].positions[1:], axis=1))
        np.testing.assert_allclose(lengths[row, 1:], bonds, atol=2e-3)


def test_a_crystal_shows_the_neighbours_beyond_its_cell(
    made_water: Callable[..., Dataset],
) -> None:
    edge = 3.6
    copper = Structures(
        ["cu"], np.full(4, 29),
        edge * np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]),
        [0, 4], [0], np.eye(3)[None] * edge, np.ones((1, 3), bool),
    )  # fmt: skip
    dataset = replace(made_water(20).select([0]), samples=copper, splits={})
    data = encode(view_of_dataset(dataset))
    places = np.frombuffer(base64.b64decode(data["structures"]["positions"]), "<i2").reshape(-1, 3)
    lengths = np.linalg.norm(places * data["structures"]["step"], axis=1)
    assert (np.abs(lengths - edge / np.sqrt(2)) < 5e-3).sum() == 12
    assert lengths.max() < 6.0
    assert any("within 6 Å" in remark for remark in data["remarks"])


def test_a_large_dataset_stays_below_five_megabytes(made_water: Callable[..., Dataset]) -> None:
    n, rng = 5000, np.random.default_rng(0)
    small = made_water(n)
    values = rng.random((n, 1500), dtype=np.float32)
    dataset = replace(small, spectra=Spectra({"xes": Channel(values, np.linspace(0, 9, 1500))}))
    page = explorer_page(view_of_dataset(dataset))
    assert 3_000_000 < len(page.encode()) < LARGEST_PAGE
    data = data_of(page)
    assert f"{len(data['ids']):,} of {n:,} samples are shown" in " ".join(data["remarks"])
    assert "Of the 1,500 energies of xes one in 3 is drawn." in data["remarks"]
    assert unpacked(data["curves"][0]["true"]).shape == (len(data["ids"]), 500)


def test_samples_of_the_test_part_are_shown_first(made_water: Callable[..., Dataset]) -> None:
    view = view_of_dataset(made_water(100))
    part = np.array(["train"] * 60 + ["validation"] * 20 + ["test"] * 20)
    view = replace(view, quantities={"part": Quantity(part)})
    kept = fitted(view, largest=int(0.5 * 100 * 230)).quantities["part"].values
    counts = {name: int((kept == name).sum()) for name in ("test", "validation", "train")}
    assert counts["test"] == counts["validation"] == 20
    assert 0 < counts["train"] < 60


def test_a_spectrum_with_a_gap_has_no_place_on_the_map() -> None:
    values = np.random.default_rng(0).random((8, 5))
    values[3, 2] = np.nan
    scores = principal_components(values)
    assert np.isnan(scores[3]).all()
    others = np.delete(values, 3, axis=0)
    singular = np.linalg.svd(others - others.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.norm(np.delete(scores, 3, axis=0), axis=0), singular[:5], atol=1e-12
    )


def test_libraries_are_those_that_their_authors_publish() -> None:
    table = re.findall(
        r"^\| `(\S+)` \|.*\| ([0-9a-f]{64}) \|$", (LIBRARIES / "README.md").read_text(), re.M
    )
    assert len(table) == 3
    for name, told in table:
        content = (LIBRARIES / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == told, name
        assert b"</script" not in content
        assert b"</style" not in content


def test_the_command_line(water_store: Path, workplace: Path) -> None:
    from xreg.cli.main import main

    with pytest.raises(SystemExit) as end:
        main(["pages", "explore", str(water_store), "-o", "page.html"])
    assert end.value.code in (0, None)
    assert data_of((workplace / "page.html").read_text())["title"] == "Synthetic water"
