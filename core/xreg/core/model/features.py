"""Features of samples, batch by batch and checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, PluginError, SampleError
from xreg.core.interfaces import Descriptor

__all__ = ["Featurizer", "build_features", "require_kind"]

Featurizer = Callable[[Descriptor, Samples], NDArray[np.float64]]


def require_kind(descriptor: Descriptor, samples: Samples) -> None:
    """Raise `DataError` for samples of a kind that the descriptor does not take."""
    if not isinstance(samples, descriptor.accepts):
        raise DataError(
            f"descriptor '{descriptor.name}' takes {descriptor.accepts.kind}, but the samples are "
            f"{samples.in_words}."
        )


def build_features(
    descriptor: Descriptor, samples: Samples, batch: int = 256
) -> NDArray[np.float64]:
    """Return the (n, d) features, built batch by batch so that lazy samples stay lazy."""
    require_kind(descriptor, samples)
    width = len(descriptor.feature_labels)
    features = np.empty((len(samples), width))
    done = 0
    for part in samples.batches(batch):
        block = np.asarray(descriptor.transform(part))
        if block.shape != (len(part), width):
            raise PluginError(
                f"descriptor '{descriptor.name}' returned an array of shape {block.shape} for "
                f"{len(part)} samples and {width} feature labels."
            )
        if not np.isfinite(block).all():
            bad = int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise SampleError(
                f"descriptor '{descriptor.name}' gives values that are not finite for sample "
                f"'{part.ids[bad]}'."
            )
        features[done : done + len(part)] = block
        done += len(part)
        progress.report("features", done, len(samples))
    return features
