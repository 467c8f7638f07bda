"""What an analysis may need of a model and its data, known before any training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xreg.core.analysis.windows import in_window
from xreg.core.config import Config
from xreg.core.errors import NotApplicableError
from xreg.core.hooks import AnalysisSpec

if TYPE_CHECKING:
    from xreg.core.analysis.context import AnalysisData
    from xreg.core.model.model import Model
    from xreg.core.model.pipeline import Pipeline

__all__ = ["NEEDS", "ONE_TO_ONE", "Need", "require"]

# Activations that have an inverse, as settings of networks name them.
ONE_TO_ONE = ("elu", "leaky-relu", "softplus", "tanh")


@dataclass(frozen=True)
class Need:
    """Something that an analysis cannot do without, known before any training.

    Attributes
    ----------
    words
        What it is (``"spectra on an energy grid"``).
    met
        Whether a model, fitted or not, and data have it.
    """

    words: str
    met: Callable[[Pipeline | Model, AnalysisData], bool]


def _has_inverse(model: Pipeline | Model) -> bool:
    """Tell from the settings whether some decomposer is a network that can be inverted."""
    from xreg.core.decomposers.linear import (
        LinearDecomposer,  # whose encoder is a matrix without activation
    )

    return any(
        getattr(decomposer.config, "activation", "") in ONE_TO_ONE
        and not isinstance(decomposer, LinearDecomposer)
        for decomposer in model.decomposers.values()
    )


def _has_trust(model: Pipeline | Model, data: AnalysisData) -> bool:
    from xreg.core.model.model import Model  # names of needs are listed without any model
    from xreg.core.model.trust import FEWEST

    if isinstance(model, Model) and model.trust is not None:
        return True
    return data.retrainable and len(data.rows.get("validation", ())) >= FEWEST


NEEDS: Mapping[str, Need] = {
    "spectra": Need("spectra on an energy grid", lambda m, d: d.target.energy is not None),
    "features": Need("a model with a descriptor", lambda m, d: m.descriptor is not None),
    "structures": Need("samples that are structures", lambda m, d: d.samples.kind == "structures"),
    "parameters": Need("samples that are parameters", lambda m, d: d.samples.kind == "parameters"),
    "decomposer": Need("a model with a decomposer", lambda m, d: bool(m.decomposers)),
    "inverse": Need(
        "a decomposer that is an encoder-decoder network with a one-to-one activation "
        f"({', '.join(ONE_TO_ONE)}), such as ednn with activation: leaky-relu",
        lambda m, d: _has_inverse(m),
    ),
    "trust": Need(
        "a model that was judged on at least 30 validation samples when it was trained",
        _has_trust,
    ),
    "training": Need(
        "the training data, to train again (only 'xreg run' has them)", lambda m, d: d.retrainable
    ),
}


def require(
    spec: AnalysisSpec, model: Pipeline | Model, data: AnalysisData, config: Config | None = None
) -> None:
    """Raise :class:`NotApplicableError` for what model or data lack.

    With settings, also refuse a label (``group``, ``label``, ``labels``) or an energy window
    (``window``, ``windows``) that the data do not have: that is known before any training.
    """
    lacks = [NEEDS[name].words for name in spec.needs if not NEEDS[name].met(model, data)]
    if lacks:
        raise NotApplicableError(f"analysis '{spec.name}' needs {' and '.join(lacks)}.")
    labels = [getattr(config, name, "") for name in ("group", "label")]
    for label in filter(None, [*labels, *getattr(config, "labels", ())]):
        data.label(label, data.judged)
    windows = [getattr(config, "window", None), *(getattr(config, "windows", None) or ())]
    if data.target.energy is not None:
        for window in windows:
            in_window(data.target.energy, window, 1)
