"""The numbers of an HDF5 dataset, without those that its file only fills in."""

from __future__ import annotations

from math import ceil, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import h5py

__all__ = ["stored"]


def stored(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return the numbers of a dataset, NaN where none was ever written.

    HDF5 reads such places as a fill value, mostly 0: a scan that was broken off would end in
    zeros.
    """
    values = np.asarray(dataset[()])
    if not dataset.size:
        return values
    if dataset.chunks is None:
        if dataset.id.get_storage_size():
            return values
        return np.full(dataset.shape, np.nan)
    chunks = dataset.id.get_num_chunks()
    if chunks == prod(ceil(n / m) for n, m in zip(dataset.shape, dataset.chunks, strict=True)):
        return values
    found = np.full(dataset.shape, np.nan)
    for number in range(chunks):
        start = dataset.id.get_chunk_info(number).chunk_offset
        part = tuple(slice(a, a + m) for a, m in zip(start, dataset.chunks, strict=True))
        found[part] = values[part]
    return found
