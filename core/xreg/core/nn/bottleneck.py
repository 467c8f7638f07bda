"""Networks whose spectra pass through a few scores: encoder, scores, one decoder for each rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from xreg.core.nn.layers import MLP
from xreg.core.nn.losses import Loss, regression_loss
from xreg.core.nn.settings import BottleneckConfig
from xreg.core.nn.training import generators, train
from xreg.core.nn.training_data import single, with_validation

__all__ = ["Bottleneck", "Orthonormal", "fit_bottleneck"]


LOWER = 1e-3  # weight of decoders that the encoder does not serve


class _OrthonormalColumns(nn.Module):
    """The Q of the QR decomposition with a positive diagonal of R, which makes it unique."""

    def forward(self, raw: Tensor) -> Tensor:
        q, r = torch.linalg.qr(raw)
        sign = torch.where(r.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0)
        return q * sign[..., None, :].to(q.dtype)


class Orthonormal(nn.Module):
    """M linear maps without bias whose (M, d, k) ``weight`` has orthonormal columns, always."""

    weight: Tensor

    def __init__(self, models: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(n_in, n_out).repeat(models, 1, 1))
        parametrize.register_parametrization(self, "weight", _OrthonormalColumns())

    def forward(self, x: Tensor) -> Tensor:
        """Map (M, n, d) to (M, n, k)."""
        return torch.bmm(x, self.weight)

    @torch.no_grad()
    def reset(self, draws: Sequence[torch.Generator]) -> None:
        """Draw the directions of network i from generator i, all equally likely."""
        raw = self.get_parameter("parametrizations.weight.original")
        for matrix, draw in zip(raw, draws, strict=True):
            matrix.normal_(generator=draw)


class Bottleneck(nn.Module):
    """M networks: an encoder to k scores, and decoders that see the first j of them.

    Parameters
    ----------
    encoder
        (M, n, d) features to (M, n, k) scores.
    decoders
        Each maps the first ``n_in`` scores, (M, n, n_in), to (M, n, m) spectra.
    """

    def __init__(self, encoder: MLP | Orthonormal, decoders: Sequence[MLP]) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoders = nn.ModuleList(decoders)

    def reset(self, draws: Sequence[torch.Generator]) -> None:
        """Draw all weights of network i from generator i."""
        for part in (self.encoder, *self.decoders):
            if isinstance(part, MLP):
                part.reset("he-uniform", draws)
            elif isinstance(part, Orthonormal):
                part.reset(draws)


def fit_bottleneck(
    build: Callable[[int], Bottleneck],
    X: NDArray[np.float64],
    Y: NDArray[np.float64],
    config: BottleneckConfig,
    task: str,
    *,
    nested: bool = True,
) -> tuple[Bottleneck, NDArray[np.float64]]:
    """Train several networks from random starts as one batch, and keep the best.

    The loss is 1 - R² of the spectra (the generalised covered variance), a mean over the decoders.

    Parameters
    ----------
    build
        Makes a module of so many networks.
    X, Y
        (n, d) features and (n, m) targets.
    config
        Starts, training, early stopping.
    task
        Name under which progress is reported.
    nested
        Whether the encoder serves all decoders alike, or the last alone: then the others learn
        from the scores that it gives, and weigh a thousandth in the choice of the best.

    Returns
    -------
    Bottleneck, array
        The one network in double precision, and the (starts,) mean R² by which it was chosen: on
        the samples set aside for early stopping, or over the last epochs of training without it.
    """
    data, held = with_validation(single(X, Y), None, config)
    draws = generators(config.seed, config.starts)
    module = build(config.starts)
    module.reset(draws)
    history = train(
        module,
        _mean_over_decoders(data[1], nested),
        data,
        config,
        models=config.starts,
        draws=draws,
        validation=held,
        task=task,
    )
    loss = history.train[-1]
    if held is not None:
        chosen = (history.epoch[:, None] == history.best_epoch).int().argmax(0)
        loss = history.validation.gather(0, chosen[None])[0]
    best = int(loss.argmin())
    one = build(1)
    one.load_state_dict({key: t[best : best + 1] for key, t in module.state_dict().items()})
    return one.double().requires_grad_(False).eval(), 1 - loss.double().numpy()


def _mean_over_decoders(targets: Tensor, nested: bool) -> Loss:
    missing = regression_loss("r2", targets)

    def own(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        assert isinstance(module, Bottleneck)
        t = module.encoder(x)
        *lower, last = module.decoders
        whole = missing(last, t, y)
        for decoder in lower:
            # Adam takes no notice of a factor on a loss; nothing of it reaches the encoder.
            whole = whole + LOWER * missing(decoder, t.detach()[..., : decoder.n_in], y)
        return whole / (1 + LOWER * len(lower))

    def loss(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        assert isinstance(module, Bottleneck)
        t = module.encoder(x)
        return torch.stack(
            [missing(decoder, t[..., : decoder.n_in], y) for decoder in module.decoders]
        ).mean(0)

    return loss if nested else own
