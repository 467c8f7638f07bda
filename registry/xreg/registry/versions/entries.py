"""What a registry says of one published version: of a dataset, or of a model.

An entry is the card of its version as data. It stands in the section ``meta`` of the ``.dvc`` file,
so that all of it is known before anything is pulled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from xreg.core.config import Exact
from xreg.core.data.dataset import NAME_PATTERN, VERSION_PATTERN
from xreg.registry.versions.authors import Author

__all__ = [
    "About",
    "ChannelEntry",
    "Collection",
    "ComponentEntry",
    "DataEntry",
    "DatasetEntry",
    "DomainEntry",
    "Entry",
    "ModelEntry",
    "ParameterEntry",
    "Score",
    "Withdrawal",
]

MOST = 1 << 62
STRICT = ConfigDict(extra="forbid", frozen=True)
HASH = r"^[0-9a-f]{32}\.dir$"
Line = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=100_000)]


@dataclass(frozen=True)
class Collection:
    """Where a registry keeps versions of one kind.

    Attributes
    ----------
    noun
        What messages call one (``dataset``).
    name
        The tracked folder, and the section of the ``.dvc`` file.
    ending
        What is appended to a version to give the name of its folder.
    command
        The group of commands for it (``xreg data``).
    """

    noun: str
    name: str
    ending: str
    command: str

    @property
    def record(self) -> str:
        """The file by which DVC and xreg know what is published (``datasets.dvc``)."""
        return f"{self.name}.dvc"

    def path(self, name: str, version: str) -> str:
        """Return the folder of a version, below the tracked one."""
        return f"{name}/{version}{self.ending}"


class About(Exact):
    """What only its authors can say of a dataset or model.

    Attributes
    ----------
    licence
        An SPDX expression.
    citation
        The publication to cite beside the version itself, as text.
    intended_use, limits
        What it is good for, and where it is known to fail.
    """

    model_config = STRICT

    title: Line = ""
    description: Text = ""
    licence: Line = ""
    citation: Text = ""
    authors: tuple[Author, ...] = Field((), max_length=10_000)
    keywords: tuple[Line, ...] = Field((), max_length=1000)
    intended_use: Text = ""
    limits: Text = ""


class Withdrawal(Exact):
    """That a version should no longer be used, since when and why."""

    model_config = STRICT

    reason: Text = Field(min_length=1)
    date: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")


class ChannelEntry(Exact):
    """A channel in words: its grid in eV, or its target features."""

    model_config = STRICT

    points: int
    low: float | None = None
    high: float | None = None
    unit: str = ""
    features: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_grid(self) -> Self:
        if not self.features and (self.low is None or self.high is None):
            raise ValueError("a channel has features, or a grid from 'low' to 'high'")
        return self

    def __str__(self) -> str:
        if self.features:
            return ", ".join(self.features)
        return f"{self.points} points, {self.low:g} … {self.high:g} eV"


class Entry(About):
    """One published version.

    Attributes
    ----------
    hash
        DVC's hash of its folder.
    size, files
        Bytes and files.
    published
        Date of publication; empty where an older xreg published it.
    withdrawn
        Whether and why it should not be used any more.
    """

    collection: ClassVar[Collection]

    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    hash: str = Field(pattern=HASH)
    size: int = Field(ge=0, lt=MOST)
    files: int = Field(ge=0, lt=MOST)
    published: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    withdrawn: Withdrawal | None = None

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def path(self) -> str:
        """Its folder, below the tracked one."""
        return self.collection.path(self.name, self.version)

    @property
    def size_text(self) -> str:
        """Size for people."""
        return f"{self.size / 1e6:.1f} MB" if self.size >= 1e5 else f"{self.size / 1e3:.1f} kB"


class DatasetEntry(Entry):
    """One published version of a dataset.

    Attributes
    ----------
    provenance
        How it was made; shown, never executed.
    samples
        Number of samples.
    kind
        ``structures``, ``parameters`` or ``specimens``.
    contents
        Elements of the structures, or names of the parameters with their units.
    channels, labels, splits
        Grids; units of labels; number of samples in each part of a split.
    """

    collection: ClassVar[Collection] = Collection("dataset", "datasets", ".zarr", "data")

    provenance: dict[str, Any] = Field(default_factory=dict)
    samples: int = Field(ge=0, lt=MOST)
    kind: str
    contents: str
    channels: dict[str, ChannelEntry]
    labels: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, dict[str, int]] = Field(default_factory=dict)


class ParameterEntry(Exact):
    """A parameter that a model knows: its unit, and the range of the training samples."""

    model_config = STRICT

    unit: str = ""
    low: float
    high: float


class DomainEntry(Exact):
    """What a model's training samples were; beyond that it refuses, or says that it guesses."""

    model_config = STRICT

    kind: str
    elements: list[str] = Field(default_factory=list)
    absorbers: list[str] = Field(default_factory=list)
    parameters: dict[str, ParameterEntry] = Field(default_factory=dict)


