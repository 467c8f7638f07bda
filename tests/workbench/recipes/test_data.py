"""The section ``dataset``: a part of the samples by frames and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.errors import DataError, XregError
from xreg.registry.stores.store import open_store
from xreg.workbench.recipes.data import open_section
from xreg.workbench.recipes.sections import DatasetSection
from xreg.workbench.run.recipe import load_recipe, resolve


def cut(store: Path, **section: Any) -> Any:
    return open_section(DatasetSection.parse({"path": str(store), **section}, "dataset"))


def test_frames_and_labels_choose_samples(water_store: Path) -> None:
    whole = open_store(water_store)
    trajectory = np.asarray(whole.label("trajectory"))
    chosen = trajectory[[0, -1]].tolist()
    for section, rows in (
        ({"frames": ":10"}, np.arange(10)),
        ({"frames": "-5:"}, np.arange(len(whole) - 5, len(whole))),
        ({"where": {"trajectory": chosen[0]}}, np.flatnonzero(trajectory == chosen[0])),
        ({"where": {"trajectory": chosen}}, np.flatnonzero(np.isin(trajectory, chosen))),
        ({"where": {"trajectory": chosen}, "frames": "::2"},
         np.flatnonzero(np.isin(trajectory, chosen) & (np.arange(len(whole)) % 2 == 0))),
    ):  # fmt: skip
        found, named = cut(water_store, **section)
        assert found.samples.ids.tolist() == whole.samples.ids[rows].tolist()
        np.testing.assert_array_equal(
            found.spectra["xes"].intensity, np.asarray(whole.spectra["xes"].intensity[:])[rows]
        )
        assert named["hash"] == whole.hash != found.hash
        assert set(found.splits["default"].train) <= set(found.samples.ids)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"where": {"trajectry": 1}}, "did you mean 'trajectory'"),
        ({"where": {"trajectory": "nowhere"}}, "no sample of 'water' has trajectory 'nowhere'"),
        ({"frames": "5:5"}, "no sample of dataset 'water' is left"),
        ({"frames": "all"}, "frames"),
        ({"frames": "0:100:0"}, "'0:100:0' has a step of 0; write start:stop:step"),
        ({"frames": f":{'9' * 5000}"}, "frames"),
    ],
)
def test_what_chooses_nothing_is_refused(
    water_store: Path, section: dict[str, Any], said: str
) -> None:
    with pytest.raises(XregError, match=said):
        cut(water_store, **section)


def test_a_recipe_records_the_dataset_and_the_part(water_store: Path) -> None:
    content = {"dataset": {"path": str(water_store), "frames": ":100"}, "emulator": "ridge",
               "descriptor": "internal", "split": {"fractions": [0.5, 0.25, 0.25]}}  # fmt: skip
    resolved = resolve(load_recipe(None, content))
    assert sum(len(part) for part in vars(resolved.split).values()) == 100
    assert resolved.recipe.dataset.hash == open_store(water_store).hash
    again = resolve(load_recipe(None, resolved.recipe.plain()))
    assert again.split.test.tolist() == resolved.split.test.tolist()


def test_another_hash_is_refused_before_anything_is_chosen(water_store: Path) -> None:
    with pytest.raises(DataError, match=r"asks for 0\.dir"):
        cut(water_store, hash="0.dir", frames=":2")
