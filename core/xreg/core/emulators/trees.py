"""Trees of scikit-learn as plain arrays: saved without pickle, evaluated without scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.arrays import Array
from xreg.core.errors import CorruptError, PluginError

__all__ = ["Trees"]

LEAF = -1


@dataclass(frozen=True, eq=False)
class Trees:
    """Decision trees, one after another in flat arrays; a prediction is a sum over trees.

    Attributes
    ----------
    feature
        (k,) column that a node looks at; -1 in a leaf.
    threshold
        (k,) a sample whose value is at most this goes left.
    left, right
        (k,) nodes where it goes.
    value
        (k, m) what a leaf contributes to the m targets.
    roots
        (t,) first node of each tree.
    base
        (m,) prediction before any tree.
    single
        Whether features are compared in single precision, as forests do.
    """

    feature: NDArray[np.int32]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: Array
    roots: NDArray[np.int32]
    base: Array
    single: bool = False

    @classmethod
    def of(cls, *models: Any) -> Self:
        """Take over fitted trees of scikit-learn.

        Parameters
        ----------
        models
            One of ``DecisionTreeRegressor``, ``RandomForestRegressor``, ``ExtraTreesRegressor``
            (of any number of targets), or one ``HistGradientBoostingRegressor`` for each target.

        Raises
        ------
        PluginError
            If they are others, or their features are categories.
        """
        if all(hasattr(model, "_predictors") for model in models):
            return cls._boosted(models)
        (model, *others) = models
        trees: list[Any] = [
            getattr(one, "tree_", None) for one in getattr(model, "estimators_", [model])
        ]
        if others or any(tree is None for tree in trees) or hasattr(model, "init_"):
            kinds = ", ".join(sorted({type(one).__name__ for one in models}))
            raise PluginError(
                f"the trees of {kinds} cannot be taken over; use a DecisionTreeRegressor, "
                "RandomForestRegressor or ExtraTreesRegressor, or a HistGradientBoostingRegressor "
                "for each target."
            )
        # (k, m, 1) values of the nodes; the forest predicts the mean of its trees.
        parts = [
            {
                "feature": np.where(tree.children_left < 0, LEAF, tree.feature),
                "threshold": tree.threshold,
                "left": tree.children_left,
                "right": tree.children_right,
                "value": tree.value[:, :, 0] / len(trees),
            }
            for tree in trees
        ]
        return cls._joined(parts, np.zeros(trees[0].value.shape[1]), single=True)

    @classmethod
    def _boosted(cls, models: Iterable[Any]) -> Self:
        models = list(models)
        parts = []
        for target, model in enumerate(models):
            if getattr(model, "is_categorical_", None) is not None:
                raise PluginError("trees that split categories cannot be taken over.")
            for (tree,) in model._predictors:
                nodes = tree.nodes
                leaf = nodes["is_leaf"].astype(bool)
                value = np.zeros((len(nodes), len(models)))
                value[leaf, target] = nodes["value"][leaf]
                parts.append(
                    {
                        "feature": np.where(leaf, LEAF, nodes["feature_idx"]),
                        "threshold": nodes["num_threshold"],
                        "left": nodes["left"],
                        "right": nodes["right"],
                        "value": value,
                    }
                )
        base = np.array([float(np.ravel(m._baseline_prediction)[0]) for m in models])
        return cls._joined(parts, base, single=False)

    @classmethod
    def _joined(cls, parts: list[dict[str, Any]], base: Array, single: bool) -> Self:
        sizes = [len(part["feature"]) for part in parts]
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        for part, root in zip(parts, roots, strict=True):
            leaf = np.asarray(part["feature"]) == LEAF
            for side in ("left", "right"):
                part[side] = np.where(leaf, 0, part[side]) + root
        kinds = {"feature": np.int32, "left": np.int32, "right": np.int32}
        whole: dict[str, Any] = {
            key: np.concatenate([part[key] for part in parts]).astype(kinds.get(key, np.float64))
            for key in ("feature", "threshold", "left", "right", "value")
        }
        return cls(**whole, roots=roots, base=base, single=single)

    def predict(self, X: Array) -> Array:
        """Return the (n, m) sums over all trees for (n, d) features."""
        x = X.astype(np.float32) if self.single else X
        rows, total = np.arange(len(x)), np.tile(self.base, (len(x), 1))
        for root in self.roots:
            at = np.full(len(x), root)
            while (inner := np.flatnonzero(self.feature[at] != LEAF)).size:
                node = at[inner]
                low = x[rows[inner], self.feature[node]] <= self.threshold[node]
                at[inner] = np.where(low, self.left[node], self.right[node])
            total += self.value[at]
        return total

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what it takes to rebuild them, for an emulator's ``state``."""
        return {**vars(self), "single": np.array(self.single)}

    @classmethod
    def rebuilt(cls, arrays: Mapping[str, NDArray[Any]], features: int) -> Self:
        """Take back :meth:`arrays`, for an emulator's ``restore``.

        Raises
        ------
        CorruptError
            If they do not fit together: a node that leads nowhere, or round in circles.
        """
        wanted = set(cls.__dataclass_fields__)
        if set(arrays) != wanted:
            raise CorruptError(f"trees need the arrays {', '.join(sorted(wanted))}.")
        given: dict[str, Any] = {**arrays, "single": bool(arrays["single"])}
        found = cls(**given)
        nodes, number = found.feature, len(found.feature)
        inner = np.flatnonzero(nodes != LEAF)
        one_each = all(len(getattr(found, k)) == number for k in ("threshold", "left", "right"))
        sound = (
            one_each
            and found.value.ndim == 2
            and found.value.shape == (number, len(found.base))
            and ((found.roots >= 0) & (found.roots < number)).all()
            and ((nodes[inner] >= 0) & (nodes[inner] < features)).all()
            # Children come after their parent, so that every way ends.
            and all(
                ((side[inner] > inner) & (side[inner] < number)).all()
                for side in (found.left, found.right)
            )
        )
        if not sound:
            raise CorruptError("its trees do not fit together; the file is damaged.")
        return found
