"""Models saved with settings that a plugin no longer has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core import storage
from xreg.core.errors import DataError
from xreg.plugins.ridge.plugin import RidgeConfig
from xreg.plugins.ridge.ridge import Ridge


@pytest.fixture
def saved(tmp_path: Path) -> Any:
    """Save a model as an earlier version would have, with a setting that is gone today."""

    def save(value: object) -> tuple[Path, Ridge]:
        rng = np.random.default_rng(0)
        model = Ridge(alpha=0.1).fit(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
        model.save(tmp_path / "new")
        meta, arrays = storage.read(tmp_path / "new")
        own = {key: meta[key] for key in ("kind", "name", "config", "state", "code")}
        own["config"]["gone"] = value
        storage.write(tmp_path / "old", own, arrays)
        return tmp_path / "old", model

    return save


def test_one_that_made_no_difference_is_left_out(saved: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(RidgeConfig, "removed", {"gone": 1})
    folder, model = saved(1)
    x = np.ones((1, 3))
    np.testing.assert_array_equal(Ridge.load(folder).predict(x), model.predict(x))


@pytest.mark.parametrize("removed", [{}, {"gone": 1}])
def test_one_that_did_is_told_with_its_value(saved: Any, monkeypatch: Any, removed: Any) -> None:
    monkeypatch.setattr(RidgeConfig, "removed", removed)
    folder, _ = saved(2)
    with pytest.raises(DataError, match=r"saved with 'gone: 2', .* install the version"):
        Ridge.load(folder)
