"""The training of a run."""

from __future__ import annotations

import logging
import random
import sys
from dataclasses import replace

import numpy as np

from xreg.core.analysis.weights import learn_weights
from xreg.core.model.model import Model
from xreg.workbench.recipes.splits import split_group
from xreg.workbench.run.preparation import Prepared, Stages

__all__ = ["seed_everything", "train"]

log = logging.getLogger("xreg.run")


def train(ready: Prepared, stages: Stages) -> Model:
    """Learn the weights of blocks where the recipe asks for that; fit emulator and decomposers."""
    samples, rows, known = ready.resolved.dataset.samples, ready.rows, ready.known
    train, held = samples[rows["train"]], rows["validation"]
    validation = (samples[held], known[held]) if len(held) else None
    pipeline = ready.resolved.pipeline
    if ready.resolved.recipe.features.weights == "learn":
        with stages("weights of blocks"):
            weights = _weights(ready)
        preprocessing = replace(pipeline.preprocessing, weights=tuple(weights.items()))
        pipeline = replace(pipeline, preprocessing=preprocessing)
    return pipeline.fit(
        train, known[rows["train"]], ready.target, validation, stages, descriptor=ready.descriptor
    )


def _weights(ready: Prepared) -> dict[str, float]:
    """Return the weights of the blocks that are best on folds of the training samples."""
    rows, dataset = ready.rows["train"], ready.resolved.dataset
    descriptor = ready.descriptor
    assert descriptor is not None  # the recipe has a list of them
    X = ready.resolved.pipeline.featurize(descriptor, dataset.samples[rows])
    sources = np.array([label.source for label in descriptor.feature_labels])
    blocks = {name: X[:, sources == name] for name in dict.fromkeys(sources.tolist())}
    group = split_group(dataset, ready.resolved.recipe.split.group)
    groups = None if group is None else dataset.label(group)[rows]
    seed = ready.resolved.recipe.seed
    weights, score = learn_weights(blocks, ready.known[rows], groups, seed)
    words = ", ".join(f"{name} {value:.3g}" for name, value in weights.items())
    ready.remarks.append(
        f"Blocks of features weigh {words}, as a kernel ridge regression errs least with on folds "
        f"of the training samples (R² {score:.3f} there)."
    )
    log.info("%s", ready.remarks[-1])
    return weights


def seed_everything(seed: int) -> None:
    """Seed the global generators too, for components that use them in spite of their settings."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
