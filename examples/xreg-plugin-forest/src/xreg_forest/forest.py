"""The method: imported when the emulator is first used."""

import numpy as np

from xreg.core.emulators.trees import Trees
from xreg.core.interfaces import Emulator
from xreg_forest.plugin import ForestConfig


class Forest(Emulator):
    """A random forest of all targets, or gradient-boosted trees for each (scikit-learn)."""

    name = "forest"
    Config = ForestConfig

    def _fit(self, X, Y, validation):
        from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

        trees, leaf, seed = self.config.trees, self.config.leaf, self.config.seed
        if self.config.method == "forest":
            models = [RandomForestRegressor(trees, min_samples_leaf=leaf, random_state=seed)]
            models[0].fit(X, Y if Y.shape[1] > 1 else Y[:, 0])
        else:
            boosted = {"max_iter": trees, "min_samples_leaf": leaf, "early_stopping": False}
            models = [
                HistGradientBoostingRegressor(**boosted, random_state=seed).fit(X, y)
                for y in np.ascontiguousarray(Y.T)
            ]
        self.trees_ = Trees.of(*models)  # arrays: the objects of scikit-learn are not kept

    def _predict(self, X):
        return self.trees_.predict(X), None

    def state(self):
        """Return JSON values, and the arrays of the trees."""
        values, arrays = super().state()
        return values, {**arrays, **values.pop("trees_").arrays()}

    def restore(self, values, arrays):
        """Take them back."""
        super().restore(values, {})
        self.trees_ = Trees.rebuilt(arrays, self.n_features_in_)
