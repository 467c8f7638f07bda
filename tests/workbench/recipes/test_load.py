"""Reading of recipe files."""

from __future__ import annotations

from pathlib import Path

import pytest

from xreg.workbench.evaluate.recipe import Evaluation
from xreg.workbench.recipes.load import load


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000])
def test_a_name_longer_than_a_file_may_have_is_no_raw_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(f"model: {name}\ndataset: h2o\n")
    (found,) = load(Evaluation, path).values()
    assert found.model == name
