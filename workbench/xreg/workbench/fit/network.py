"""A trained model of parameters as one differentiable function, from parameters to spectra."""

from __future__ import annotations

import torch
from torch import Tensor

from xreg.core.errors import DataError
from xreg.core.model.model import Model
from xreg.workbench.fit.misfit import Simulator

__all__ = ["network"]


def network(model: Model, precision: torch.dtype = torch.float64) -> Simulator:
    """Return a model's descriptor, scalers and emulator joined, in double precision or single.

    Raises
    ------
    DataError
        If the model takes no parameters, predicts no spectra, or one of its steps has no
        differentiable view.
    """
    if model.domain.kind != "parameters":
        raise DataError(
            f"the model was trained on {model.domain.kind}; only a model of parameters can be "
            "fitted to a spectrum."
        )
    if model.target.energy is None:
        raise DataError(
            f"the model predicts {', '.join(model.target.features)} and no spectrum; fit a model "
            "of a channel with energies."
        )
    inputs = model.features
    describe, predict = inputs.descriptor.torch_view(), model.emulator.torch_view()
    columns = torch.as_tensor(inputs.scaling.kept.columns)
    scaler, spectra_of = inputs.scaling.scaler, model.target_scaler.torch_inverse()
    mean, scale = (torch.as_tensor(a).to(precision) for a in (scaler.mean, scaler.scale))

    def spectra(values: Tensor) -> Tensor:
        features = (describe(values)[:, columns] - mean) / scale
        return spectra_of(predict(features))

    return Simulator(model.target.energy, spectra)
