"""Descriptor, preprocessing, emulator and decomposers that are to be fitted together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from xreg.core import progress
from xreg.core.data.samples import Samples
from xreg.core.errors import DataError
from xreg.core.interfaces import Decomposer, Descriptor, Emulator
from xreg.core.interfaces.blocks import Blocks, parts_of
from xreg.core.model.domain import Domain, Target, require_same_target
from xreg.core.model.features import Featurizer, build_features, require_kind
from xreg.core.model.inputs import FeatureInputs, Inputs, SampleInputs
from xreg.core.model.model import Model, require_steps
from xreg.core.model.novelty import Novelty
from xreg.core.model.preprocessing import Inherited, Preprocessing, TrainingData

__all__ = ["Pipeline", "inherited"]

Stage = Callable[[str], AbstractContextManager[Any]]


@dataclass(eq=False)
class Pipeline:
    """What a model is to be made of: settings that are checked to fit together.

    :meth:`fit` leaves it as it is: like scikit-learn's meta-estimators it fits clones, so that one
    pipeline serves any number of folds and no model changes under another's training.

    Attributes
    ----------
    emulator, decomposers
        The methods; decomposers by the label that the report shows.
    descriptor
        None where the emulator takes samples themselves.
    preprocessing
        How features are filtered, and features and targets scaled.
    featurize
        Builds features; a caller may hand in one with a cache.
    start
        A trained model with whose weights the emulator's training begins. Its descriptor, filter
        and scalings are kept as they are, in place of ``preprocessing``, so that weights mean the
        same.

    Raises
    ------
    DataError
        If emulator, descriptor and decomposers do not fit together, or are not those of ``start``.
    """

    emulator: Emulator
    descriptor: Descriptor | None = None
    decomposers: dict[str, Decomposer] = field(default_factory=dict)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    featurize: Featurizer = build_features
    start: Model | None = None

    def __post_init__(self) -> None:
        require_steps(self.emulator, self.descriptor, self.decomposers)
        if self.start is not None:
            self.emulator = self.emulator.__sklearn_clone__()
            self.emulator.start_from(self.start.emulator)
            _require_same_descriptor(self.start, self.descriptor)
            self.preprocessing = inherited(self.start)

    def fit(
        self,
        samples: Samples,
        Y: ArrayLike,
        target: Target,
        validation: tuple[Samples, ArrayLike] | None = None,
        stage: Stage = nullcontext,
        *,
        descriptor: Descriptor | None = None,
    ) -> Model:
        """Train clones of all components.

        Parameters
        ----------
        samples
            n training samples.
        Y
            (n, m) training targets.
        target
            What the columns of Y are.
        validation
            Samples and targets for early stopping.
        stage
            Called with what comes next, emulator or a decomposer; its context holds meanwhile.
        descriptor
            The descriptor, where a caller has fitted it to the very same samples already.
        """
        if self.start is not None:
            require_same_target(self.start.target, target)
        emulator = self.emulator.__sklearn_clone__()
        decomposers = {label: d.__sklearn_clone__() for label, d in self.decomposers.items()}
        with stage(f"emulator {emulator.name}"):
            domain = Domain.of(samples)
            inputs, data = self._prepare(emulator, samples, Y, validation, descriptor)
            for decomposer in decomposers.values():
                decomposer.require_rank(data.X.shape)
            data.fit([emulator])
            novelty = Novelty.fit(samples, data.X)
        for done, (label, decomposer) in enumerate(decomposers.items()):
            progress.report("decomposers", done, len(decomposers), label)
            with stage(f"decomposer {label}"):
                decomposer.fit(data.X, data.Y, emulator if decomposer.needs_emulator else None)
                decomposer.emulator = emulator
            progress.report("decomposers", done + 1, len(decomposers), label)
        return Model(
            emulator, inputs, decomposers, self.preprocessing, target, data.targets, domain, novelty
        )

    def _prepare(
        self,
        emulator: Emulator,
        samples: Samples,
        Y: ArrayLike,
        validation: tuple[Samples, ArrayLike] | None,
        descriptor: Descriptor | None,
    ) -> tuple[Inputs, TrainingData[Any]]:
        """Learn how inputs are made, and return it with what is trained on."""
        held = validation if validation is not None and len(validation[0]) else None
        if self.descriptor is None:
            return SampleInputs(emulator), self.preprocessing.prepare(samples, Y, held)
        require_kind(self.descriptor, samples)
        if self.start is not None:
            descriptor = self.start.features.descriptor
        elif descriptor is None:
            descriptor = self.descriptor.__sklearn_clone__()
            descriptor.fit(samples)
        described = self.featurize(descriptor, samples)
        stopping = None if held is None else (self.featurize(descriptor, held[0]), held[1])
        sources = [label.source for label in descriptor.feature_labels]
        data = self.preprocessing.prepare(described, Y, stopping, sources=sources)
        return FeatureInputs(descriptor, data.scaling, self.featurize), data


def inherited(start: Model) -> Inherited:
    """Return what a model has learned of inputs and targets, in place of what to learn anew."""
    own = start.preprocessing
    return Inherited(
        own.filter,
        own.features,
        own.targets,
        own.weights,
        scaling=start.inputs.scaling,
        transform=start.target_scaler,
    )


def _require_same_descriptor(start: Model, descriptor: Descriptor | None) -> None:
    """Refuse features that are not those of the model to start from.

    Raises
    ------
    DataError
        In one sentence with both names, or the first setting that differs.
    """
    own = start.descriptor
    if own is None or descriptor is None:
        return  # an emulator that takes samples, as its equal at the start does
    if not isinstance(descriptor, type(own)) or parts_of(descriptor).keys() != parts_of(own).keys():
        raise DataError(
            f"the model to start from has the descriptor {_named(own)}, not {_named(descriptor)}."
        )
    for part, trained in zip(parts_of(descriptor).values(), parts_of(own).values(), strict=True):
        _require_same_settings(part, trained)


def _named(descriptor: Descriptor) -> str:
    names = [part.name for part in parts_of(descriptor).values()]
    listed = ", ".join(f"'{name}'" for name in names)
    return f"list {listed}" if isinstance(descriptor, Blocks) else listed


def _require_same_settings(descriptor: Descriptor, own: Descriptor) -> None:
    mine, theirs = dict(descriptor.config), dict(own.config)
    for name in sorted(theirs):
        if mine[name] != theirs[name]:
            raise DataError(
                f"the model to start from has descriptor '{own.name}' with '{name}: "
                f"{theirs[name]}', not {mine[name]}; leave that setting out."
            )
