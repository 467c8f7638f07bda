"""A search that is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from xreg.workbench.search.search import search
from xreg_tests.searches import recipe
from xreg_tests.warm import fork_workers


@pytest.fixture(scope="session")
def finished(water_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a search that has spent its budgets; read it."""
    folder = tmp_path_factory.mktemp("search") / "done"
    with fork_workers():
        search(recipe(water_store), folder, workers=1)
    return folder
