"""The sections that recipes are made of, and their settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    model_serializer,
    model_validator,
)

from xreg.core.config import Config, setting
from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.core.interfaces.kinds import KINDS, LABELLED
from xreg.core.model.scaling import FeatureScaling
from xreg.core.run import FORMAT
from xreg.core.yaml_text import dump_yaml
from xreg.registry.registries import plain_place

__all__ = [
    "KIND_OF",
    "NAME",
    "SEED_LIMIT",
    "AnyRecipe",
    "BadPolicy",
    "ComponentSection",
    "DatasetSection",
    "EmulatorSection",
    "FeaturesSection",
    "Frames",
    "Labelled",
    "NewDataset",
    "ReportSection",
    "StartSection",
    "StartedSection",
    "bad_policy",
    "by_label",
    "frames_slice",
]

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"
SEED_LIMIT = 2**31 - 1
REFERENCE = f"{NAME_PATTERN[1:-1]}@{VERSION_PATTERN[1:-1]}"

KIND_OF = {
    **{name: name for name in KINDS},
    **LABELLED,
    "steps": "step",
    "layout": "importer",
    "to": "exporter",
}
"""The kind of what stands below a key."""


def frames_slice(text: str) -> slice:
    """Return the slice that ``start:stop:step`` says, with any of the three left out.

    Raises
    ------
    ValueError
        If it steps by nothing.
    """
    parts = [int(part) if part else None for part in text.split(":")]
    if parts[2:] == [0]:
        raise ValueError(f"'{text}' has a step of 0; write start:stop:step, such as :500 or ::10")
    return slice(*parts)


def _stepping(text: str) -> str:
    frames_slice(text)
    return text


Frames = Annotated[
    str,
    Field(pattern=r"^(-?\d{1,18})?:(-?\d{1,18})?(:(-?\d{1,18})?)?$"),
    AfterValidator(_stepping),
]
"""Which of many, as a slice."""

BadPolicy = Literal["refuse", "set-aside"]


def bad_policy() -> Any:
    """Return the setting ``bad``, which means the same in every recipe."""
    return setting(
        "refuse",
        description="What bad samples do (spectra or features that are not finite, a failed "
        "computation, an unreadable file): refuse them all, or set them aside, listed.",
    )


class ComponentSection(Config):
    """A component by name; all other keys are its own settings."""

    model_config = ConfigDict(extra="allow")

    name: str = setting(description="Name of an installed component (xreg plugins list).")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def settings(self) -> dict[str, Any]:
        """The component's own settings."""
        return dict(self.model_extra or {})


class StartSection(Config):
    """The trained model with whose weights training begins."""

    model: str = setting(
        description="A published model, NAME@VERSION, which is pulled; or the folder of a run."
    )
    hash: str = setting("", description="Hash that it must have; not checked if empty.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value

    @property
    def published(self) -> bool:
        """Whether it is a published model by its exact version, not the folder of a run."""
        return re.fullmatch(REFERENCE, self.model) is not None

    @property
    def title(self) -> str:
        """The model's name for people, without its place on this machine."""
        return self.model if self.published else Path(self.model).name


class StartedSection(Config):
    """What stands beside an emulator's name in every recipe that trains one."""

    start: StartSection | None = setting(
        None,
        description="A trained model with whose weights training begins, NAME@VERSION or the "
        "folder of a run. Its descriptor, filter and scalings are kept, and settings that are not "
        "given here are its own; for emulators that are trained step by step (mlp, graph, dnn …).",
    )

    @model_serializer(mode="wrap")
    def _unless_anew(self, handler: Any) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if found.get("start") is None:
            found.pop("start", None)
        return found


class EmulatorSection(StartedSection, ComponentSection):
    """An emulator by name, and what its training begins with."""


def by_label(value: Any) -> Any:
    """Return components by label in which each states its name: the label, unless told."""
    if not isinstance(value, Mapping):
        return value
    return {
        label: {"name": label, **(inner or {})} if isinstance(inner, Mapping | None) else inner
        for label, inner in value.items()
    }


Labelled = Annotated[
    dict[Annotated[str, Field(pattern=NAME)], ComponentSection], BeforeValidator(by_label)
]
"""Several components by label; a label is the component's name, unless ``name`` stands there."""


class AnyRecipe(Config):
    """What all recipes have in common.

    Attributes
    ----------
    command
        What such a recipe is for.
    word
        What messages call it.
    home
        Section that ``--set`` of earlier versions meant; it is named where a key is not known.
    """

    command: ClassVar[str] = ""
    word: ClassVar[str] = "recipe"
    home: ClassVar[str] = ""

    format: int = setting(
        FORMAT,
        ge=FORMAT,
        le=FORMAT,
        description="Version of the language, in what xreg writes; by hand it is not needed.",
    )

    def components(self) -> Iterator[tuple[str, str, ComponentSection]]:
        """Yield kind, place (``decomposers.eca``) and section of every component."""
        yield from _components(self, "", "")

    def default_name(self) -> str:
        """Return a name for a recipe without a file; empty where the data will give one."""
        return ""

    def checked(self) -> Self:
        """Return the recipe after all checks that need no data, filled in as far as that goes."""
        return self

    def plain(self) -> dict[str, Any]:
        """Return the recipe as JSON values."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the recipe as a YAML file's text."""
        return dump_yaml(self.plain())


def _components(value: Any, place: str, kind: str) -> Iterator[tuple[str, str, ComponentSection]]:
    if isinstance(value, ComponentSection):
        yield kind, place, value
        return
    inner: Any = ()
    if isinstance(value, Config):
        inner = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, tuple):
        inner = enumerate(value)
    for key, part in inner:
        yield from _components(part, f"{place}.{key}".lstrip("."), KIND_OF.get(str(key), kind))


