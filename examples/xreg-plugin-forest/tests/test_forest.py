import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from xreg_forest.forest import Forest

from xreg.core.testing import EmulatorSuite


class TestForest(EmulatorSuite):
    component = Forest
    settings = {"trees": 10}


class TestBoosting(EmulatorSuite):
    component = Forest
    settings = {"method": "boosting", "trees": 20, "leaf": 5}


@pytest.mark.parametrize("targets", [1, 3])
def test_as_scikit_learn_predicts(targets, tmp_path):
    """The loaded arrays give scikit-learn's numbers."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 4)), rng.normal(size=(60, targets))
    model = RandomForestRegressor(10, random_state=0).fit(X, Y if targets > 1 else Y[:, 0])
    Forest(trees=10).fit(X, Y).save(tmp_path / "saved")
    found = Forest.load(tmp_path / "saved").predict(X)
    np.testing.assert_allclose(found, model.predict(X).reshape(60, targets), rtol=1e-12)
