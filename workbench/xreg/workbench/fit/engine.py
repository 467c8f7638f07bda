"""An exact generator as a function from parameters to spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from xreg.core.data.samples import Parameters
from xreg.core.errors import ConfigError, DataError, XregError, did_you_mean
from xreg.core.interfaces import SpectrumGenerator
from xreg.workbench.fit.misfit import Simulator

__all__ = ["engine"]


def engine(
    generator: SpectrumGenerator, channel: str, names: Sequence[str], units: Sequence[str]
) -> Simulator:
    """Return a generator's channel as a simulator, many spectra at a call.

    Raises
    ------
    ConfigError
        If the generator takes no parameters, lacks the channel, or cannot run here.
    """
    who = f"generator '{generator.name}'"
    if generator.accepts is not Parameters:
        raise ConfigError(f"{who} takes {generator.accepts.kind}, not parameters; name another.")
    grids = generator.grids()
    if channel not in grids:
        raise ConfigError(f"{who} has no channel '{channel}'{did_you_mean(channel, grids)}.")
    if not (state := generator.available()):
        raise ConfigError(f"{who} cannot run here: {state.reason}")

    def spectra(values: Tensor) -> Tensor:
        ids = [f"point-{i}" for i in range(len(values))]
        found = generator.generate_many(Parameters(ids, values.numpy(), names, units))
        rows = []
        for spectrum in found:
            if isinstance(spectrum, XregError):
                raise DataError(f"{who} fails at a point of the fit: {spectrum}")
            rows.append(spectrum.channels[channel])
        return torch.as_tensor(np.array(rows, dtype=np.float64))

    return Simulator(np.asarray(grids[channel], dtype=np.float64), spectra)