class DatasetSection(Config):
    """Which dataset: by name and version from a registry, or a store by its path."""

    name: str = setting("", description="Name in the registry; 'h2o@1.0.0' states the version too.")
    version: str | None = setting(None, description="Version; the newest if not given.")
    path: str | None = setting(None, description="Path of a .zarr store instead of a name.")
    registry: str | None = setting(
        None, description="Registry (name, path or git URL); the usual search if not given."
    )
    hash: str = setting(
        "", description="Content hash that the dataset must have; not checked if empty."
    )
    frames: Frames = setting(":", description="Which samples, as a Python slice start:stop:step.")
    where: dict[str, Any] = setting(
        {}, description="Labels and the value, or list of values, of the samples to use."
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        given = {"name": value} if isinstance(value, str) else value
        if isinstance(given, Mapping) and isinstance(place := given.get("registry"), str):
            given = {**given, "registry": plain_place(place)}  # it will be written down
        if not isinstance(given, Mapping) or not isinstance(name := given.get("name"), str):
            return given
        if name.endswith(".zarr") and not given.get("path"):
            return {**given, "name": "", "path": name}
        stem, at, version = name.partition("@")
        if at and version and not given.get("version"):
            return {**given, "name": stem, "version": version}
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if not self.name and not self.path:
            raise ValueError("needs a 'name' or the 'path' of a .zarr store")
        return self

    @property
    def whole(self) -> bool:
        """Whether all samples are used."""
        return self.frames == ":" and not self.where


class NewDataset(Config):
    """What a dataset that is made is called, and under which terms it may be used."""

    name: str = setting(pattern=NAME_PATTERN, description="Name of the dataset.")
    version: str = setting(pattern=VERSION_PATTERN, description="Version, such as 1.0.0.")
    title: str = setting("", description="One line for lists.")
    description: str = setting("", description="What it is, how it was made, what it is for.")
    licence: str = setting("", description="Licence of the data (an SPDX name).")
    citation: str = setting("", description="What to cite.")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        name, at, version = value.partition("@") if isinstance(value, str) else ("", "", "")
        return {"name": name, "version": version} if at else value


class FeaturesSection(Config):
    """What happens to features before the emulator sees them."""

    scaling: FeatureScaling = setting(
        "standard", description="Standardise each feature on the training set, or leave it."
    )
    variance: float | None = setting(
        None,
        ge=0,
        description="Drop features whose variance over the training set (in the square of their "
        "unit, before scaling) is not above this; 0 drops constant ones, none drops nothing.",
    )
    variance_share: float | None = setting(
        None,
        ge=0,
        lt=1,
        description="Drop this share of all features, those of the least variance over the "
        "training set, in the square of their unit; none drops nothing.",
    )
    correlation: float | None = setting(
        None,
        gt=0,
        lt=1,
        description="Drop the later of two features whose |r| (Pearson) over the training set is "
        "above this; none drops nothing.",
    )

    weights: dict[str, Annotated[float, Field(ge=0, le=1e6)]] | Literal["learn"] | None = setting(
        None,
        description="Of a list of descriptors, the weight of each by its name: its share of the "
        "squared distance between two samples; all alike if not given. 'learn' takes those with "
        "which a kernel ridge regression errs least on folds of the training samples.",
    )


class ReportSection(Config):
    """What the report shows beside the scores."""

    labels: tuple[str, ...] | None = setting(
        None,
        description="Labels or features that colour the scores; those that follow the scores most "
        "if not given.",
    )
    descriptor: str | None = setting(
        None,
        description="A second descriptor, with its default settings, whose features can colour the "
        "scores too: internal shows what SOAP makes of bond lengths.",
    )
    explorer: bool = setting(
        False,
        description="Also make explorer.html: an interactive map of all samples with the spectra "
        "and the structure of each (up to 5 MB).",
    )
