"""Where the inversion of a network breaks: layer by layer forward, and back by pseudo-inverses.

A network whose activations are one to one can be inverted layer by layer: the activation by its
inverse, the linear map by its pseudo-inverse. What a narrow layer has thrown away does not come
back, and what it has squeezed comes back with its errors blown up. This study shows where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from xreg.core.analysis import style
from xreg.core.analysis.context import AnalysisContext
from xreg.core.analysis.needs import NEEDS
from xreg.core.arrays import Array
from xreg.core.errors import NotApplicableError
from xreg.core.interfaces.analysis import Analysis, Drawing, Findings, Table, file_name
from xreg.plugins.decomposition.depths import DepthErrors, depth_errors, draw_depths
from xreg.plugins.decomposition.plugin import InversionConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

    from xreg.core.nn.bottleneck import Bottleneck
    from xreg.core.nn.layers import MLP

__all__ = [
    "INVERSES",
    "InversionAnalysis",
    "Layer",
    "LayerErrors",
    "invert_layers",
    "layers_of",
]

TINY = 1e-12


def _softplus(y: Array) -> Array:
    positive = np.maximum(y, TINY)
    return np.asarray(positive + np.log(-np.expm1(-positive)))


# Inverse of each activation that has one, and the open range of values that it is defined on.
INVERSES: dict[str, tuple[Callable[[Array], Array], float, float]] = {
    "LeakyReLU": (lambda y: np.where(y > 0, y, y / 0.01), -np.inf, np.inf),
    "ELU": (lambda y: np.where(y > 0, y, np.log1p(np.clip(y, -1 + TINY, 0))), -1.0, np.inf),
    "Tanh": (lambda y: np.arctanh(np.clip(y, -1 + TINY, 1 - TINY)), -1.0, 1.0),
    "Softplus": (_softplus, 0.0, np.inf),
}


@dataclass(frozen=True, eq=False)
class Layer:
    """One affine map ``a @ weight + bias``, and the activation after it.

    Attributes
    ----------
    name
        Where it stands.
    weight, bias
        (i, o) and (o,).
    activation
        Class name of the activation; empty for none.
    """

    name: str
    weight: Array
    bias: Array
    activation: str = ""


@dataclass(frozen=True, eq=False)
class LayerErrors:
    """Errors of the way back, at what each layer takes in.

    Attributes
    ----------
    whole
        (l,) relative error of a layer's input, inverted from the network's output.
    single
        (l,) the same, inverted from that layer's own true output: what it alone loses.
    outside
        (l,) share of the values found backward for a layer's output that its activation never
        gives; they are moved to the border of its range. 0 after a layer without activation.
    """

    whole: Array
    single: Array
    outside: Array


class InversionAnalysis(Analysis[InversionConfig]):
    """Send the judged part through each bijective encoder-decoder network and back."""

    name = "inversion"
    Config = InversionConfig

    def analyse(self, context: AnalysisContext) -> Findings:
        """Send the judged part through each bijective encoder-decoder network and back."""
        every = {
            label: getattr(decomposer, "network_", None)
            for label, decomposer in context.model.decomposers.items()
        }
        networks: dict[str, Any] = {
            name: found for name, found in every.items() if _invertible(found)
        }
        if not networks:  # settings that speak of an activation do not make it such a network
            raise NotApplicableError(f"analysis 'inversion' needs {NEEDS['inverse'].words}.")
        rows = context.rows[context.judged]
        if len(rows) > self.config.samples:
            rng = np.random.default_rng(context.seed)
            rows = np.sort(rng.choice(rows, self.config.samples, replace=False))
        x = np.asarray(context.inputs(rows))
        y = context.model.target_scaler.transform(context.known[rows])
        tables, drawings, words, metrics = [], [], [], {}
        for label, network in networks.items():
            layers = layers_of(network)
            own = invert_layers(layers, x, None, self.config.cutoff)
            real = invert_layers(layers, x, y, self.config.cutoff)
            conditions = [_condition(layer.weight) for layer in layers]
            metrics[label] = {
                "layers": [layer.name for layer in layers],
                "condition": conditions,
                "from_prediction": own.whole.tolist(),
                "from_known_spectra": real.whole.tolist(),
                "single_layer": own.single.tolist(),
                "outside": own.outside.tolist(),
                "outside_from_known_spectra": real.outside.tolist(),
            }
            depths = self._depths(layers, x, context.seed)
            metrics[label]["largest"] = {
                f"{threshold:g}": {
                    "from_prediction": found.from_output.tolist(),
                    "with_noise": found.with_noise.tolist(),
                    "to_layer_and_back": found.to_depth.tolist(),
                }
                for threshold, found in depths.items()
            }
            widest = int(np.argmax(own.single))
            words.append(
                f"{label}: on the way back, {layers[widest].name} loses most in one step "
                f"(relative error of its input {own.single[widest]:.2g}). The features come back "
                f"with a relative error of {own.whole[0]:.2g} from the network's own prediction, "
                f"and of {real.whole[0]:.2g} from the known spectra."
            )
            tables.append(_table(label, layers, conditions, own, real))
            drawings.append(
                Drawing(
                    file_name(label),
                    f"{label}: error of each layer's input on the way back",
                    "Error of each layer's input, relative to its spread, when it is found "
                    "backward by pseudo-inverses: from the network's own prediction, from the "
                    "known spectra, and from the layer's own output alone. At 1 (dotted) nothing "
                    "is known any more.",
                    partial(_draw, layers, own, real),
                )
            )
            first = next(i for i, layer in enumerate(layers) if layer.name.startswith("decoder"))
            drawings.append(
                Drawing(
                    f"{file_name(label)}-thresholds",
                    f"{label}: largest errors by threshold of the pseudo-inverse",
                    "Largest absolute error over all samples. (a) Of each layer's input, found "
                    "backward from the network's own prediction; dotted: from the prediction with "
                    "noise. (b) Of the features, after going forward to the end of each layer and "
                    "back from there. Dashed: the first layer behind the scores.",
                    partial(draw_depths, [layer.name for layer in layers], first, depths),
                )
            )
        return Findings(" ".join(words), metrics, tables, drawings)

    def _depths(self, layers: Sequence[Layer], x: Array, seed: int) -> dict[float, DepthErrors]:
        """Return the largest errors for each threshold."""
        inputs, outputs = _forward(layers, x)
        spread = self.config.noise * outputs[-1].std()
        noisy = outputs[-1] + np.random.default_rng(seed).normal(0, spread, outputs[-1].shape)

        @cache
        def inverse(i: int, threshold: float) -> Array:
            return np.asarray(np.linalg.pinv(layers[i].weight, rcond=threshold), np.float64)

        def undo(i: int, output: Array, threshold: float) -> Array:
            return _undo(layers[i], inverse(i, threshold), output)[0]

        thresholds: Sequence[float] = self.config.thresholds
        return {th: depth_errors(inputs, outputs, undo, th, noisy) for th in thresholds}


def _invertible(network: Any) -> bool:
    from xreg.core.nn.bottleneck import Bottleneck
    from xreg.core.nn.layers import MLP

    if not isinstance(network, Bottleneck) or not isinstance(network.encoder, MLP):
        return False
    return all(layer.activation in {"", *INVERSES} for layer in layers_of(network))


def layers_of(network: Bottleneck) -> list[Layer]:
    """Return encoder and decoder of the full rank as a chain of affine maps and activations."""
    from xreg.core.nn.layers import Linear

    found: list[Layer] = []
    for part, module in (("encoder", network.encoder), ("decoder", network.decoders[-1])):
        perceptron = cast("MLP", module)
        steps: list[nn.Module] = [perceptron.first, *perceptron.rest]
        linear = 0
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            if not isinstance(step, Linear):
                continue
            linear += 1
            last = following is None or isinstance(following, Linear)
            found.append(
                Layer(
                    f"{part} {linear}",
                    step.weight[0].detach().double().numpy(),
                    step.bias[0, 0].detach().double().numpy(),
                    "" if last else type(following).__name__,
                )
            )
    return found


def invert_layers(
    layers: Sequence[Layer], x: Array, y: Array | None, cutoff: float = 1e-10
) -> LayerErrors:
    """Go forward through all layers, and back by inverse activations and pseudo-inverses.

    Parameters
    ----------
    layers
        The chain.
    x
        (n, d) inputs.
    y
        (n, m) outputs to begin the way back from; those of the network if None.
    cutoff
        Relative singular value that counts as zero.
    """
    inputs, outputs = _forward(layers, x)
    whole, single, outside = (np.zeros(len(layers)) for _ in range(3))
    value: Array = outputs[-1] if y is None else y
    for i in range(len(layers) - 1, -1, -1):
        layer = layers[i]
        inverse = np.asarray(np.linalg.pinv(layer.weight, rcond=cutoff), dtype=np.float64)
        before, outside[i] = _undo(layer, inverse, value)
        alone, _ = _undo(layer, inverse, outputs[i])
        whole[i] = _relative(inputs[i], before)
        single[i] = _relative(inputs[i], alone)
        value = before
    return LayerErrors(whole, single, outside)


def _forward(layers: Sequence[Layer], x: Array) -> tuple[list[Array], list[Array]]:
    """Return what each layer takes in and gives out, its activation included."""
    import torch
    from torch import nn

    inputs: list[Array] = []
    outputs: list[Array] = []
    value = x
    for layer in layers:
        inputs.append(value)
        value = value @ layer.weight + layer.bias
        if layer.activation:
            value = getattr(nn, layer.activation)()(torch.from_numpy(value)).numpy()
        outputs.append(value)
    return inputs, outputs


def _undo(layer: Layer, inverse: Array, output: Array) -> tuple[Array, float]:
    """Return the input that gives an output, and the share of values that no input gives."""
    outside = 0.0
    if layer.activation:
        undo, low, high = INVERSES[layer.activation]
        outside = float(np.mean((output <= low) | (output >= high)))
        output = undo(output)
    return (output - layer.bias) @ inverse, outside


def _relative(true: Array, found: Array) -> float:
    spread = np.sum((true - true.mean(axis=0)) ** 2)
    return float(np.sqrt(np.sum((found - true) ** 2) / max(spread, TINY)))


def _condition(weight: Array) -> float:
    values = np.linalg.svd(weight, compute_uv=False)
    return float(values[0] / max(values[-1], TINY * values[0]))


def _table(
    label: str,
    layers: Sequence[Layer],
    conditions: Sequence[float],
    own: LayerErrors,
    real: LayerErrors,
) -> Table:
    rows = [
        [layer.name, f"{layer.weight.shape[0]} → {layer.weight.shape[1]}", condition,
         single, whole, known, 100 * outside, 100 * outside_known]
        for layer, condition, single, whole, known, outside, outside_known in zip(
            layers, conditions, own.single, own.whole, real.whole, own.outside, real.outside,
            strict=True,
        )
    ]  # fmt: skip
    return Table(
        file_name(label),
        f"{label}: error of each layer's input on the way back",
        ["layer", "width", "condition number", "from its own output", "from the prediction",
         "from known spectra", "out of range from the prediction (%)",
         "out of range from known spectra (%)"],
        rows,
        "Errors are relative to the spread over the samples. Out of range: the share of the "
        "values found for a layer's output that its activation cannot give; they are moved to the "
        "end of its range before the activation is inverted.",
    )  # fmt: skip


def _draw(layers: Sequence[Layer], own: LayerErrors, real: LayerErrors) -> Figure:
    figure = style.new_figure(3.2)
    axis = figure.subplots()
    place = np.arange(len(layers))
    for values, colour, mark, name in (
        (own.single, style.GUIDE, "s", "from its own output"),
        (own.whole, style.BIAS, "o", "from the prediction"),
        (real.whole, style.PREDICTED, "D", "from known spectra"),
    ):
        axis.plot(place, np.maximum(values, TINY), f"{mark}-", ms=4, color=colour, label=name)
    axis.axhline(1, color=style.TRUE, lw=0.7, ls=":")
    axis.set_yscale("log")
    names = [f"{layer.name}\n{layer.weight.shape[0]}→{layer.weight.shape[1]}" for layer in layers]
    axis.set_xticks(place, names)
    axis.set_ylabel("relative error of the layer's input")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
