"""Features of samples, batch by batch and checked."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from xreg.core import progress
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, PluginError, SampleError
from xreg.core.interfaces import Descriptor
from xreg.core.interfaces.outputs import real_numbers

__all__ = ["Featurizer", "build_features", "require_kind", "transformed"]

Featurizer = Callable[[Descriptor, Samples], NDArray[np.float64]]


def require_kind(descriptor: Descriptor, samples: Samples) -> None:
    """Raise `DataError` for samples of a kind that the descriptor does not take."""
    if not isinstance(samples, descriptor.accepts):
        raise DataError(
            f"descriptor '{descriptor.name}' takes {descriptor.accepts.kind}, but the samples are "
            f"{samples.in_words}."
        )


def transformed(descriptor: Descriptor, samples: Samples, width: int) -> NDArray[np.float64]:
    """Return the (n, width) features of n samples, which may not be finite.

    Raises
    ------
    PluginError
        If the descriptor returns anything else than real numbers of that shape, or changes the
        samples that it was given.
    """
    before = _sum_of(samples)
    given = descriptor.transform(samples)
    values = real_numbers(given, f"what descriptor '{descriptor.name}' returned")
    if values.shape != (len(samples), width):
        raise PluginError(
            f"descriptor '{descriptor.name}' returned an array of shape {values.shape} for "
            f"{len(samples)} samples and {width} feature labels; its plugin is at fault."
        )
    if _sum_of(samples) != before:
        raise PluginError(
            f"descriptor '{descriptor.name}' changed the samples that it was to describe; its "
            "plugin is at fault (it must copy what it writes to)."
        )
    return np.asarray(values, dtype=np.float64)


def _sum_of(samples: Samples) -> list[int]:
    """Return what tells whether samples in memory were changed."""
    parts = [getattr(samples, name, None) for name in ("numbers", "positions", "cell", "values")]
    return [crc32(np.ascontiguousarray(p).data) for p in parts if isinstance(p, np.ndarray)]


def build_features(
    descriptor: Descriptor, samples: Samples, batch: int = 256
) -> NDArray[np.float64]:
    """Return the (n, d) features, built batch by batch so that lazy samples stay lazy."""
    require_kind(descriptor, samples)
    width = len(descriptor.feature_labels)
    features = np.empty((len(samples), width))
    done = 0
    for part in samples.batches(batch):
        block = transformed(descriptor, part, width)
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
