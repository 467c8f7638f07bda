"""What a run learns before its emulator is learned once, from the training samples alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xreg.core.model.filters import FeatureFilter
from xreg.core.model.preprocessing import Preprocessing
from xreg.core.model.target_transforms import TargetTransform
from xreg.plugins.coulomb.coulomb import Coulomb
from xreg.plugins.internal.internal import Internal
from xreg.plugins.ridge.ridge import Ridge
from xreg.registry.stores.store import open_store
from xreg.workbench.run.recipe import load_recipe
from xreg.workbench.run.run import execute


@pytest.mark.parametrize("component", [Internal, Coulomb])
def test_each_step_is_fitted_once(
    component: type, water_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: Counter[str] = Counter()
    seen: list[set[str]] = []

    def count(owner: type, name: str, label: str) -> None:
        original = getattr(owner, name)
        bound = original.__func__ if hasattr(original, "__func__") else original

        def counted(self: Any, *arguments: Any, **named: Any) -> Any:
            fits[label] += 1
            if label == "descriptor":
                seen.append(set(arguments[0].ids.tolist()))
            return bound(self, *arguments, **named)

        monkeypatch.setattr(owner, name, classmethod(counted) if bound is not original else counted)

    count(component, "fit", "descriptor")
    count(FeatureFilter, "fit", "filter")
    count(Preprocessing, "prepare", "preprocessing")
    count(TargetTransform, "fit", "targets")
    count(Ridge, "_fit", "emulator")
    recipe = {
        "dataset": str(water_store),
        "descriptor": component.name,
        "emulator": {"name": "ridge", "alpha": 1e-3},
        "analyses": {},
    }
    execute(load_recipe(None, recipe), tmp_path / "run")
    assert fits == {"descriptor": 1, "preprocessing": 1, "filter": 1, "targets": 1, "emulator": 1}
    train = open_store(water_store).splits["default"].train
    assert seen == [set(np.asarray(train).tolist())]
