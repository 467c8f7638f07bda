"""What a saved model must say of itself, and how a stranger's is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from xreg.core.config import Exact
from xreg.core.errors import CorruptError, DataError, PluginError, XregError
from xreg.core.model.domain import Domain, Target
from xreg.core.model.filters import FeatureFilter
from xreg.core.model.preprocessing import ScaledColumns
from xreg.core.model.scaling import FeatureScaling, Scaler
from xreg.core.model.target_transforms import TargetScaling, TargetTransform
from xreg.core.storage import RAW

if TYPE_CHECKING:
    from xreg.core.interfaces import Component, Descriptor

__all__ = ["SavedModel", "calling", "require_features_fit", "require_targets_fit"]

PLACES = r"^(emulator|descriptor|(descriptor|decomposers)/[A-Za-z0-9][A-Za-z0-9._+-]*)$"
Place = Annotated[str, Field(pattern=PLACES)]
KINDS = {"emulator": "emulator", "descriptor": "descriptor", "decomposers": "decomposer"}
Index = Annotated[int, Field(ge=0)]
STRICT = ConfigDict(extra="forbid")


@contextmanager
def calling(component: Component) -> Iterator[None]:
    """Tell what goes wrong inside a component: it, or the model that it came with, is at fault.

    Raises
    ------
    PluginError
        In place of every error that is not told in words already.
    """
    try:
        yield
    except (XregError, NotImplementedError):
        raise
    except RAW as error:
        text = " ".join(str(error).split())[:120]
        raise PluginError(
            f"{component.kind} '{component.name}' failed ({type(error).__name__}: {text}): the "
            "model is damaged, or the plugin is at fault; xreg --debug shows where."
        ) from error


class SavedTarget(Exact):
    """The target of a saved model, its energies apart."""

    model_config = STRICT

    channel: str
    features: tuple[str, ...]
    unit: str


class SavedColumns(Exact):
    """The choice of columns of a saved model."""

    model_config = STRICT

    columns: tuple[Index, ...]
    described: Index
    flat: tuple[Index, ...] = ()
    follows: tuple[tuple[Index, Index], ...] = ()
    constant: tuple[Index, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        pairs = [column for pair in self.follows for column in pair]
        named = [*self.columns, *self.flat, *pairs, *self.constant]
        if max(named, default=-1) >= self.described:
            raise ValueError(f"names a column beyond the {self.described} of the descriptor")
        if any(a >= b for a, b in zip(self.columns, self.columns[1:], strict=False)):
            raise ValueError("does not name its columns in ascending order")
        return self


class SavedModel(Exact):
    """``component.json`` of a saved model."""

    model_config = STRICT

    format: int
    kind: Literal["pipeline"]
    arrays: str = ""
    steps: dict[Place, tuple[str, str]]
    parts: dict[Place, str]
    feature_filter: FeatureFilter
    columns: SavedColumns | None
    feature_scaling: FeatureScaling
    target_scaling: TargetScaling
    target: SavedTarget
    domain: dict[str, Any]
    code: str = ""

    @model_validator(mode="after")
    def _steps(self) -> Self:
        if "emulator" not in self.steps:
            raise ValueError("has no emulator")
        if set(self.steps) != set(self.parts):
            raise ValueError("does not tell the hash of each of its steps")
        for place, (kind, _) in self.steps.items():
            if kind != KINDS[place.partition("/")[0]]:
                raise ValueError(f"has a {kind} as {place}")
        several = [place for place in self.steps if place.startswith("descriptor/")]
        if several and "descriptor" in self.steps:
            raise ValueError("has a descriptor beside several in a list")
        if bool(several or "descriptor" in self.steps) != (self.columns is not None):
            raise ValueError("has a descriptor without columns, or columns without a descriptor")
        return self

    @classmethod
    def of(cls, meta: Mapping[str, Any], folder: Path) -> Self:
        """Validate what a file says.

        Raises
        ------
        DataError
            If it is no model but a component.
        CorruptError
            If a key is missing, unknown, of the wrong type, or contradicts another.
        """
        if meta.get("kind") != "pipeline":
            raise DataError(f"{folder} holds no model but a {meta.get('kind')}.")
        try:
            return cls.model_validate(dict(meta))
        except ValidationError as error:
            raise CorruptError(f"model {folder}: {_first(error)}; the file is damaged.") from None
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
            raise CorruptError(
                f"model {folder}: a text in it is no valid Unicode; the file is damaged."
            ) from None

    def places(self) -> list[tuple[str, str, str]]:
        """Return place, kind and name of each component."""
        return [(place, kind, name) for place, (kind, name) in self.steps.items()]

    def known_domain(self, folder: Path) -> Domain:
        """Return what the model was trained on.

        Raises
        ------
        CorruptError
            If its parts do not fit together.
        """
        if unknown := sorted({*self.domain} - {field.name for field in fields(Domain)}):
            raise CorruptError(
                f"model {folder}, domain: unknown key '{unknown[0]}'; the file is damaged, or of a "
                "newer xreg."
            )
        try:
            found: Domain = TypeAdapter(Domain).validate_python(self.domain)
        except ValidationError as error:
            raise CorruptError(
                f"model {folder}, domain: {_first(error)}; the file is damaged."
            ) from None
        sound = (
            all(1 <= z <= 118 for z in (*found.elements, *found.absorbers))
            and set(found.absorbers) <= set(found.elements)
            and len(found.units) == len(found.parameters)
            and len(found.ranges) in (0, len(found.parameters))
            and bool(np.isfinite(np.array(found.ranges)).all())
            and all(low <= high for low, high in found.ranges)
        )
        if not sound:
            raise CorruptError(
                f"model {folder}, domain: elements, parameters and ranges contradict each other; "
                "the file is damaged."
            )
        return found


def require_targets_fit(target: Target, transform: TargetTransform, folder: Path) -> None:
    """Refuse a saved model whose energies do not ascend, or whose scaling is not that of them.

    Raises
    ------
    CorruptError
        In one sentence with both sizes.
    """
    width = len(target.features)
    if target.energy is not None:
        energy, width = target.energy, len(target.energy)
        if energy.ndim != 1 or not np.isfinite(energy).all() or (np.diff(energy) <= 0).any():
            raise CorruptError(f"model {folder}: its energies do not ascend; the file is damaged.")
    _require_scaling(transform.scaler, "target", width, folder)


def require_features_fit(descriptor: Descriptor, scaling: ScaledColumns, folder: Path) -> None:
    """Refuse a saved model whose columns are not those of its descriptor, or whose scaling is not.

    Raises
    ------
    CorruptError
        In one sentence with both sizes.
    """
    described = len(descriptor.feature_labels)
    if described != scaling.kept.described:
        raise CorruptError(
            f"model {folder}: its descriptor has {described} columns and its filter "
            f"{scaling.kept.described}; the file is damaged."
        )
    _require_scaling(scaling.scaler, "feature", len(scaling.kept.columns), folder)


def _require_scaling(scaler: Scaler, name: str, wanted: int, folder: Path) -> None:
    for part in (scaler.mean, scaler.scale, *([] if scaler.limit is None else [scaler.limit])):
        if part.shape != (wanted,):
            raise CorruptError(
                f"model {folder}: its {name} scaling has the shape {part.shape} where {wanted} "
                "columns are; the file is damaged."
            )
    if not (np.isfinite(scaler.mean).all() and (scaler.scale > 0).all()):
        raise CorruptError(
            f"model {folder}: its {name} scaling is not finite and positive; the file is damaged."
        )


def _first(error: ValidationError) -> str:
    item = error.errors()[0]
    place = ".".join(map(str, item["loc"]))
    return f"'{place}': {item['msg']}" if place else item["msg"].removeprefix("Value error, ")
