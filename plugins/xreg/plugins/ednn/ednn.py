"""Encoder-decoder networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from xreg.core.arrays import Array
from xreg.core.decomposers.linear import representative_rows
from xreg.core.errors import DataError
from xreg.core.interfaces import Decomposer, Emulator, State
from xreg.core.model.scaling import varying
from xreg.core.nn import training
from xreg.core.nn.bottleneck import Bottleneck, Orthonormal, fit_bottleneck
from xreg.core.nn.inverse import fit_scores
from xreg.core.nn.layers import MLP
from xreg.core.nn.weights import stored, taken
from xreg.plugins.ednn.inverse import features_with_scores
from xreg.plugins.ednn.plugin import EDNNConfig

__all__ = ["EDNN"]

REACHED = 1e-6  # distance from scores, in their standard deviations, that counts as there


class EDNN(Decomposer[EDNNConfig]):
    """A few non-linear scores of the features, and the networks that predict spectra from them.

    Passilahti, Vladyka & Niskanen, arXiv:2406.14044 (2024): encoder, k scores, decoder, trained
    jointly, from several random starts, of which the best is kept. Here the scores are nested: one
    encoder gives all k, and the first 1, 2, … k of them feed a decoder each; the loss is the mean
    over the decoders. So the first score says as much about the spectrum as one number can (but for
    the little that the others' needs cost it), and every rank has its covered variance. With
    ``nested: false`` the encoder serves the k scores together alone, as published, where each k has
    a network of its own; decoders of fewer scores then learn from what it gives. Scores have zero
    mean and unit variance on the training set.

    Attributes
    ----------
    start_r2_
        (starts,) mean R² of each start over the ranks, by which one was chosen.
    mean_, scale_
        (k,) mean and standard deviation of the encoder's output, the scale signed such that a score
        rises with the feature that it correlates with most.
    candidates_, samples_
        (c, k) scores and (c, d) features of training samples, where inversions start.
    """

    name: ClassVar[str] = "ednn"
    Config = EDNNConfig
    needs_emulator: ClassVar[bool] = False
    start_r2_: Array
    mean_: Array
    scale_: Array
    candidates_: Array
    samples_: Array
    network_: Bottleneck

    @property
    def rank(self) -> int:
        """Number k of scores."""
        self.require_fitted()
        return len(self.mean_)

    def fit(self, X: ArrayLike, Y: ArrayLike, emulator: Emulator | None = None) -> Self:
        """Train on (n, d) standardised features and (n, m) scaled targets.

        Raises
        ------
        DataError
            If there are fewer features than scores, the targets do not vary, or the encoder gives
            every sample the same score.
        RunError
            If training diverges.
        """
        x, y = self._clean(X, Y)
        self.require_rank((len(x), int(varying(x).sum())))

        def build(models: int) -> Bottleneck:
            return self._build(x.shape[1], y.shape[1], models)

        network, self.start_r2_ = fit_bottleneck(
            build, x, y, self.config, "EDNN", nested=self.config.nested
        )
        _absorb_constants(network.encoder, x)
        raw = network.encoder(torch.tensor(x))[0].numpy()
        spread = raw.std(axis=0)
        if not spread.min() > 0:
            raise DataError(
                f"decomposer '{self.name}': score {int(spread.argmin()) + 1} is the same for every "
                "sample; lower weight_decay, learning_rate or rank."
            )
        slope = (raw - raw.mean(axis=0)).T @ x / np.maximum(x.std(axis=0), 1e-12)
        strongest = np.take_along_axis(slope, np.abs(slope).argmax(1)[:, None], axis=1)[:, 0]
        self.emulator = emulator
        self.network_ = network
        self.mean_ = raw.mean(axis=0)
        self.scale_ = np.where(strongest < 0, -spread, spread)
        self.samples_ = x[representative_rows(len(x))]
        self.candidates_ = self.transform(self.samples_)
        return self

    def _build(self, n_in: int, n_out: int, models: int = 1) -> Bottleneck:
        def perceptron(n_in: int, widths: tuple[int, ...], n_out: int) -> MLP:
            return MLP(n_in, widths, n_out, models=models, activation=self.config.activation)

        after = self.config.decoder(n_out)
        return Bottleneck(
            perceptron(n_in, self.config.encoder(n_in), self.config.rank),
            [perceptron(j, after, n_out) for j in range(1, self.config.rank + 1)],
        )

    @torch.no_grad()
    def transform(self, X: ArrayLike) -> Array:
        """Return the (n, k) scores of (n, d) features."""
        self.require_fitted()
        x = self._features(X, self.samples_.shape[1])
        with training.threads(self.config.threads):
            return np.asarray(self._encode(torch.tensor(x)))

    def _encode(self, x: Tensor) -> Tensor:
        raw: Tensor = self.network_.encoder(x)[0]
        return (raw - torch.tensor(self.mean_)) / torch.tensor(self.scale_)

    @torch.no_grad()
    def decode(self, t: ArrayLike) -> Array:
        """Return the (n, m) spectra of the first j scores (n, j), by the decoder of that rank."""
        self.require_fitted()
        with training.threads(self.config.threads):
            return np.asarray(self._decode(torch.tensor(self._scores(t))))

    def _decode(self, t: Tensor) -> Tensor:
        j = t.shape[1]
        raw = t * torch.tensor(self.scale_[:j]) + torch.tensor(self.mean_[:j])
        spectra: Tensor = self.network_.decoders[j - 1](raw)[0]
        return spectra

    def inverse_transform(self, t: ArrayLike) -> Array:
        """Return (n, d) features whose first j scores are (n, j) given ones.

        Many features have the same scores, and the network does not know which of them exist. These
        are the ones found by short steps from the training sample whose scores are nearest: an
        example, not the structure.

        Raises
        ------
        DataError
            If no features with some scores are found, as for scores far from any in training.
        """
        self.require_fitted()
        scores = self._scores(t)
        j = scores.shape[1]
        wanted = torch.tensor(scores)
        if not torch.isfinite(wanted).all():
            raise DataError(f"decomposer '{self.name}': scores must be finite.")
        nearest = torch.cdist(wanted, torch.tensor(self.candidates_[:, :j])).argmin(1)
        with training.threads(self.config.threads), torch.no_grad():
            found, left = features_with_scores(
                lambda x: self._encode(x)[:, :j], wanted, torch.tensor(self.samples_)[nearest]
            )
        missed = np.flatnonzero(~(left.numpy() < REACHED))
        if len(missed):
            raise DataError(
                f"decomposer '{self.name}' finds no features with the scores of {len(missed)} of "
                f"{len(scores)} rows, the first of them row {missed[0]}; choose scores nearer to "
                "those of training samples."
            )
        return np.asarray(found)

    def reconstruct(self, Y: ArrayLike, *, starts: int = 8) -> Array:
        """Return the (n, k) scores whose decoded spectra fit given spectra best (least squares).

        Where several scores give one spectrum, it is one of them; where the spectrum is unlike any
        in training, the scores may lie where no features lead, and :meth:`inverse_transform` says
        so.

        Parameters
        ----------
        Y
            (n, m) spectra, scaled as the targets of ``fit``.
        starts
            Searches for each spectrum, from training scores spread over the range.
        """
        self.require_fitted()
        known = torch.tensor(self._spectra(Y))
        start = torch.tensor(self.candidates_)
        return fit_scores(self._decode, known, start, starts=starts).numpy()

    def state(self) -> State:
        """Return scaling, samples and weights."""
        self.require_fitted()
        values, arrays = super().state()
        network = values.pop("network_")
        values["n_targets"] = network.decoders[-1].n_out
        return values, arrays | stored(network, "network")

    def restore(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what :meth:`state` returned."""
        weights, others = taken(arrays, "network")
        super().restore({}, others)
        self.network_ = self._build(self.samples_.shape[1], values["n_targets"])
        self.network_.load_state_dict(weights, assign=True)
        self.network_.requires_grad_(False).eval()


@torch.no_grad()
def _absorb_constants(encoder: MLP | Orthonormal, x: Array) -> None:
    """Move what constant features add to the first layer into its bias, which they are to it.

    The encoder then does not depend on them, and no search for features moves them.
    """
    assert isinstance(encoder, MLP)
    still = torch.tensor(~varying(x))
    weight = encoder.first.weight
    encoder.first.bias += torch.tensor(x.mean(axis=0))[still] @ weight[:, still]
    weight[:, still] = 0