class DataEntry(Exact):
    """What a model was trained on.

    Attributes
    ----------
    registry
        Where it came from, without credentials; empty for a store that was given by its path.
    split
        How it was divided.
    parts
        Number of samples in each part.
    """

    model_config = STRICT

    name: str
    version: str
    hash: str = ""
    registry: str = ""
    published: bool = True
    split: dict[str, Any] = Field(default_factory=dict)
    parts: dict[str, int] = Field(default_factory=dict)

    @property
    def reference(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


class ParentEntry(Exact):
    """The model with whose weights a training began.

    Attributes
    ----------
    model
        ``name@version``, or the name of a run that nobody else has.
    """

    model_config = STRICT

    model: str
    hash: str = ""
    published: bool = True


class Score(Exact):
    """A score: its mean and standard deviation over runs that differ in their split alone."""

    model_config = STRICT

    mean: float = Field(allow_inf_nan=False)
    spread: float | None = Field(None, ge=0, allow_inf_nan=False)
    runs: int = Field(1, ge=1)

    def __str__(self) -> str:
        if not self.spread:
            return f"{self.mean:.4g}"
        digits = max(0, 1 - floor(log10(self.spread)))  # two that count
        return f"{self.mean:.{digits}f} ± {self.spread:.{digits}f}"


Numbers = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(max_length=100)]


class ParityEntry(Exact):
    """Predicted against true intensities of the test samples, both in the unit of the channel.

    Attributes
    ----------
    true
        Mean of the true intensities of each bin.
    median, low, high
        Of the predicted ones: the median, and the quantiles between which 68 % lie.
    """

    model_config = STRICT

    true: Numbers
    low: Numbers
    median: Numbers
    high: Numbers

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if len({len(self.true), len(self.low), len(self.median), len(self.high)}) != 1:
            raise ValueError("has lists of different lengths")
        return self


class ComponentEntry(Exact):
    """A method that is part of a model: where it comes from, and the hash of its source."""

    model_config = STRICT

    kind: str
    name: str
    plugin: str = ""
    distribution: str
    version: str
    code: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)


class ModelEntry(Entry):
    """One published version of a model.

    Attributes
    ----------
    channel, predicts
        What it predicts.
    domain
        What it may be asked.
    data
        What it was trained on.
    parent
        The model that its training started from; None where it began anew.
    scores
        By part (``test``), then by measure (``r2``).
    parity
        Predicted against true intensities; None where that is not known.
    calibration
        How its spread and trust were set; empty where it has none.
    components
        Its methods.
    provenance
        The recipe, and versions of what ran it; shown, never executed.
    """

    collection: ClassVar[Collection] = Collection("model", "models", "", "models")

    channel: str
    predicts: ChannelEntry
    domain: DomainEntry
    data: DataEntry
    parent: ParentEntry | None = None
    scores: dict[str, dict[str, Score]] = Field(default_factory=dict)
    parity: ParityEntry | None = None
    calibration: str = ""
    components: list[ComponentEntry] = Field(default_factory=list)
    provenance: dict[str, Any] = Field(default_factory=dict)
