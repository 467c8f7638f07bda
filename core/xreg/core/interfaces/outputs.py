"""What a component returns, as real numbers; a plugin that returns anything else is at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xreg.core.errors import PluginError

__all__ = ["real_numbers"]


def real_numbers(values: Any, what: str) -> NDArray[Any]:
    """Return what a component gave as an array of real numbers.

    Parameters
    ----------
    values
        An array, or what NumPy makes one of.
    what
        Component and output in words, for the message.

    Raises
    ------
    PluginError
        If it is complex (whose imaginary part would be lost), sparse, of objects or of texts.
    """
    try:
        found = np.asarray(values)
    except (ValueError, TypeError, RuntimeError):  # ragged lists, a tensor that needs a gradient
        found = np.array(None)
    if found.dtype.kind in "fiub":
        return found
    kind = type(values).__name__ if found.dtype == object else f"{found.dtype}"
    raise PluginError(
        f"{what} is of type {kind}, no array of real numbers; its plugin is at fault."
    )
