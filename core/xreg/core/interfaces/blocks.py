"""Several descriptors as one: their columns side by side, each told by where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from xreg.core.config import Config
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError, SampleError
from xreg.core.interfaces import Descriptor, FeatureLabel

if TYPE_CHECKING:
    from xreg.core.interfaces.component import State

__all__ = ["Blocks", "block_scales", "parts_of"]


class BlocksConfig(Config):
    """No settings: the descriptors have their own."""


class Blocks(Descriptor[BlocksConfig]):
    """Several descriptors of the same samples.

    It is put together by whoever has the descriptors and is no plugin; a model saves them one by
    one.

    Parameters
    ----------
    parts
        The descriptors by the label that their columns begin with.

    Raises
    ------
    DataError
        If they take samples of different kinds.
    """

    name: ClassVar[str] = "blocks"
    Config = BlocksConfig

    def __init__(self, parts: Mapping[str, Descriptor]) -> None:
        super().__init__()
        self.parts = dict(parts)
        kinds = {part.accepts for part in self.parts.values()} - {Samples}  # which takes any
        if len(kinds) > 1:
            names = ", ".join(f"'{label}' ({p.accepts.kind})" for label, p in self.parts.items())
            raise DataError(f"descriptors in one list take samples of one kind, not {names}.")
        self.accepts = kinds.pop() if kinds else Samples  # type: ignore[misc]

    def __sklearn_clone__(self) -> Self:
        return type(self)({k: part.__sklearn_clone__() for k, part in self.parts.items()})

    def __repr__(self) -> str:
        return " + ".join(repr(part) for part in self.parts.values())

    def fit(self, samples: Samples, y: Any = None) -> Self:
        """Fit each to the same samples."""
        for part in self.parts.values():
            part.fit(samples, y)
        self.fitted_ = True
        return self

    def transform(self, samples: Samples) -> NDArray[np.float64]:
        """Return the (n, d) features of all, one after the other."""
        return np.hstack([part.transform(samples) for part in self.parts.values()])

    @property
    def feature_labels(self) -> Sequence[FeatureLabel]:
        """What each column means, with the label of its descriptor before it."""
        return [
            replace(one, name=f"{k}: {one.name}", block=f"{k}: {one.block or 'features'}", source=k)
            for k, part in self.parts.items()
            for one in part.feature_labels
        ]

    @property
    def remarks(self) -> Sequence[str]:
        """What the reader of results must know, of each."""
        return [remark for part in self.parts.values() for remark in part.remarks]

    def readable(
        self, features: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], Sequence[FeatureLabel]]:
        """Return what a reader can picture of each."""
        found, labels, start = [], [], 0
        for key, part in self.parts.items():
            width = len(part.feature_labels)
            values, own = part.readable(features[:, start : start + width])
            found.append(values)
            labels += [replace(one, name=f"{key}: {one.name}", source=key) for one in own]
            start += width
        return np.hstack(found), labels

    @property
    def needs_labels(self) -> Sequence[str]:
        """Labels that any of them reads."""
        names = (name for part in self.parts.values() for name in part.needs_labels)
        return list(dict.fromkeys(names))

    def unusable(self, samples: Samples) -> dict[int, SampleError]:
        """Return why samples cannot be described by all of them."""
        found: dict[int, SampleError] = {}
        for part in self.parts.values():
            found = part.unusable(samples) | found
        return found

    def torch_view(self) -> Any:
        """Return ``transform`` as a differentiable function, where each has one."""
        import torch

        views = [part.torch_view() for part in self.parts.values()]
        return lambda x: torch.cat([view(x) for view in views], dim=1)

    def state(self) -> State:
        """Return what all have learned, with the label of each before its names."""
        values: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for key, part in self.parts.items():
            own, more = part.state()
            values |= {f"{key}.{name}": value for name, value in own.items()}
            arrays |= {f"{key}.{name}": array for name, array in more.items()}
        return values, arrays


def parts_of(descriptor: Descriptor) -> dict[str, Descriptor]:
    """Return the descriptors of several by label; one alone has the label that is empty."""
    return descriptor.parts if isinstance(descriptor, Blocks) else {"": descriptor}


def block_scales(
    sources: Sequence[str], varying: NDArray[np.bool_], weights: Mapping[str, float]
) -> NDArray[np.float64]:
    """Return (d,) factors after which blocks of standardised columns have their weights.

    A block then adds to the squared distance of two samples in proportion to its weight, however
    many columns it has, and the mean square over all columns stays one. One block alone is left
    as it is.

    Parameters
    ----------
    sources
        Block of each of the d columns.
    varying
        (d,) which columns vary in training.
    weights
        Weight of each block; one for a block that is not named.
    """
    names = list(dict.fromkeys(sources))
    if len(names) < 2:
        return np.ones(len(sources))
    block = np.array([names.index(one) for one in sources])
    weight = np.array([weights.get(name, 1.0) for name in names])
    columns = np.bincount(block[varying], minlength=len(names))
    weight = np.where(columns > 0, weight, 0.0)
    if not weight.sum():
        raise DataError("the weights of all blocks of features are zero, so nothing is left.")
    share = np.sqrt(weight / weight.sum() * columns.sum() / np.maximum(columns, 1))
    return share[block]
